/// How long a cycle is: whole months, or whole days. A quarter is three months, a year twelve.
public enum BillingInterval: Hashable, Sendable {
    /// 1 to 120.
    case months(Int)
    /// 1 to 520. Not the same as days: aligned to the calendar, a week begins on Monday.
    case weeks(Int)
    /// 1 to 3660.
    case days(Int)

    public static let month = BillingInterval.months(1)
    public static let quarter = BillingInterval.months(3)
    public static let year = BillingInterval.months(12)

    /// Whether the count is within the limits of its case. Longer than ten years is a typing error.
    public var isValid: Bool {
        switch self {
        case .months(let count): (1...120).contains(count)
        case .weeks(let count): (1...520).contains(count)
        case .days(let count): (1...3660).contains(count)
        }
    }
}

extension BillingInterval: CustomStringConvertible {
    /// As catalogues name it: `month`, `quarter`, `year`, else `2 months`, `1 weeks`, `10 days`.
    public var description: String {
        switch self {
        case .months(1): "month"
        case .months(3): "quarter"
        case .months(12): "year"
        case .months(let count): "\(count) months"
        case .weeks(let count): "\(count) weeks"
        case .days(let count): "\(count) days"
        }
    }
}
