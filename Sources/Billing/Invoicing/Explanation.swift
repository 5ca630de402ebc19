public import JSONText
public import Money

/// How a line's amount came about, as data that can be worked out again: base price x (quantity - included) x fraction,
/// rounded once.
public struct Explanation: Hashable, Sendable {
    public enum Rule: String, CaseIterable, Hashable, Sendable {
        case flat
        case perUnit = "per_unit"
    }

    public enum Rounding: String, CaseIterable, Hashable, Sendable {
        case halfAwayFromZero = "half_away_from_zero"
    }

    public let rule: Rule
    public let currency: Currency
    /// Minor units, which may have a fraction.
    public let basePrice: Rational
    /// Before what is included.
    public let quantity: Rational
    public let included: Rational
    /// The part of the cycle that is billed; `nil` for a whole one.
    public let fraction: DayFraction?
    /// The amount before rounding, in minor units.
    public let exact: Rational
    public let rounding: Rounding

    /// Throws `overflow`.
    public init(
        rule: Rule, currency: Currency, basePrice: Rational, quantity: Rational, included: Rational = .zero,
        fraction: DayFraction? = nil, rounding: Rounding = .halfAwayFromZero
    ) throws(MoneyFault) {
        self.rule = rule
        self.currency = currency
        self.basePrice = basePrice
        self.quantity = quantity
        self.included = included
        self.fraction = fraction
        self.rounding = rounding
        let billable = max(try quantity - included, .zero)
        var part = Rational.one
        if let fraction { part = try Rational(Int128(fraction.days), over: Int128(fraction.of)) }
        exact = try basePrice * billable * part
    }

    /// What a price costs for a window, `quantities` being those of the subscription; `nil` for a model that only
    /// `Accounts` can rate.
    init?(
        _ price: Price, currency: Currency, quantities: [String: Rational], window: Cycles.Window
    ) throws(MoneyFault) {
        let fraction = window.isWhole ? nil : window.fraction
        switch price.model {
        case .flat(let amount):
            guard amount.currency == currency else { throw .currencyMismatch(amount.currency, currency) }
            try self.init(
                rule: .flat, currency: currency, basePrice: Rational(amount.minorUnits), quantity: .one,
                fraction: fraction)
        case .perUnit(let unit, let amount, let included):
            try self.init(
                rule: .perUnit, currency: currency, basePrice: amount, quantity: quantities[unit] ?? .one,
                included: included, fraction: fraction)
        default: return nil
        }
    }

    /// The amount, worked out from the exact value and the rounding rule.
    public func evaluate() throws(MoneyFault) -> Money {
        switch rounding {
        case .halfAwayFromZero: try Money.rounding(minorUnits: exact, in: currency)
        }
    }
}

extension Explanation {
    /// As it is stored with the line; numbers are exact, in quotes.
    public var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("rule", .string(rule.rawValue)), .init("currency", .string(currency.code)),
            .init("base_price", .string(basePrice.fraction)), .init("quantity", .string(quantity.fraction)),
            .init("included", .string(included.fraction)), .init("exact", .string(exact.fraction)),
            .init("rounding", .string(rounding.rawValue)),
        ]
        if let fraction {
            members.append(.init("days", .integer(Int64(fraction.days))))
            members.append(.init("of", .integer(Int64(fraction.of))))
        }
        return .object(members)
    }

    /// Reads what `json` wrote. Throws where it is anything else, also where the exact value does not follow from the
    /// rest.
    public init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(
            keys: ["rule", "currency", "base_price", "quantity", "included", "exact", "rounding", "days", "of"])
        let rule = try Field.choice(Rule.self)(node.required("rule"))
        let currency = try Field.currency(node.required("currency"))
        let basePrice = try Field.fraction(node.required("base_price"))
        let quantity = try Field.fraction(node.required("quantity"))
        let included = try Field.fraction(node.required("included"))
        let rounding = try Field.choice(Rounding.self)(node.required("rounding"))
        var fraction: DayFraction?
        if let days = try node.optional("days") {
            fraction = DayFraction(
                days: Int(try Field.count(days)), of: Int(try node.required("of").integer(in: 1...Int64.max)))
        }
        self = try Field.at(node) { () throws(MoneyFault) in
            try Explanation(
                rule: rule, currency: currency, basePrice: basePrice, quantity: quantity, included: included,
                fraction: fraction, rounding: rounding)
        }
        guard try exact == Field.fraction(node.required("exact")) else {
            throw node.fault("\"exact\" is not \(exact.fraction), which follows from the rest")
        }
    }
}

extension Explanation: CustomStringConvertible {
    /// `49.00 x (7 - 2) x 10/30` in major units, as a person reads it.
    public var description: String {
        let price = (try? basePrice / Rational(currency.minorUnitsPerMajor))?.description ?? basePrice.fraction
        var text = rule == .flat ? price : "\(price) x "
        if rule != .flat { text += included == .zero ? "\(quantity)" : "(\(quantity) - \(included))" }
        return text + (fraction.map { " x \($0)" } ?? "")
    }
}
