package import Dates
package import JSONText
package import Money

/// Single values as our files write them. Each throws the fault of its node.
package enum Field {
    /// Letters, digits, `.`, `_` and `-`; at most 64 of them.
    package static func code(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(isCodeByte) else {
            throw node.fault("\"\(text.prefix(80))\" is not a code (1 to 64 letters, digits, \".\", \"_\" or \"-\")")
        }
        return text
    }

    package static func isCodeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Text for people: not empty, at most 200 bytes.
    package static func text(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        guard (1...200).contains(text.utf8.count) else { throw node.fault("must have 1 to 200 bytes") }
        return text
    }

    /// `de`, or with a country `de-AT`.
    package static func language(_ node: JSONNode) throws(JSONFault) -> String {
        let text = try node.string()
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8)
        let isLanguage =
            (2...3).contains(parts[0].count)
            && parts[0].allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        let isCountry =
            parts.count == 1
            || parts.count == 2 && parts[1].count == 2
                && parts[1].allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        guard isLanguage, isCountry else {
            throw node.fault("\"\(text.prefix(80))\" is not a language, such as \"de\" or \"de-AT\"")
        }
        return text
    }

    package static func bool(_ node: JSONNode) throws(JSONFault) -> Bool { try node.bool() }

    package static func array(_ node: JSONNode) throws(JSONFault) -> [JSONNode] { try node.array() }

    package static func members(_ node: JSONNode) throws(JSONFault) -> [JSONNode.Member] { try node.members() }

    /// 0 or more.
    package static func count(_ node: JSONNode) throws(JSONFault) -> Int64 { try node.integer(in: 0...Int64.max) }

    package static func integer(_ range: ClosedRange<Int64>) -> (JSONNode) throws(JSONFault) -> Int {
        { node throws(JSONFault) in Int(try node.integer(in: range)) }
    }

    package static func currency(_ node: JSONNode) throws(JSONFault) -> Currency {
        let code = try node.string()
        return try at(node) { () throws(MoneyFault) in try Currency(code: code) }
    }

    package static func date(_ node: JSONNode) throws(JSONFault) -> LocalDate {
        let text = try node.string()
        do throws(DateFault) {
            return try LocalDate(parsing: text)
        } catch {
            throw node.fault(error.description)
        }
    }

    /// Zero or more.
    package static func money(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Money {
        { node throws(JSONFault) in
            let text = try node.decimalString()
            let money = try at(node) { () throws(MoneyFault) in try Money(parsing: text, currency) }
            guard !money.isNegative else { throw node.fault("must not be negative") }
            return money
        }
    }

    /// In minor units, which may have a fraction; zero or more.
    package static func unitPrice(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Rational {
        { node throws(JSONFault) in
            let text = try node.decimalString()
            let price = try at(node) { () throws(MoneyFault) in
                try Rational(parsing: text) * Rational(currency.minorUnitsPerMajor)
            }
            guard !price.isNegative else { throw node.fault("must not be negative") }
            return price
        }
    }

    /// Zero or more.
    package static func quantity(_ node: JSONNode) throws(JSONFault) -> Rational {
        let text = try node.quantityString()
        let quantity = try at(node) { () throws(MoneyFault) in try Rational(parsing: text) }
        guard !quantity.isNegative else { throw node.fault("must not be negative") }
        return quantity
    }

    /// More than zero.
    package static func positive(_ node: JSONNode) throws(JSONFault) -> Rational {
        let quantity = try Field.quantity(node)
        guard quantity > .zero else { throw node.fault("must be more than 0") }
        return quantity
    }

    /// 15 for 15 %; 0 to 100.
    package static func percent(_ node: JSONNode) throws(JSONFault) -> Rational {
        let percent = try Field.quantity(node)
        guard percent <= 100 else { throw node.fault("\(percent) is more than 100 percent") }
        return percent
    }

    package static func interval(_ node: JSONNode) throws(JSONFault) -> BillingInterval {
        let interval: BillingInterval
        switch node.value {
        case .string("month"): interval = .month
        case .string("quarter"): interval = .quarter
        case .string("year"): interval = .year
        case .object(let members) where members.count == 1:
            let count = Int(try members[0].value.integer(in: 1...3660))
            switch members[0].key {
            case "months": interval = .months(count)
            case "weeks": interval = .weeks(count)
            case "days": interval = .days(count)
            default: throw members[0].value.fault("unknown key \"\(members[0].key)\"")
            }
        default: throw node.fault("must be \"month\", \"quarter\", \"year\" or {\"months\"|\"weeks\"|\"days\": N}")
        }
        guard interval.isValid else { throw node.fault("\(interval) is longer than ten years") }
        return interval
    }

    /// One of the names of an enumeration.
    package static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type
    ) -> (JSONNode) throws(JSONFault) -> Choice {
        { node throws(JSONFault) in
            let text = try node.string()
            guard let choice = Choice(rawValue: text) else {
                let names = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
                throw node.fault("\"\(text)\" is none of \(names)")
            }
            return choice
        }
    }

    /// Any fraction, as `14/31`.
    package static func fraction(_ node: JSONNode) throws(JSONFault) -> Rational {
        let parts = try node.string().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let numerator = Int128(parts[0]), let denominator = Int128(parts[1]) else {
            throw node.fault("must be a fraction such as \"14/31\"")
        }
        return try at(node) { () throws(MoneyFault) in try Rational(numerator, over: denominator) }
    }

    /// What `body` returns; what it throws becomes the node's fault.
    package static func at<Value>(
        _ node: JSONNode, _ body: () throws(MoneyFault) -> Value
    ) throws(JSONFault) -> Value {
        do throws(MoneyFault) {
            return try body()
        } catch {
            throw node.fault(error.description)
        }
    }
}
