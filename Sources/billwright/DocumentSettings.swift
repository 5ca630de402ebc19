internal import BillingPorts
internal import Commands
internal import Dates
internal import DocumentStorage
internal import Documents
internal import Foundation
internal import HTTPClient
internal import LocalPostgres

extension Setting {
    static let documentFolder = Setting(
        "--documents", "FOLDER|s3://BUCKET[/PREFIX]", variable: "BILLWRIGHT_DOCUMENTS",
        help: "where documents are kept; by default the folder documents in $BILLWRIGHT_HOME")
    static let s3Endpoint = Setting(
        "--s3-endpoint", "URL", variable: "BILLWRIGHT_S3_ENDPOINT",
        help: "what speaks as S3 does; by default Amazon's own of the region")
    static let s3Region = Setting(
        "--s3-region", "REGION", variable: "AWS_REGION", default: "us-east-1", help: "the bucket's region")
    static let s3AccessKey = Setting(
        "--s3-access-key", "KEY", variable: "AWS_ACCESS_KEY_ID", help: "who signs requests to the bucket")
    static let s3SecretKey = Setting(
        "--s3-secret-key", "KEY", variable: "AWS_SECRET_ACCESS_KEY", help: "what they are signed with")
    static let s3SessionToken = Setting(
        "--s3-session-token", "TOKEN", variable: "AWS_SESSION_TOKEN", help: "of temporary credentials")

    static let documentStore = [documentFolder, s3Endpoint, s3Region, s3AccessKey, s3SecretKey, s3SessionToken]
}

extension Arguments {
    /// Where documents are kept. Throws `UsageError` for what cannot be.
    func documentStore() throws(UsageError) -> any DocumentStore {
        let home = Home.path(environment: ProcessInfo.processInfo.environment)
        let place = text("--documents") ?? "\(home)/documents"
        if place.hasPrefix("s3://") { return try bucket(place) }
        guard place.hasPrefix("/") else {
            throw fault("--documents", place, "an absolute path, nor s3://BUCKET[/PREFIX]")
        }
        return FolderStore(folder: place)
    }

    private func bucket(_ place: String) throws(UsageError) -> S3Store {
        let parts = place.dropFirst("s3://".count).split(separator: "/").map(String.init)
        // Clients and proxies take such parts away, and the signature would be of another path.
        let isPlain = !parts.contains { $0 == "." || $0 == ".." }
        guard let name = parts.first, isPlain else { throw fault("--documents", place, "s3://BUCKET[/PREFIX]") }
        let region = try required("--s3-region")
        let endpoint = text("--s3-endpoint") ?? "https://s3.\(region).amazonaws.com"
        let (scheme, host) = try address(endpoint)
        let credentials = S3Credentials(
            accessKey: try required("--s3-access-key"), secretKey: try required("--s3-secret-key"),
            sessionToken: text("--s3-session-token"))
        var settings = HTTPClient.Settings()
        settings.totalTimeout = .seconds(60)
        return S3Store(
            S3Store.Bucket(
                scheme: scheme, host: host, name: name, prefix: Array(parts.dropFirst()), region: region),
            credentials, client: HTTPClient(settings)
        ) {
            // Signatures go by the wall clock, as their judge does.
            Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        }
    }

    private func address(_ endpoint: String) throws(UsageError) -> (scheme: String, host: String) {
        let wanted = "https://HOST[:PORT], or http:// on loopback"
        guard let url = URL(string: endpoint), let scheme = url.scheme, let host = url.host(),
            ["", "/"].contains(url.path())
        else { throw fault("--s3-endpoint", endpoint, wanted) }
        let isLoopback = ["127.0.0.1", "localhost", "::1"].contains(host)
        guard scheme == "https" || scheme == "http" && isLoopback else {
            throw fault("--s3-endpoint", endpoint, wanted)
        }
        let isOwnPort = url.port == nil || url.port == (scheme == "https" ? 443 : 80)
        return (scheme, isOwnPort ? host : "\(host):\(url.port ?? 0)")
    }
}

/// Stands where documents are neither made nor kept: a simulation, a bench.
struct NoDocuments: DocumentRenderer, DocumentStore {
    struct NotHere: Error, CustomStringConvertible {
        let description = "documents are not made here"
    }

    func pdf(of document: Document) async throws -> [UInt8] { throw NotHere() }
    func keep(_ bytes: [UInt8], under key: DocumentKey) async throws -> StoredBytes { throw NotHere() }
    func bytes(under key: DocumentKey) async throws -> [UInt8] { throw NotHere() }
    func link(to key: DocumentKey, as fileName: String, for time: Duration, now: Instant) throws -> String? {
        throw NotHere()
    }
}
