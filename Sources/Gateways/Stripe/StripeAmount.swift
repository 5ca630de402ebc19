internal import Money

/// An amount as Stripe counts it, which for a few currencies is not how ISO 4217 does.
struct StripeAmount: Sendable, Hashable, CustomStringConvertible {
    let units: Int64
    /// Three lower-case letters.
    let currency: String

    struct Fault: Error, Hashable { let message: String }

    /// Throws for an amount that is not positive or that Stripe has no number for.
    init(_ money: Money) throws(Fault) {
        guard money.isPositive else { throw Fault(message: "\(money) is nothing to charge") }
        units = try Self.units(money)
        currency = money.currency.code.lowercased()
    }

    var description: String { "\(units) \(currency)" }

    /// docs.stripe.com/currencies, special cases: the number for 5 króna is 500.
    private static func units(_ money: Money) throws(Fault) -> Int64 {
        switch (money.currency.code, money.currency.exponent) {
        // Without decimals since, but Stripe still wants two of them.
        case ("ISK", _), ("UGX", _):
            let scaled = money.minorUnits.multipliedReportingOverflow(by: 100)
            guard !scaled.overflow else { throw Fault(message: "\(money) is more than Stripe can count") }
            return scaled.partialValue
        // ISO gives the ariary two decimals, Stripe none.
        case ("MGA", _): return try whole(money, by: 100) / 100
        // Card networks take the third decimal as 0 only.
        case (_, 3): return try whole(money, by: 10)
        case (_, 0), (_, 2): return money.minorUnits
        default: throw Fault(message: "Stripe does not charge in \(money.currency)")
        }
    }

    /// The other way round. Throws for a currency that is none, and for less than its smallest unit.
    static func money(_ units: Int64, _ currency: String) throws -> Money {
        let known = try Currency(code: currency.uppercased())
        switch known.code {
        case "ISK", "UGX":
            guard units.isMultiple(of: 100) else { throw Fault(message: "\(units) \(currency) has decimals") }
            return Money(minorUnits: units / 100, known)
        case "MGA":
            let scaled = units.multipliedReportingOverflow(by: 100)
            guard !scaled.overflow else { throw Fault(message: "\(units) \(currency) is more than we can count") }
            return Money(minorUnits: scaled.partialValue, known)
        default: return Money(minorUnits: units, known)
        }
    }

    private static func whole(_ money: Money, by step: Int64) throws(Fault) -> Int64 {
        guard money.minorUnits.isMultiple(of: step) else {
            throw Fault(
                message: "Stripe cannot charge \(money): it takes this currency in steps of \(step) minor units")
        }
        return money.minorUnits
    }
}
