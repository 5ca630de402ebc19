internal import CCurl
internal import HTTPTypes

/// Sends HTTP requests and says, for each that got no answer, whether the server may have acted on it.
///
/// One thread carries all requests. TLS is 1.2 or newer and verified, redirects are not followed, proxies named in the
/// environment are ignored, and connections are kept for the next request that may be repeated without harm.
public final class HTTPClient: Sendable {
    /// The limits one client keeps. Each is a bound on what a broken peer can cost us.
    public struct Settings: Sendable {
        /// From `send` to the last byte of the answer, waiting for a turn included. Stripe's own limit is 80 s.
        public var totalTimeout = Duration.seconds(80)
        /// Name look-up, TCP and TLS together.
        public var connectTimeout = Duration.seconds(10)
        /// Bytes of body after which an answer is refused.
        public var responseBodyLimit = 16 << 20
        /// Requests on the wire at a time.
        public var maximumConcurrent = 64
        /// Requests waiting for their turn; one more is refused at once with `tooManyWaiting`.
        public var maximumWaiting = 4096
        /// Whether `http` URLs of other hosts than this one are allowed. Loopback always is.
        public var allowsPlainText = false
        /// A PEM file of certificate authorities to trust in place of the system's.
        public var certificateAuthorities: String?

        public init() {}
    }

    private let settings: Settings
    private let thread: TransferThread

    /// Starts the client's thread, which ends when the client is released.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        thread = TransferThread(
            name: "http-client", concurrent: settings.maximumConcurrent, waiting: settings.maximumWaiting)
    }

    /// Sends the request and waits for the whole answer. Cancelling the task drops the transfer and its connection.
    public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let plan = try plan(request)
        let report = await thread.run(plan)
        guard report.ending == .completed else { throw HTTPError(report) }
        return HTTPResponse(report)
    }

    private func plan(_ request: HTTPRequest) throws(HTTPError) -> TransferPlan {
        guard let address = ServerAddress(url: request.url), ["http", "https"].contains(address.scheme) else {
            throw HTTPError(invalid: "not an absolute http or https URL: \(request.url)")
        }
        guard address.scheme == "https" || settings.allowsPlainText || address.isLoopback else {
            throw HTTPError(invalid: "plain http is allowed to loopback only: \(request.url)")
        }
        guard HTTPFields.isToken(request.method) else { throw HTTPError(invalid: "not a method: \(request.method)") }
        if let field = request.headers.firstInvalid {
            throw HTTPError(invalid: "the header \(field.name) holds what no header may")
        }
        let pinned = request.address.map { pinned in
            let bracketed = pinned.contains(":") ? "[\(pinned)]" : pinned
            return "\(address.host):\(address.port):\(bracketed):\(address.port)"
        }
        return TransferPlan(
            url: request.url, connectTo: pinned,
            exchange: .http(
                method: request.method, fields: Self.lines(request), body: request.body,
                isRepeatable: request.isRepeatable),
            schemes: address.scheme, connectTimeout: settings.connectTimeout, totalTimeout: settings.totalTimeout,
            responseLimit: settings.responseBodyLimit, certificateAuthorities: settings.certificateAuthorities)
    }

    /// libcurl's notation: `Name;` sends an empty value and `Name:` keeps libcurl from adding its own.
    private static func lines(_ request: HTTPRequest) -> [String] {
        var lines = request.headers.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        // `Expect: 100-continue` would make every larger body wait a second at servers that do not answer it.
        for name in ["Expect", "Content-Type", "Accept"] where request.headers[name] == nil { lines.append("\(name):") }
        return lines
    }
}

extension HTTPError {
    init(invalid message: String) { self.init(kind: .invalidRequest, message: message, mayHaveReachedServer: false) }

    /// Bytes handed to the kernel are bytes the server may have; libcurl counts them over all connections it tried, so
    /// zero is certain. The kind only names the cause: a time-out is certain when it struck before the first byte.
    init(_ report: TransferReport) {
        self.init(
            kind: Kind(report.ending), message: report.message, mayHaveReachedServer: report.requestBytesSent > 0)
    }
}

extension HTTPError.Kind {
    init(_ ending: TransferReport.Ending) {
        switch ending {
        case .completed: self = .connectionLost
        case .responseTooLarge: self = .responseTooLarge
        case .cancelled: self = .cancelled
        case .timedOutWaiting: self = .timeout
        case .tooManyWaiting: self = .tooManyWaiting
        case .failed(let code): self.init(code: CURLcode(code))
        }
    }

    private init(code: CURLcode) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .nameResolution
        case CURLE_COULDNT_CONNECT: self = .connect
        case CURLE_OPERATION_TIMEDOUT: self = .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
            self = .tls
        case CURLE_FAILED_INIT, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: self = .invalidRequest
        default: self = .connectionLost
        }
    }
}
