public import Accounts
public import Dates
public import Money

/// How a language writes dates and amounts, and what it calls the lines of an invoice: `format.de.txt`.
///
/// Lines of `key: value`; all keys are needed, and there are no others.
public struct MailFormat: Sendable {
    private let values: [String: String]
    private let months: [String]

    private static let kinds = InvoiceLine.Kind.allCases.map { "line.\($0.rawValue)" }
    private static let keys = ["date", "months", "decimal", "group", "money"] + kinds

    /// Calls `fault` with the line and the reason of everything that is wrong, and is `nil` then.
    init?(_ text: String, fault: (Int, String) -> Void) {
        var found: [String: String] = [:]
        var isWrong = false
        func refuse(_ line: Int, _ reason: String) {
            isWrong = true
            fault(line, reason)
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let (key, value) = FrontMatter.pair(line) else {
                if !line.isEmpty { refuse(index + 1, "not \"key: value\"") }
                continue
            }
            if !Self.keys.contains(key) {
                refuse(index + 1, "unknown key \"\(key)\"; there are \(Self.keys.joined(separator: ", "))")
            } else if found.updateValue(value, forKey: key) != nil {
                refuse(index + 1, "\"\(key)\" stands twice")
            }
        }
        for key in Self.keys where found[key] == nil { refuse(1, "\"\(key)\" is missing") }
        months = (found["months"] ?? "").split(separator: " ").map(String.init)
        if found["months"] != nil, months.count != 12 { refuse(1, "\"months\" must be twelve words") }
        values = found
        if isWrong { return nil }
    }

    private subscript(key: String) -> String { values[key] ?? "" }

    public func text(_ date: LocalDate) -> String {
        let (year, month, day) = date.civil
        return self["date"].replacing("{day}", with: "\(day)").replacing("{month}", with: months[month - 1])
            .replacing("{year}", with: "\(year)")
    }

    public func text(_ money: Money) -> String {
        self["money"].replacing("{amount}", with: amount(money)).replacing("{currency}", with: money.currency.code)
    }

    /// Without its currency.
    public func amount(_ money: Money) -> String {
        let parts = money.decimal.split(separator: ".")
        let isNegative = parts[0].hasPrefix("-")
        var grouped = ""
        let digits = Array(isNegative ? parts[0].dropFirst() : parts[0])
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3) { grouped += separator("group") }
            grouped.append(digit)
        }
        return (isNegative ? "-" : "") + grouped + (parts.count > 1 ? separator("decimal") + parts[1] : "")
    }

    public func text(_ kind: InvoiceLine.Kind) -> String { self["line.\(kind.rawValue)"] }

    /// A blank cannot be written at a line's end, so it has a name.
    private func separator(_ key: String) -> String { self[key] == "space" ? "\u{a0}" : self[key] }
}

/// The lines of `key: value` above a text.
enum FrontMatter {
    static func pair(_ line: some StringProtocol) -> (key: String, value: String)? {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (Self.trimmed(parts[0]), Self.trimmed(parts[1]))
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = String(text)[...]
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
