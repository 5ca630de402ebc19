internal import CCurl

/// Hands mail to a server, one recipient at a time, and says which of five things became of it.
///
/// TLS is 1.2 or newer and verified. Without TLS it speaks to loopback only.
public final class SMTPClient: Sendable {
    /// The limits one client keeps.
    public struct Settings: Sendable {
        /// From `send` to the server's answer to the whole message.
        public var totalTimeout = Duration.seconds(120)
        /// Name look-up, TCP and TLS together.
        public var connectTimeout = Duration.seconds(15)
        /// Bytes of one message after which it is not sent. Many servers stop at 25 MB.
        public var messageLimit = 25 << 20
        /// Messages on the wire at a time; servers refuse clients that open many connections.
        public var maximumConcurrent = 4
        /// Messages waiting for their turn; one more is refused at once.
        public var maximumWaiting = 1024
        /// The name given with EHLO: a host name that resolves to this machine, or an address in brackets.
        public var helloName = "localhost"

        public init() {}
    }

    private let settings: Settings
    private let thread: TransferThread

    /// Starts the client's thread, which ends when the client is released.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        thread = TransferThread(
            name: "smtp-client", concurrent: settings.maximumConcurrent, waiting: settings.maximumWaiting)
    }

    /// Sends one message in one transaction. Never throws: a caller must look at the outcome to go on.
    public func send(_ message: SMTPMessage, server: SMTPServer) async -> SMTPOutcome {
        if let fault = message.fault(limit: settings.messageLimit) ?? server.fault { return .notSent(reason: fault) }
        guard settings.helloName.utf8.allSatisfy(Self.isHostByte), !settings.helloName.isEmpty else {
            return .notSent(reason: "not a host name to say EHLO with: \(settings.helloName)")
        }
        let scheme = server.security == .tls ? "smtps" : "smtp"
        let report = await thread.run(
            TransferPlan(
                url: "\(scheme)://\(server.urlHost):\(server.port)/\(settings.helloName)",
                exchange: .mail(
                    from: message.envelopeFrom, to: message.recipient, data: message.data,
                    requiresStartTLS: server.security == .startTLS, login: server.login),
                schemes: scheme, connectTimeout: settings.connectTimeout, totalTimeout: settings.totalTimeout,
                responseLimit: 64 << 10, certificateAuthorities: server.certificateAuthorities))
        return SMTPOutcome(report)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default: false
        }
    }
}

/// What became of a message.
public enum SMTPOutcome: Sendable, Equatable {
    /// The server took responsibility for it; `reply` often holds the id its log knows it by.
    case accepted(reply: String)
    /// The server said to come back later (4yz): grey-listing, a full mailbox, a busy server.
    case refusedTemporarily(code: Int, text: String)
    /// The server will not take this message for this recipient (5yz); trying again is wrong.
    case refusedPermanently(code: Int, text: String)
    /// Certainly not sent, and not for a reason the recipient is to blame for: connection, TLS, login, our own limits.
    case notSent(reason: String)
    /// The exchange ended after the text had begun and before the server answered it: it may have been delivered.
    case unknown(reason: String)

    /// Codes of RFC 4954 and RFC 3207: the server wants TLS or a login first, which is ours to mend and says nothing
    /// about the recipient.
    private static let accessCodes = [432, 454, 530, 534, 535, 538]

    /// libcurl's code 55 hides 451 and 550 alike, so the server's own code decides. Code 354 is what a server says just
    /// before the text: when it is the last one heard, nobody knows.
    init(_ report: TransferReport) {
        // A refused transfer ends with QUIT, whose answer says nothing about the mail.
        let reply = report.headerLines.last { !$0.hasPrefix("221") } ?? ""
        if report.ending == .completed {
            self = .accepted(reply: reply)
            return
        }
        let code = Int(reply.prefix(3)) ?? 0
        let isVerdict =
            report.hasDataBegun
            || (report.ending == .failed(code: CURLE_SEND_ERROR.rawValue) && !Self.accessCodes.contains(code))
        switch code {
        case 400..<500 where isVerdict: self = .refusedTemporarily(code: code, text: reply)
        case 500..<600 where isVerdict: self = .refusedPermanently(code: code, text: reply)
        default:
            let reason = code >= 400 ? "\(report.message) (\(reply))" : report.message
            self = report.hasDataBegun ? .unknown(reason: reason) : .notSent(reason: reason)
        }
    }
}
