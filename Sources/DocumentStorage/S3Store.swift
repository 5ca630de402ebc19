public import BillingPorts
public import Dates
public import HTTPClient
internal import HTTPTypes

/// Documents in a bucket of S3, or of what speaks as it does. Requests are signed here; links expire.
public struct S3Store: DocumentStore {
    /// Where the bucket is.
    public struct Bucket: Sendable {
        /// `https`, or `http` on loopback.
        public let scheme: String
        /// With its port unless that is the scheme's own.
        public let host: String
        public let name: String
        /// Before every key; empty for none.
        public let prefix: [String]
        public let region: String

        public init(scheme: String, host: String, name: String, prefix: [String] = [], region: String) {
            self.scheme = scheme
            self.host = host
            self.name = name
            self.prefix = prefix
            self.region = region
        }
    }

    private let bucket: Bucket
    private let credentials: S3Credentials
    private let client: HTTPClient
    private let clock: @Sendable () -> Instant

    /// `clock`: real time; a request that is signed more than fifteen minutes off is refused.
    public init(
        _ bucket: Bucket, _ credentials: S3Credentials, client: HTTPClient, clock: @escaping @Sendable () -> Instant
    ) {
        self.bucket = bucket
        self.credentials = credentials
        self.client = client
        self.clock = clock
    }

    public func keep(_ bytes: [UInt8], under key: DocumentKey) async throws -> StoredBytes {
        let answer = try await send(
            "PUT", key, bytes, headers: [("content-type", "application/pdf"), ("if-none-match", "*")])
        switch answer.status {
        case 200...299: return StoredBytes(bytes)
        // It is there: of an attempt before, or of this one, whose answer was lost on the way.
        case 409, 412: return StoredBytes(try await self.bytes(under: key))
        default: throw StorageFault(answer, "keep", key)
        }
    }

    public func bytes(under key: DocumentKey) async throws -> [UInt8] {
        let answer = try await send("GET", key)
        switch answer.status {
        case 200: return answer.body
        case 404: throw DocumentMissing(key)
        default: throw StorageFault(answer, "read", key)
        }
    }

    public func link(to key: DocumentKey, as fileName: String, for time: Duration, now: Instant) throws -> String? {
        let seconds = time.components.seconds
        guard (1...604_800).contains(seconds) else { throw StorageFault("a link lasts a second to seven days") }
        var request = SignedRequest(
            "GET", host: bucket.host, path: path(of: key),
            query: [
                ("response-content-disposition", "attachment; filename=\"\(fileName.asFileName)\""),
                ("response-content-type", "application/pdf"),
            ])
        request.presign(credentials, region: bucket.region, seconds: Int(seconds), at: now)
        return "\(bucket.scheme)://\(bucket.host)\(request.encodedPath)?\(request.encodedQuery)"
    }

    private func path(of key: DocumentKey) -> [String] {
        [bucket.name] + bucket.prefix + key.description.split(separator: "/").map(String.init)
    }

    private func send(
        _ method: String, _ key: DocumentKey, _ body: [UInt8] = [], headers: [(name: String, value: String)] = []
    ) async throws -> HTTPResponse {
        var request = SignedRequest(method, host: bucket.host, path: path(of: key), headers: headers)
        request.sign(credentials, region: bucket.region, payload: body, at: clock())
        var fields = HTTPFields()
        for (name, value) in request.headers { fields.append(name, value) }
        let url = "\(bucket.scheme)://\(bucket.host)\(request.encodedPath)"
        do {
            return try await client.send(HTTPRequest(method: method, url: url, headers: fields, body: body))
        } catch {
            throw StorageFault("cannot reach the bucket \(bucket.name) at \(bucket.host): \(error)")
        }
    }
}

extension StorageFault {
    /// S3 says why in XML: its code and message are for people.
    fileprivate init(_ answer: HTTPResponse, _ verb: String, _ key: DocumentKey) {
        let text = String(decoding: answer.body.prefix(4096), as: UTF8.self)
        let reason = ["Code", "Message"].compactMap { text.element($0) }.joined(separator: ": ")
        self.init("cannot \(verb) \(key): the bucket answered \(answer.status) \(reason)")
    }
}

extension String {
    fileprivate func element(_ name: String) -> Substring? {
        guard let start = firstRange(of: "<\(name)>"), let end = self[start.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return self[start.upperBound..<end.lowerBound]
    }

    /// What a header may hold between quotes.
    fileprivate var asFileName: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter { $0.isASCII && $0.value >= 0x20 && $0 != "\"" && $0 != "\\" }))
    }
}
