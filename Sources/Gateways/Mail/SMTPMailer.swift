public import BillingPorts
public import HTTPClient

/// Sends each mail as one MIME message in one SMTP transaction and passes on what the server said, word for word.
public struct SMTPMailer: Mailer {
    private let server: SMTPServer
    private let client: SMTPClient
    private let sender: Mailbox
    private let bouncesTo: String

    /// `sender` is who the mail is from; `bouncesTo` gets the servers' complaints, the sender if it is nil.
    public init(server: SMTPServer, client: SMTPClient, sender: Mailbox, bouncesTo: String? = nil) {
        self.server = server
        self.client = client
        self.sender = sender
        self.bouncesTo = bouncesTo ?? sender.address
    }

    /// A message that cannot be written as mail is refused with 553 (the address) or 554 before anything is sent.
    public func send(_ message: MailMessage) async -> MailOutcome {
        let mail: MIMEMessage
        do {
            mail = try MIMEMessage(message, from: sender)
        } catch {
            return .refused(code: error.code, reply: "\(error) (not sent)")
        }
        return MailOutcome(
            await client.send(
                SMTPMessage(envelopeFrom: bouncesTo, recipient: message.recipient, data: mail.bytes), server: server))
    }
}

extension MailOutcome {
    init(_ outcome: SMTPOutcome) {
        switch outcome {
        case .accepted(let reply): self = .accepted(reply: reply)
        case .refusedTemporarily(let code, let text): self = .refusedForNow(code: code, reply: text)
        case .refusedPermanently(let code, let text): self = .refused(code: code, reply: text)
        case .notSent(let reason): self = .notSent(reason: reason)
        case .unknown(let reason): self = .unknown(reason: reason)
        }
    }
}
