import BillingPorts
import Dates
import Testing

@testable import Gateways

@Suite struct MIMEMessageTests {
    static let sender = Mailbox(name: "Acme, Billing", address: "billing@seller.example")

    static func message(
        id: String = "receipt-7@seller.example", to: String = "books@customer.example", name: String = "Jörg Ämter",
        subject: String = "Receipt for INV-1", text: String = "Paid: 29.95 €\nThank you.\n", html: String? = nil
    ) -> MailMessage {
        MailMessage(
            messageID: id, recipient: to, recipientName: name, subject: subject, text: text, html: html,
            date: Instant(microseconds: 1_795_251_600_000_000))
    }

    static func text(_ message: MailMessage) throws -> String {
        String(decoding: try MIMEMessage(message, from: sender).bytes, as: UTF8.self)
    }

    @Test func `a mail with text and HTML looks like this`() throws {
        let written = try Self.text(Self.message(html: "<p>Paid: 29.95 €</p>"))
        #expect(
            written
                == """
                From: "Acme, Billing"
                 <billing@seller.example>
                To: =?UTF-8?Q?J=C3=B6rg_=C3=84mter?=
                 <books@customer.example>
                Subject: Receipt for INV-1
                Date: Sat, 21 Nov 2026 09:00:00 +0000
                Message-ID: <receipt-7@seller.example>
                MIME-Version: 1.0
                Auto-Submitted: auto-generated
                Content-Type: multipart/alternative;
                 boundary="=_40909ebbc3b222c1999da86a62b47072"

                --=_40909ebbc3b222c1999da86a62b47072
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: quoted-printable

                Paid: 29.95 =E2=82=AC
                Thank you.
                --=_40909ebbc3b222c1999da86a62b47072
                Content-Type: text/html; charset=utf-8
                Content-Transfer-Encoding: quoted-printable

                <p>Paid: 29.95 =E2=82=AC</p>
                --=_40909ebbc3b222c1999da86a62b47072--

                """.replacing("\n", with: "\r\n"))
    }

    @Test(arguments: [
        ("a\u{d}\nb\nc\rd", "a\r\nb\r\nc\r\nd\r\n"), ("", "\r\n"), ("a=b", "a=3Db\r\n"),
        ("a \nb\t", "a=20\r\nb=09\r\n"),
        ("\u{0}", "=00\r\n"), ("\n\n", "\r\n\r\n"),
        (String(repeating: "x", count: 76), String(repeating: "x", count: 76) + "\r\n"),
        (String(repeating: "x", count: 77), String(repeating: "x", count: 75) + "=\r\nxx\r\n"),
        (String(repeating: "x", count: 74) + "é", String(repeating: "x", count: 74) + "=\r\n=C3=A9\r\n"),
    ])
    func `quoted-printable keeps the text and the line's length`(text: String, expected: String) {
        #expect(QuotedPrintable.encode(text) == expected)
    }

    @Test(arguments: [
        String(repeating: "ä", count: 300), String(repeating: "word ", count: 60), "=?UTF-8?Q?x?=", " led by a blank",
    ])
    func `a subject that cannot stand as it is becomes encoded words in lines of at most 76`(subject: String) throws {
        let lines = try Self.text(Self.message(subject: subject)).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.contains { $0.hasPrefix("Subject: =?UTF-8?Q?") })
        #expect(lines.allSatisfy { $0.utf8.count <= 76 && $0.utf8.allSatisfy { $0 < 0x80 } })
    }

    @Test(arguments: [
        (message(to: "a@b\r\nBcc: c@d"), MIMEFault.notAnAddress("a@b\r\nBcc: c@d")),
        (message(to: "a@b, c@d"), .notAnAddress("a@b, c@d")),
        (message(to: "nobody"), .notAnAddress("nobody")),
        (message(name: "A\nBcc: c@d"), .controlCharacter(header: "To")),
        (message(subject: "x\r\nBcc: c@d"), .controlCharacter(header: "Subject")),
        (message(subject: "x\u{0}"), .controlCharacter(header: "Subject")),
        (message(id: "a@b>\r\nX: y"), .notAMessageID("a@b>\r\nX: y")),
        (message(id: ""), .notAMessageID("")),
    ])
    func `nothing gets a second header in`(message: MailMessage, expected: MIMEFault) {
        #expect(throws: expected) { try MIMEMessage(message, from: Self.sender) }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
        ("1969-12-31T23:59:59.5Z", "Wed, 31 Dec 1969 23:59:59 +0000"),
        ("2028-02-29T12:00:01Z", "Tue, 29 Feb 2028 12:00:01 +0000"),
    ])
    func `a date is written as RFC 5322 has it`(instant: String, expected: String) throws {
        #expect(try MailHeader.date(Instant(parsing: instant)) == expected)
    }
}
