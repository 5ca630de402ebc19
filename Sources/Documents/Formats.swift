internal import Billing
internal import Dates
internal import Money

/// How a region writes dates, numbers and money.
///
/// A table of our own and not the host's: what is printed must not change with a library.
struct Formats: Sendable {
    let locale: DocumentLocale

    /// Of thousands, and before decimals.
    private var marks: (group: String, decimal: String) {
        switch locale {
        case .english, .british: (",", ".")
        case .german, .spanish, .italian, .dutch: (".", ",")
        case .swissGerman: ("’", ".")
        case .french: ("\u{A0}", ",")
        }
    }

    // MARK: Numbers

    /// A number as our own texts write it, `-1234.50`, with the region's marks. Anything else stays as it is.
    func number(_ text: String) -> String {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else {
            return text
        }
        let decimals = parts.count == 2 ? marks.decimal + parts[1] : ""
        return (isNegative ? "-" : "") + grouped(parts[0]) + decimals
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private func grouped(_ digits: Substring) -> String {
        // In Spanish four digits stand together.
        guard digits.count > (locale == .spanish ? 4 : 3) else { return String(digits) }
        var groups: [Substring] = []
        var rest = digits
        while !rest.isEmpty {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return groups.joined(separator: marks.group)
    }

    func quantity(_ quantity: Rational) -> String { number(quantity.description) }

    func percent(_ percent: Rational) -> String {
        switch locale {
        case .english, .british, .italian, .dutch, .swissGerman: number(percent.description) + "%"
        case .german, .french, .spanish: number(percent.description) + "\u{A0}%"
        }
    }

    // MARK: Money

    /// Without its currency: `1,234.50`, `-1.234`.
    func amount(_ money: Money) -> String { number(money.decimal) }

    /// Of minor units that may be finer than the currency; with its decimals at least.
    func unitPrice(_ minorUnits: Rational, _ currency: Currency) -> String {
        if minorUnits.isWhole, let whole = Int64(exactly: minorUnits.numerator) {
            return amount(Money(minorUnits: whole, currency))
        }
        guard let major = try? minorUnits / Rational(currency.minorUnitsPerMajor) else { return "" }
        return number(major.description)
    }

    /// With its currency as the region writes it: `$1,234.50`, `1.234,50 €`, `KWD 1,234.500`.
    func money(_ money: Money) -> String {
        let sign = money.isNegative ? "-" : ""
        let figures = number(String(money.decimal.drop { $0 == "-" }))
        let symbol = Self.symbols[money.currency.code].flatMap { isHome(money.currency) ? $0.home : $0.abroad }
        let mark = symbol ?? money.currency.code
        let isWord = mark.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        switch locale {
        case .english, .british: return sign + mark + (isWord ? "\u{A0}" : "") + figures
        case .dutch, .swissGerman: return mark + "\u{A0}" + sign + figures
        case .german, .french, .spanish, .italian: return sign + figures + "\u{A0}" + mark
        }
    }

    /// Where a plain `$` means this currency.
    private func isHome(_ currency: Currency) -> Bool { currency != .usd || locale == .english }

    /// In their own region, and elsewhere where that would be mistaken; what is not here is written by its code.
    private static let symbols: [String: (home: String, abroad: String)] = [
        "USD": ("$", "US$"), "EUR": ("€", "€"), "GBP": ("£", "£"), "JPY": ("¥", "¥"), "CAD": ("CA$", "CA$"),
        "AUD": ("A$", "A$"), "NZD": ("NZ$", "NZ$"), "INR": ("₹", "₹"), "BRL": ("R$", "R$"),
    ]

    // MARK: Dates

    func date(_ date: LocalDate) -> String {
        let (year, month, day) = date.civil
        let name = months[month - 1]
        switch locale {
        case .english: return "\(name) \(day), \(year)"
        case .british: return "\(day) \(name) \(year)"
        case .german, .swissGerman: return "\(two(day)).\(two(month)).\(year)"
        case .french: return "\(day == 1 ? "1er" : "\(day)") \(name) \(year)"
        case .spanish, .italian, .dutch: return "\(day) \(name) \(year)"
        }
    }

    /// From its first day to its last.
    func period(_ period: Period) -> String {
        let last = period.end.adding(days: -1)
        return period.start == last ? date(last) : "\(date(period.start)) – \(date(last))"
    }

    private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private var months: [String] {
        switch locale.language {
        case "fr":
            [
                "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
                "novembre", "décembre",
            ]
        case "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"]
        case "it": ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]
        case "nl": ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]
        default: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        }
    }
}
