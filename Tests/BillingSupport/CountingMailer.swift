public import BillingPorts
internal import Synchronization

/// A mail server in memory: what it has accepted is what the recipient has been told.
///
/// Mails are answered as scripted, in turn; past the script's end they are accepted.
public final class CountingMailer: Mailer {
    /// What becomes of one `send`.
    public enum Answer: Sendable {
        case accepts
        /// The server takes it, the reply is lost.
        case losesReply
        /// The connection dies on the way to the server's DATA.
        case losesMail
        case refusesForNow(code: Int)
        case refuses(code: Int, reply: String = "no such mailbox")
        case refusesConnection
    }

    private struct State {
        var answers: [Answer] = []
        var accepted: [MailMessage] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// What the next mails come to.
    public func script(_ answers: Answer...) { state.withLock { $0.answers = answers } }

    public func script(_ answer: Answer, times: Int) {
        state.withLock { $0.answers = Array(repeating: answer, count: times) }
    }

    /// Every mail that was taken, copies too, in order.
    public var accepted: [MailMessage] { state.withLock(\.accepted) }
    /// What recipients see: they drop a copy by its Message-ID.
    public var messageIDs: Set<String> { Set(accepted.map(\.messageID)) }

    public func send(_ message: MailMessage) async -> MailOutcome {
        state.withLock { state in
            switch state.answers.isEmpty ? .accepts : state.answers.removeFirst() {
            case .accepts:
                state.accepted.append(message)
                return .accepted(reply: "250 taken")
            case .losesReply:
                state.accepted.append(message)
                return .unknown(reason: "connection lost")
            case .losesMail: return .unknown(reason: "connection lost")
            case .refusesForNow(let code): return .refusedForNow(code: code, reply: "try again later")
            case .refuses(let code, let reply): return .refused(code: code, reply: reply)
            case .refusesConnection: return .notSent(reason: "connection refused")
            }
        }
    }
}
