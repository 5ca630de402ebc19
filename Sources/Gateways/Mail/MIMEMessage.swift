public import BillingPorts
internal import Crypto
internal import Dates

/// A mail in its wire form (RFC 5322, 2045 to 2047): seven-bit, CRLF, no line over 78 but an address's, and nothing in
/// a header that could begin another. The same mail is the same bytes.
public struct MIMEMessage: Sendable, Hashable {
    public let bytes: [UInt8]

    /// Throws `MIMEFault` where an address is none or a header's text holds a control character.
    public init(_ message: MailMessage, from sender: Mailbox) throws(MIMEFault) {
        guard MailHeader.isMessageID(message.messageID) else { throw .notAMessageID(message.messageID) }
        let recipient = Mailbox(name: message.recipientName, address: message.recipient)
        var text = try MailHeader.line("From", sender)
        text += try MailHeader.line("To", recipient)
        text += try MailHeader.line("Subject", message.subject)
        text += "Date: \(try MailHeader.date(message.date))\r\n"
        text += "Message-ID: <\(message.messageID)>\r\n"
        text += "MIME-Version: 1.0\r\n"
        // RFC 3834: out-of-office replies stay away.
        text += "Auto-Submitted: auto-generated\r\n"
        text += Self.body(message)
        bytes = Array(text.utf8)
    }

    private static func body(_ message: MailMessage) -> String {
        guard let html = message.html else { return part("plain", message.text) }
        // Quoted-printable never writes `=_`, so this cannot occur in a part (RFC 2045, 6.7).
        let boundary = "=_\(Hex.encode(sha256(message.messageID.utf8).prefix(16)))"
        return "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n\r\n"
            + "--\(boundary)\r\n" + part("plain", message.text)
            + "--\(boundary)\r\n" + part("html", html)
            + "--\(boundary)--\r\n"
    }

    private static func part(_ subtype: String, _ text: String) -> String {
        "Content-Type: text/\(subtype); charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            + QuotedPrintable.encode(text)
    }
}

/// A name and an address, `Ada Lovelace <ada@example.org>`.
public struct Mailbox: Sendable, Hashable {
    /// Shown to people; empty for none.
    public let name: String
    /// Without angle brackets.
    public let address: String

    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// Why something cannot be sent as mail.
public enum MIMEFault: Error, Hashable, Sendable, CustomStringConvertible {
    case notAnAddress(String)
    case notAMessageID(String)
    /// A control character, a line's end among them, stands where it would end up in this header.
    case controlCharacter(header: String)
    /// Beyond the years that a date can be written of.
    case dateOutOfRange

    public var description: String {
        switch self {
        case .notAnAddress(let text): "not a mail address: \(escaped(text))"
        case .notAMessageID(let text): "not a message id: \(escaped(text))"
        case .controlCharacter(let header): "a control character in the header \(header)"
        case .dateOutOfRange: "a date outside the years 1900 to 9999"
        }
    }

    /// What a server would have answered (RFC 5321): mailbox name not allowed, or transaction failed.
    var code: Int {
        if case .notAnAddress = self { return 553 }
        return 554
    }

    private func escaped(_ text: String) -> String {
        text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
    }
}
