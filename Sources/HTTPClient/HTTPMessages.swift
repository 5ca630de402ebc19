public import HTTPTypes

/// One HTTP request, whole: what is not in it is not sent.
public struct HTTPRequest: Sendable, Equatable {
    /// The method, upper-case: `GET`, `POST`.
    public var method: String
    /// An absolute `https` URL, or `http` where the client's settings permit it.
    public var url: String
    /// Sent as given; the client adds `Host`, `Content-Length` and nothing that would change the meaning.
    public var headers: HTTPFields
    /// The bytes of the body, empty for none.
    public var body: [UInt8]
    /// A numeric address to connect to in place of whatever the URL's host stands for by then; the certificate is still
    /// that of the host. Nil: the host is looked up.
    public var address: String?

    public init(method: String = "GET", url: String, headers: HTTPFields = [:], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// Whether running it twice does what running it once does: by its method, or because it carries a key the server
    /// recognises it by. Only such a request may ride on a kept connection, see ``EasyOptions``.
    var isRepeatable: Bool {
        ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(method) || headers["Idempotency-Key"] != nil
    }
}

/// What the server answered. Every status is an answer, 500 too: only the absence of one is an ``HTTPError``.
public struct HTTPResponse: Sendable, Equatable {
    /// The status code, 200 to 599.
    public let status: Int
    /// The fields of the final answer.
    public let headers: HTTPFields
    /// The body, whole.
    public let body: [UInt8]

    /// Takes the last block of header lines: informational answers (100) come before it.
    init(_ report: TransferReport) {
        var headers = HTTPFields()
        for line in report.headerLines {
            if line.hasPrefix("HTTP/") {
                headers = HTTPFields()
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                headers.append(String(line[..<colon]), String(value))
            }
        }
        status = report.status
        self.headers = headers
        body = report.body
    }
}

/// Why there is no answer, and above all whether the server may have acted.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong, by what a caller would do about it.
    public enum Kind: String, Sendable {
        /// The request cannot be sent as written; sending it again will not help.
        case invalidRequest
        /// More requests are waiting than the client's limit allows.
        case tooManyWaiting
        /// The name did not resolve.
        case nameResolution
        /// Nothing accepted the connection.
        case connect
        /// The server's certificate or TLS version was not acceptable, or the handshake failed.
        case tls
        /// A time-out passed.
        case timeout
        /// The connection ended before the answer did, or the answer was not HTTP.
        case connectionLost
        /// The answer was larger than the client's limit.
        case responseTooLarge
        /// The task was cancelled.
        case cancelled
    }

    public let kind: Kind
    /// libcurl's own words: for logs and people.
    public let message: String
    /// False only when it is certain that no byte of the request left this process: the caller may simply send again.
    /// True means unknown: the server may have done what was asked, so ask it before sending anything twice.
    public let mayHaveReachedServer: Bool

    public var description: String {
        "\(message) (\(kind.rawValue), \(mayHaveReachedServer ? "the server may have acted" : "nothing was sent"))"
    }
}
