/// An exact fraction, always reduced, its denominator positive: equal values are equal fractions.
///
/// Quantities, rates and shares are these. Arithmetic is exact or throws `MoneyFault.overflow`.
public struct Rational: Hashable, Sendable {
    public let numerator: Int128
    public let denominator: Int128

    /// Throws `divisionByZero`, or `overflow` for the one value that has no opposite.
    public init(_ numerator: Int128, over denominator: Int128) throws(MoneyFault) {
        guard denominator != 0 else { throw .divisionByZero }
        guard numerator != .min, denominator != .min else { throw .overflow }
        let divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0 ? -1 : 1)
        self.init(reduced: numerator / divisor, denominator / divisor)
    }

    /// A whole number. Traps at the one value of Int128 that has no opposite, which no amount or count reaches.
    public init(_ whole: some FixedWidthInteger) {
        precondition(whole > Int128.min, "\(whole) has no opposite")
        self.init(reduced: Int128(whole), 1)
    }

    private init(reduced numerator: Int128, _ denominator: Int128) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Reads `[-]digits[.digits]`, at most 18 digits on either side. Throws `notANumber`.
    public init(parsing text: String) throws(MoneyFault) {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.utf8.dropFirst(isNegative ? 1 : 0)
            .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let isDigit = { (byte: UInt8) in byte >= 0x30 && byte <= 0x39 }
        guard parts.allSatisfy({ (1...18).contains($0.count) && $0.allSatisfy(isDigit) }) else {
            throw .notANumber(text)
        }
        let value = parts.joined().reduce(into: Int128(0)) { $0 = $0 * 10 + Int128($1 - 0x30) }
        let scale = parts.dropFirst().first?.reduce(into: Int128(1)) { scale, _ in scale *= 10 } ?? 1
        try self.init(isNegative ? -value : value, over: scale)
    }

    public static let zero = Rational(0)
    public static let one = Rational(1)

    public var isNegative: Bool { numerator < 0 }
    public var isWhole: Bool { denominator == 1 }

    public static func + (left: Rational, right: Rational) throws(MoneyFault) -> Rational {
        // By the common divisor first (Knuth 4.5.1), so that sums of like fractions stay small.
        let divisor = greatestCommonDivisor(left.denominator, right.denominator)
        let first = try product(left.numerator, right.denominator / divisor)
        let second = try product(right.numerator, left.denominator / divisor)
        let sum = first.addingReportingOverflow(second)
        guard !sum.overflow else { throw .overflow }
        return try Rational(sum.partialValue, over: product(left.denominator / divisor, right.denominator))
    }

    public static func - (left: Rational, right: Rational) throws(MoneyFault) -> Rational { try left + right.negated }

    public static func * (left: Rational, right: Rational) throws(MoneyFault) -> Rational {
        // Crosswise first: the result is reduced, and intermediate values are no larger than it.
        let one = greatestCommonDivisor(left.numerator, right.denominator)
        let two = greatestCommonDivisor(right.numerator, left.denominator)
        return Rational(
            reduced: try product(left.numerator / one, right.numerator / two),
            try product(left.denominator / two, right.denominator / one))
    }

    /// Throws `divisionByZero` as well as `overflow`.
    public static func / (left: Rational, right: Rational) throws(MoneyFault) -> Rational {
        try left * Rational(right.denominator, over: right.numerator)
    }

    public var negated: Rational { Rational(reduced: -numerator, denominator) }
    public var magnitude: Rational { isNegative ? negated : self }

    /// The largest whole number not above it.
    public var floor: Int128 {
        let quotient = numerator / denominator
        return isNegative && quotient * denominator != numerator ? quotient - 1 : quotient
    }

    /// The nearest whole number; a half goes away from zero.
    public var roundedHalfAwayFromZero: Int128 {
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        // remainder * 2 >= denominator, without the product that could overflow.
        let isHalfOrMore = remainder.magnitude >= denominator.magnitude - remainder.magnitude
        return isHalfOrMore ? quotient + (isNegative ? -1 : 1) : quotient
    }
}

extension Rational: Comparable {
    public static func < (left: Rational, right: Rational) -> Bool {
        let first = left.numerator.multipliedFullWidth(by: right.denominator)
        let second = right.numerator.multipliedFullWidth(by: left.denominator)
        return (first.high, first.low) < (second.high, second.low)
    }
}

extension Rational: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) { self.init(value) }
}

extension Rational: CustomStringConvertible {
    /// A decimal number where it ends (`1350`, `0.05`), else the fraction (`14/31`).
    public var description: String { decimal ?? fraction }

    /// Always with its denominator: `14/31`, `2/1`.
    public var fraction: String { "\(numerator)/\(denominator)" }

    /// The decimal form, or `nil` if it would not end or not within 18 decimals.
    private var decimal: String? {
        // Long division: only the remainder is scaled, so nothing that fits is lost.
        var (value, rest) = numerator.magnitude.quotientAndRemainder(dividingBy: denominator.magnitude)
        var digits = 0
        while rest != 0 {
            let scaled = rest.multipliedReportingOverflow(by: 10)
            let longer = value.multipliedReportingOverflow(by: 10)
            guard digits < 18, !scaled.overflow, !longer.overflow else { return nil }
            let digit = scaled.partialValue.quotientAndRemainder(dividingBy: denominator.magnitude)
            let next = longer.partialValue.addingReportingOverflow(digit.quotient)
            guard !next.overflow else { return nil }
            value = next.partialValue
            rest = digit.remainder
            digits += 1
        }
        return decimalText(value, decimals: digits, isNegative: isNegative)
    }
}

private func product(_ left: Int128, _ right: Int128) throws(MoneyFault) -> Int128 {
    let result = left.multipliedReportingOverflow(by: right)
    // The least value has no opposite; keeping it out keeps `negated` total.
    guard !result.overflow, result.partialValue != .min else { throw .overflow }
    return result.partialValue
}

/// At least 1; neither may be the least Int128.
private func greatestCommonDivisor(_ left: Int128, _ right: Int128) -> Int128 {
    var (larger, smaller) = (left.magnitude, right.magnitude)
    while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
    return Int128(max(larger, 1))
}

/// Digits with a point before the last `decimals`.
func decimalText(_ magnitude: some BinaryInteger, decimals: Int, isNegative: Bool) -> String {
    let digits = String(magnitude)
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
    let point = decimals == 0 ? "" : "." + padded.suffix(decimals)
    return (isNegative ? "-" : "") + padded.dropLast(decimals) + point
}
