internal import Crypto
public import Dates
internal import HTTPTypes

/// Who signs requests to S3.
public struct S3Credentials: Sendable {
    public let accessKey: String
    let secretKey: String
    /// Of temporary credentials.
    let sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

/// A request as Signature Version 4 signs it: only what is in it is vouched for.
///
/// S3 has rules of its own: each part of a path is encoded once, and the payload's hash is a header as well.
public struct SignedRequest: Sendable {
    public let method: String
    /// With its port unless that is the scheme's own.
    public let host: String
    /// Parts between slashes, unencoded.
    public let path: [String]
    /// Unencoded.
    public var query: [(name: String, value: String)]
    /// Beside `host` and those that signing adds; names in any case.
    public var headers: [(name: String, value: String)]

    public init(
        _ method: String, host: String, path: [String], query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
    }

    /// The path as it is sent and signed.
    public var encodedPath: String { path.map { "/" + PercentEncoding.encode($0) }.joined() }

    /// As it is sent and signed: by name, then value, each encoded. A name without a value has an equals sign.
    public var encodedQuery: String {
        query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Adds the headers that vouch for the rest, the payload among it.
    public mutating func sign(_ credentials: S3Credentials, region: String, payload: [UInt8], at now: Instant) {
        let stamp = now.stamp
        let hash = Hex.encode(sha256(payload))
        headers += [("x-amz-content-sha256", hash), ("x-amz-date", stamp)]
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let scope = Scope(region: region, stamp: stamp)
        let names = signedNames
        let signature = scope.signature(of: canonical(payloadHash: hash), credentials)
        headers.append(
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope.text), SignedHeaders=\(names), "
                    + "Signature=\(signature)"
            ))
    }

    /// Adds to the query what lets anybody make this request until the time is over; at most seven days.
    public mutating func presign(
        _ credentials: S3Credentials, region: String, seconds: Int, at now: Instant
    ) {
        precondition((1...604_800).contains(seconds), "a link lasts a second to seven days")
        let scope = Scope(region: region, stamp: now.stamp)
        query += [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(credentials.accessKey)/\(scope.text)"),
            ("X-Amz-Date", scope.stamp), ("X-Amz-Expires", "\(seconds)"), ("X-Amz-SignedHeaders", signedNames),
        ]
        if let token = credentials.sessionToken { query.append(("X-Amz-Security-Token", token)) }
        let signature = scope.signature(of: canonical(payloadHash: "UNSIGNED-PAYLOAD"), credentials)
        query.append(("X-Amz-Signature", signature))
    }

    // MARK: The text that is signed

    private var signedHeaders: [(name: String, value: String)] {
        ([(name: "host", value: host)] + headers.map { (name: $0.name.lowercased(), value: $0.value.collapsed) })
            .sorted { $0.name < $1.name }
    }

    private var signedNames: String { signedHeaders.map(\.name).joined(separator: ";") }

    private func canonical(payloadHash: String) -> String {
        let lines = signedHeaders.map { "\($0.name):\($0.value)\n" }.joined()
        return [method, encodedPath, encodedQuery, lines, signedNames, payloadHash].joined(separator: "\n")
    }

    private struct Scope {
        let region: String
        let stamp: String

        private var date: String { String(stamp.prefix(8)) }
        var text: String { "\(date)/\(region)/s3/aws4_request" }

        func signature(of request: String, _ credentials: S3Credentials) -> String {
            var key = Array("AWS4\(credentials.secretKey)".utf8)
            for part in [date, region, "s3", "aws4_request"] { key = hmacSHA256(key: key, part.utf8) }
            let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(self.text)\n\(Hex.encode(sha256(request.utf8)))"
            return Hex.encode(hmacSHA256(key: key, text.utf8))
        }
    }
}

extension String {
    /// Without white space around it, and with one space for several.
    fileprivate var collapsed: String { split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ") }
}

extension Instant {
    /// `20130524T000000Z`.
    fileprivate var stamp: String {
        let text = Instant(microseconds: seconds * 1_000_000).description
        return text.replacing("-", with: "").replacing(":", with: "")
    }
}
