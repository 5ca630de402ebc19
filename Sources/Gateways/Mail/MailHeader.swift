internal import Dates

/// Header lines: plain where the text is plain, encoded words (RFC 2047) where it is not.
enum MailHeader {
    /// Longer text is encoded, because encoded words can be folded anywhere and plain ones only between words.
    private static let plainLimit = 64

    static func line(_ name: String, _ text: String) throws(MIMEFault) -> String {
        try check(text, of: name)
        return "\(name): \(isPlain(text) ? text : encodedWords(text))\r\n"
    }

    static func line(_ name: String, _ mailbox: Mailbox) throws(MIMEFault) -> String {
        guard isAddress(mailbox.address) else { throw .notAnAddress(mailbox.address) }
        try check(mailbox.name, of: name)
        guard !mailbox.name.isEmpty else { return "\(name): \(mailbox.address)\r\n" }
        return "\(name): \(phrase(mailbox.name))\r\n <\(mailbox.address)>\r\n"
    }

    /// `Sat, 21 Nov 2026 09:00:00 +0000`. Throws `dateOutOfRange`: RFC 5322 knows no year before 1900.
    static func date(_ instant: Instant) throws(MIMEFault) -> String {
        guard let days = Int32(exactly: (instant.seconds - second(of: instant)) / 86_400) else { throw .dateOutOfRange }
        let date = LocalDate(daysSinceEpoch: days)
        guard date.isSupported, date.year >= 1900 else { throw .dateOutOfRange }
        let (year, month, day) = date.civil
        let second = second(of: instant)
        let time = [second / 3600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
        return "\(weekday(date.weekday)), \(twoDigits(Int64(day))) \(months[month - 1]) \(year) \(time) +0000"
    }

    static func isMessageID(_ text: String) -> Bool { isAddress(text) }

    /// Seven-bit, without blanks, brackets, quotes or list separators, with something on either side of one `@`.
    /// Quoted local parts and addresses in other scripts exist; no server of ours takes them.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return text.utf8.count <= 254 && parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"<>()[],;:\\\"".utf8.contains($0) }
    }

    private static func check(_ text: String, of name: String) throws(MIMEFault) {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw .controlCharacter(header: name) }
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= plainLimit && text.utf8.allSatisfy(ASCII.isPrintable) && !text.contains("=?")
            && text.utf8.first != UInt8(ascii: " ") && text.utf8.last != UInt8(ascii: " ")
    }

    /// A display name: words as they are, otherwise quoted, otherwise encoded.
    private static func phrase(_ name: String) -> String {
        guard isPlain(name) else { return encodedWords(name) }
        let isWords = name.utf8.allSatisfy { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: " ") }
        guard !isWords else { return name }
        return "\"\(name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    /// The Q encoding in the alphabet that is allowed everywhere. A word is at most 63 characters, `From: ` and one of
    /// them a line, and no scalar is cut in two.
    private static func encodedWords(_ text: String) -> String {
        var words: [String] = []
        var word = ""
        for scalar in text.unicodeScalars {
            var encoded = ""
            for byte in String(scalar).utf8 {
                if ASCII.isAlphanumeric(byte) {
                    encoded.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    encoded += byte == UInt8(ascii: " ") ? "_" : "=\(QuotedPrintable.hex(byte))"
                }
            }
            if word.utf8.count + encoded.utf8.count > 51 {
                words.append(word)
                word = ""
            }
            word += encoded
        }
        words.append(word)
        return words.map { "=?UTF-8?Q?\($0)?=" }.joined(separator: "\r\n ")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func weekday(_ day: Weekday) -> String {
        switch day {
        case .monday: "Mon"
        case .tuesday: "Tue"
        case .wednesday: "Wed"
        case .thursday: "Thu"
        case .friday: "Fri"
        case .saturday: "Sat"
        case .sunday: "Sun"
        }
    }

    /// Seconds into the day, before 1970 too.
    private static func second(of instant: Instant) -> Int64 { (instant.seconds % 86_400 + 86_400) % 86_400 }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
