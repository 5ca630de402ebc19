public import Accounts

/// Puts into words what a mail tells.
public protocol MailWriter: Sendable {
    /// Throws when the books do not have what the mail is about.
    func words(of mail: MailRecord) throws -> MailWords

    /// What is to be done when nobody knows whether such a mail was sent.
    func whenUnknown(_ template: Mail.Template) -> WhenUnknown
}

/// A mail's words.
public struct MailWords: Sendable, Hashable {
    /// Without control characters.
    public let subject: String
    public let text: String
    public let html: String

    public init(subject: String, text: String, html: String) {
        self.subject = subject
        self.text = text
        self.html = html
    }
}

/// What is to be done with a mail that may have been sent: a mail server cannot be asked. The raw value is how template
/// files say it.
public enum WhenUnknown: String, Sendable, CaseIterable {
    /// Again under the same Message-ID, so that receivers may drop the copy: none is lost.
    case resend
    /// Not again, unless a person says so: none comes twice.
    case neverTwice = "never twice"
}
