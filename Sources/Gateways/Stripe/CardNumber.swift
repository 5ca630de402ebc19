/// Recognises card numbers, so that none gets into a request, a log or the books: we hold the gateway's ids only.
enum CardNumber {
    /// Whether `text` holds 13 to 19 digits that pass the check of ISO/IEC 7812, single blanks and hyphens between them
    /// allowed. One number in ten passes by chance, so this is asked of names and tokens, not of ids we mint ourselves.
    static func appears(in text: String) -> Bool {
        // As one run of digits, and as several with one separator between each two.
        var run: [UInt8] = []
        var joined: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                run.append(byte - UInt8(ascii: "0"))
                joined.append(byte - UInt8(ascii: "0"))
            case UInt8(ascii: " ") where !run.isEmpty, UInt8(ascii: "-") where !run.isEmpty:
                if isCardNumber(run) || isCardNumber(joined) { return true }
                run = []
            default:
                if isCardNumber(run) || isCardNumber(joined) { return true }
                run = []
                joined = []
            }
        }
        return isCardNumber(run) || isCardNumber(joined)
    }

    /// The check digit of Luhn over all of them.
    private static func isCardNumber(_ digits: [UInt8]) -> Bool {
        guard (13...19).contains(digits.count) else { return false }
        var sum = 0
        for (place, digit) in digits.reversed().enumerated() {
            let weighted = place.isMultiple(of: 2) ? Int(digit) : Int(digit) * 2
            sum += weighted > 9 ? weighted - 9 : weighted
        }
        return sum.isMultiple(of: 10)
    }
}
