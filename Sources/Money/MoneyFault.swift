/// Why a calculation with money gave no result. Nothing is rounded, wrapped or converted in its place.
public enum MoneyFault: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownCurrency(String)
    case currencyMismatch(Currency, Currency)
    /// The result does not fit its integers; the customer concerned is held.
    case overflow
    /// Not digits with at most one point between them, or too long.
    case notANumber(String)
    /// More decimals than the currency has.
    case tooManyDecimals(String, Currency)
    case divisionByZero
    /// Shares need weights that are not negative and not all zero.
    case noShares

    public var description: String {
        switch self {
        case .unknownCurrency(let code): "unknown currency \"\(code)\""
        case .currencyMismatch(let left, let right): "\(left) and \(right) cannot be added"
        case .overflow: "the amount is out of range"
        case .notANumber(let text): "\"\(text)\" is not a decimal number"
        case .tooManyDecimals(let text, let currency):
            "\"\(text)\" has too many decimals: \(currency) has \(currency.exponent)"
        case .divisionByZero: "division by zero"
        case .noShares: "weights must not be negative, nor all zero"
        }
    }
}
