internal import Billing
package import Dates
package import JSONText
public import Money

// What single values look like where an account is stored: amounts are whole minor units of the row's currency, exact
// numbers and parts of a whole are in quotes, dates are ISO 8601 and instants RFC 3339. What is not there is left out.

extension JSONValue {
    package static func period(_ period: Period) -> JSONValue { [.text(period.start), .text(period.end)] }

    static func number(_ value: Rational) -> JSONValue { .string(value.exactText) }

    static func minorUnits(_ amount: Money) -> JSONValue { .integer(amount.minorUnits) }

    static func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// `nil`, and so left out, if there are none.
    static func list(_ values: [JSONValue]) -> JSONValue? { values.isEmpty ? nil : .array(values) }
}

extension JSONNode {
    func required<Value>(
        _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) throws(JSONFault) -> Value {
        try read(required(key))
    }

    /// `nil` if there is none.
    func optional<Value>(
        _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) throws(JSONFault) -> Value? {
        guard let node = try optional(key) else { return nil }
        return try read(node)
    }

    /// No elements if there is no such list.
    func list<Value>(
        _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) throws(JSONFault) -> [Value] {
        guard let nodes = try optional(key)?.array() else { return [] }
        return try nodes.map { (node) throws(JSONFault) in try read(node) }
    }

    /// One of several sorts: its name alone, or its name with what belongs to it.
    func sort() throws(JSONFault) -> (name: String, content: JSONNode) {
        if case .string(let name) = value { return (name, self) }
        let members = try members()
        guard members.count == 1 else { throw fault("must have one key, not \(members.count)") }
        return (members[0].key, members[0].value)
    }
}

extension Field {
    static func instant(_ node: JSONNode) throws(JSONFault) -> Instant {
        let text = try node.string()
        do throws(DateFault) {
            return try Instant(parsing: text)
        } catch {
            throw node.fault(error.description)
        }
    }

    static func period(_ node: JSONNode) throws(JSONFault) -> Period {
        let bounds = try list(date)(node)
        guard bounds.count == 2, let period = Period(checking: bounds[0], bounds[1]) else {
            throw node.fault("must be two dates, the first day and a later one that is the first no more")
        }
        return period
    }

    /// Any exact number.
    static func number(_ node: JSONNode) throws(JSONFault) -> Rational {
        guard let number = Rational(exactText: try node.string()) else {
            throw node.fault("must be a number such as \"7\", \"0.5\" or \"14/31\"")
        }
        return number
    }

    static func part(_ node: JSONNode) throws(JSONFault) -> Fraction {
        guard let part = Fraction(parsing: try node.string()) else {
            throw node.fault("must be a part of a whole, such as \"14/31\"")
        }
        return part
    }

    /// Of either sign.
    static func minorUnits(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Money {
        { node throws(JSONFault) in Money(minorUnits: try node.integer(), currency) }
    }

    /// Counted from 0.
    static func place(_ node: JSONNode) throws(JSONFault) -> Int { Int(try node.integer(in: 0...Int64(Int32.max))) }

    static func monthDay(_ node: JSONNode) throws(JSONFault) -> Int { Int(try node.integer(in: 1...31)) }

    static func node(_ node: JSONNode) throws(JSONFault) -> JSONNode { node }

    static func string(_ node: JSONNode) throws(JSONFault) -> String { try node.string() }

    static func list<Value>(
        _ read: @escaping (JSONNode) throws(JSONFault) -> Value
    ) -> (JSONNode) throws(JSONFault) -> [Value] {
        { node throws(JSONFault) in try node.array().map { (element) throws(JSONFault) in try read(element) } }
    }
}

extension Rational {
    /// The exact number as it is stored: `7`, `0.5`, and `14/31` where no short decimal number is equal to it.
    public var exactText: String {
        let text = description
        return (try? Rational(parsing: text)) == nil ? fraction : text
    }

    /// Reads back what `exactText` wrote; `nil` for anything else.
    public init?(exactText text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let numerator = Int128(parts[0]), let denominator = Int128(parts[1]),
            let fraction = try? Rational(numerator, over: denominator)
        {
            self = fraction
        } else if let decimal = try? Rational(parsing: text) {
            self = decimal
        } else {
            return nil
        }
    }
}

extension Fraction {
    /// Reads `14/31`, unreduced as it stands; `nil` for anything else.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let part = Int64(parts[0]), let whole = Int64(parts[1]), part >= 0, whole > 0 else {
            return nil
        }
        self.init(part, of: whole)
    }
}

extension Moment {
    /// Its date, and where time is billed by the second the instant too.
    var json: JSONValue {
        if second == 0 { return .text(date) }
        return ["date": .text(date), "at": .text(Instant(microseconds: second * 1_000_000))]
    }

    init(reading node: JSONNode) throws(JSONFault) {
        if case .string = node.value {
            self.init(date: try Field.date(node), second: 0)
            return
        }
        try node.allowing(keys: ["date", "at"])
        let at = try node.required("at", Field.instant)
        guard at.microseconds % 1_000_000 == 0 else { throw node.fault("\(at) is no whole second") }
        self.init(date: try node.required("date", Field.date), second: at.seconds)
    }
}
