public import Money

/// One version of what a customer can subscribe to: prices that are billed together, and what is allowed in return.
public struct Plan: Hashable, Sendable {
    public let code: String
    /// What invoices and screens call it.
    public let name: String
    public let currency: Currency
    /// The cycle of every price that names none of its own.
    public let interval: BillingInterval
    /// In the order of the catalogue, which is their order on invoices; no code twice.
    public let prices: [Price]
    /// Free days before the first billed one; 0 for none.
    public let trialDays: Int
    /// In alphabetical order of what they limit.
    public let limits: [Limit]
    /// In alphabetical order of their codes.
    public let entitlements: [Entitlement]

    public func interval(of price: Price) -> BillingInterval { price.interval ?? interval }
}

/// What one component of a plan costs.
public struct Price: Hashable, Sendable {
    public enum Timing: String, CaseIterable, Hashable, Sendable {
        /// Due on the first day of its period.
        case inAdvance = "in_advance"
        /// Due when its period has ended.
        case inArrears = "in_arrears"
    }

    public let code: String
    public let model: PriceModel
    public let timing: Timing
    /// Where it differs from the plan's.
    public let interval: BillingInterval?
}

/// How an amount is made of a quantity. Unit prices are exact minor units, so they may be finer than a cent.
public enum PriceModel: Hashable, Sendable {
    /// The same every cycle.
    case flat(amount: Money)
    /// `amount` minor units for each unit over those included.
    case perUnit(unit: String, amount: Rational, included: Rational)

    /// What it counts, if it counts anything.
    public var unit: String? {
        switch self {
        case .flat: nil
        case .perUnit(let unit, _, _): unit
        }
    }
}

/// How much of a metric or unit a plan allows in a cycle.
public struct Limit: Hashable, Sendable {
    /// The code of a metric, or the unit of a price.
    public let subject: String
    public let maximum: Int64
    /// Whether what would pass it is refused; otherwise it is only told.
    public let isHard: Bool
}

/// Something a plan grants, looked up by its code.
public struct Entitlement: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case granted(Bool)
        case number(Int64)
        case text(String)
    }

    public let code: String
    public let value: Value
}

/// Something that is counted, and how events become one number.
public struct Metric: Hashable, Sendable {
    public enum Aggregation: String, CaseIterable, Hashable, Sendable {
        case sum, count, max, last, unique
        case timeWeighted = "time_weighted"
    }

    public let code: String
    public let aggregation: Aggregation
    /// The property of an event that is summed or counted; its quantity if `nil`.
    public let field: String?
}
