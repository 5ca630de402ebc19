/// An amount in whole minor units of one currency: it cannot hold a fraction, nor be added to another currency.
public struct Money: Hashable, Sendable, Codable {
    /// Cents for USD, whole yen for JPY, fils for BHD; negative for what is given back.
    public let minorUnits: Int64
    public let currency: Currency

    public init(minorUnits: Int64, _ currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// Reads major units as people write them, `29.95`. Throws `notANumber`, `tooManyDecimals` or `overflow`.
    public init(parsing text: String, _ currency: Currency) throws(MoneyFault) {
        let exact = try Rational(parsing: text) * Rational(currency.minorUnitsPerMajor)
        guard exact.isWhole else { throw .tooManyDecimals(text, currency) }
        guard let minorUnits = Int64(exactly: exact.numerator) else { throw .overflow }
        self.init(minorUnits: minorUnits, currency)
    }

    public static func zero(_ currency: Currency) -> Money { Money(minorUnits: 0, currency) }

    /// The one way from an exact value to money: `exact` minor units, a half going away from zero.
    public static func rounding(minorUnits exact: Rational, in currency: Currency) throws(MoneyFault) -> Money {
        guard let minorUnits = Int64(exactly: exact.roundedHalfAwayFromZero) else { throw .overflow }
        return Money(minorUnits: minorUnits, currency)
    }

    public var isZero: Bool { minorUnits == 0 }
    public var isPositive: Bool { minorUnits > 0 }
    public var isNegative: Bool { minorUnits < 0 }

    public static func + (left: Money, right: Money) throws(MoneyFault) -> Money {
        guard left.currency == right.currency else { throw .currencyMismatch(left.currency, right.currency) }
        let sum = left.minorUnits.addingReportingOverflow(right.minorUnits)
        guard !sum.overflow else { throw .overflow }
        return Money(minorUnits: sum.partialValue, left.currency)
    }

    public static func - (left: Money, right: Money) throws(MoneyFault) -> Money {
        guard left.currency == right.currency else { throw .currencyMismatch(left.currency, right.currency) }
        let difference = left.minorUnits.subtractingReportingOverflow(right.minorUnits)
        guard !difference.overflow else { throw .overflow }
        return Money(minorUnits: difference.partialValue, left.currency)
    }

    public func negated() throws(MoneyFault) -> Money { try Money.zero(currency) - self }

    /// Zero of `currency` if there are no amounts.
    public static func sum(_ amounts: some Sequence<Money>, in currency: Currency) throws(MoneyFault) -> Money {
        var total = Money.zero(currency)
        for amount in amounts { total = try total + amount }
        return total
    }

    /// Shares in proportion to the weights that add up to exactly this amount: each is rounded towards zero, then the
    /// units left over go to the largest remainders, the first of equals. Throws `noShares` or `overflow`.
    public func split(by weights: [Rational]) throws(MoneyFault) -> [Money] {
        var total = Rational.zero
        for weight in weights {
            guard !weight.isNegative else { throw .noShares }
            total = try total + weight
        }
        guard total > .zero else { throw .noShares }

        var shares: [Int128] = []
        var remainders: [(index: Int, part: Rational)] = []
        for (index, weight) in weights.enumerated() {
            let exact = try Rational(minorUnits.magnitude) * (weight / total)
            shares.append(exact.floor)
            remainders.append((index, try exact - Rational(exact.floor)))
        }
        let left = Int(Int128(minorUnits.magnitude) - shares.reduce(0, +))
        let byRemainder = remainders.sorted { ($1.part, $0.index) < ($0.part, $1.index) }
        for entry in byRemainder.prefix(left) { shares[entry.index] += 1 }
        // A share is no larger than the whole, so it fits.
        return shares.map { Money(minorUnits: Int64(minorUnits < 0 ? -$0 : $0), currency) }
    }

    public func split(by weights: [Int]) throws(MoneyFault) -> [Money] { try split(by: weights.map { Rational($0) }) }
}

extension Money: CustomStringConvertible {
    /// Major units and code, exact: `29.95 USD`, `-1200 JPY`.
    public var description: String { "\(decimal) \(currency)" }

    /// Major units alone: `29.95`.
    public var decimal: String {
        decimalText(minorUnits.magnitude, decimals: currency.exponent, isNegative: minorUnits < 0)
    }
}
