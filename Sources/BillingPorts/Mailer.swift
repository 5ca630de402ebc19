public import Dates

/// Sends one mail to one recipient.
public protocol Mailer: Sendable {
    func send(_ message: MailMessage) async -> MailOutcome
}

/// A mail, not yet in its wire form.
public struct MailMessage: Sendable, Hashable {
    /// Without angle brackets; the same whenever the same mail is sent again, so that receivers drop the copy.
    public let messageID: String
    public let recipient: String
    public let recipientName: String
    public let subject: String
    public let text: String
    /// Nil: text only.
    public let html: String?
    /// What the Date header says.
    public let date: Instant

    public init(
        messageID: String, recipient: String, recipientName: String, subject: String, text: String, html: String?,
        date: Instant
    ) {
        self.messageID = messageID
        self.recipient = recipient
        self.recipientName = recipientName
        self.subject = subject
        self.text = text
        self.html = html
        self.date = date
    }
}

/// What the mail server said.
public enum MailOutcome: Sendable, Hashable {
    case accepted(reply: String)
    /// 4xx: try again later.
    case refusedForNow(code: Int, reply: String)
    /// 5xx: this address or message will never do.
    case refused(code: Int, reply: String)
    /// It never reached the server's DATA: sending again makes no copy.
    case notSent(reason: String)
    /// The connection died after DATA began; the server may have taken it. Sending again may make a copy.
    case unknown(reason: String)
}
