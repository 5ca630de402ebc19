internal import Billing
internal import Dates
internal import JSONText
internal import Money

/// Single values of a scenario file. Each throws the fault of its node.
extension Field {
    static func any(_ node: JSONNode) throws(JSONFault) -> JSONNode { node }

    /// Sentences for people: not empty, at most 4,000 bytes.
    static func prose(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        guard (1...4000).contains(text.utf8.count) else { throw node.fault("must have 1 to 4000 bytes") }
        return text
    }

    /// When scenarios play: far enough from where dates end that no term or cycle after them leaves it.
    private static let years = 1900...2999

    static func day(_ node: JSONNode) throws(JSONFault) -> LocalDate {
        let day = try date(node)
        guard years.contains(day.year) else { throw node.fault("\(day) is not in the years 1900 to 2999") }
        return day
    }

    /// An instant, or a date that stands for its first moment in `zone`.
    static func instant(_ zone: TimeZoneRules) -> (JSONNode) throws(JSONFault) -> Instant {
        { node throws(JSONFault) in
            let text = try node.string()
            let first = (try? LocalDate(parsing: text)).map { zone.instant(of: $0) }
            guard let instant = first ?? (try? Instant(parsing: text)) else {
                throw node.fault(
                    "\"\(text.prefix(80))\" is neither a date (2026-01-31) nor an instant (2026-01-31T09:00:00Z)")
            }
            guard years.contains(zone.localDate(of: instant).year) else {
                throw node.fault("\(text) is not in the years 1900 to 2999")
            }
            return instant
        }
    }

    static func period(_ node: JSONNode) throws(JSONFault) -> Period {
        let bounds = try node.array()
        guard bounds.count == 2 else { throw node.fault("must be two dates: the first day and the day after the last") }
        let start = try day(bounds[0])
        let end = try day(bounds[1])
        guard let period = Period(checking: start, end) else { throw node.fault("no day lies in [\(start), \(end))") }
        return period
    }

    /// More than nothing.
    static func positiveMoney(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Money {
        { node throws(JSONFault) in
            let amount = try money(currency)(node)
            guard amount.isPositive else { throw node.fault("must be more than 0") }
            return amount
        }
    }

    /// Of either sign.
    static func signedMoney(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Money {
        { node throws(JSONFault) in
            let text = try node.decimalString()
            return try at(node) { () throws(MoneyFault) in try Money(parsing: text, currency) }
        }
    }

    /// A property of a usage event as text, a number as it is written.
    static func property(_ node: JSONNode) throws(JSONFault) -> String {
        switch node.value {
        case .string(let text), .number(let text): return text
        case .bool(let bool): return String(bool)
        case .null, .array, .object: throw node.fault("must be a text, a number, true or false")
        }
    }
}

extension FieldReader {
    /// The object at `key` once its keys are checked; `nil` if it is absent or none.
    mutating func object(_ node: JSONNode, _ key: String, keys: Set<String>) -> JSONNode? {
        self.node(node, key).flatMap { checked($0, keys: keys) }
    }

    /// The objects in the list at `key`, their keys checked.
    mutating func objects(_ node: JSONNode, _ key: String, keys: Set<String>) -> [JSONNode] {
        list(node, key).compactMap { checked($0, keys: keys) }
    }

    /// The node itself once its keys are checked; `nil` if it is no object.
    mutating func checked(_ node: JSONNode, keys: Set<String>) -> JSONNode? {
        check(node, keys: keys) ? node : nil
    }

    /// The elements of a list at `key`, each read by `read`; what is wrong is kept as a fault.
    mutating func values<Value>(
        _ node: JSONNode, _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) -> [Value] {
        list(node, key).compactMap { element in faults.collect { () throws(JSONFault) in try read(element) } }
    }

    /// The members of an object at `key`, each value read by `read`.
    mutating func dictionary<Value>(
        _ node: JSONNode, _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) -> [String: Value] {
        var values: [String: Value] = [:]
        for member in optional(node, key, Field.members) ?? [] {
            values[member.key] = faults.collect { () throws(JSONFault) in try read(member.value) }
        }
        return values
    }
}
