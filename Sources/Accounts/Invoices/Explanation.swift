public import Billing
public import Money

/// How a line's amount came about, as data from which it can be worked out again. Each is rounded once, half away from
/// zero.
public enum Explanation: Hashable, Sendable {
    /// A price for a quantity, and a part of its cycle.
    case charge(Charge)
    /// What metered usage costs less what of it was billed before.
    case usage(Charge, billed: Money)
    /// `net` of a line x `part` of its period x what of its invoice was paid, but no more than `left` of it.
    case credit(of: LineReference, net: Money, part: Fraction, paid: Fraction?, left: Money)
    /// `minimum` x `part` less what the lines come to, but not below nothing; less what of it was billed before.
    case minimum(Money, part: Fraction?, lines: Money, billed: Money)
    /// A percentage of what is left of some lines. `use` is the coupon's, where it is one's.
    case percentOff(Rational, of: Money, use: Int?)
    /// An amount, but no more than is left of the lines.
    case amountOff(Money, of: Money, use: Int)
    /// A percentage of each line's net, each rounded.
    case tax(Rational, of: [Money])
    /// As a person gave it.
    case given(Money)

    /// A price as it was applied. Two charges with the same basis bill the same thing.
    public struct Charge: Hashable, Sendable {
        public let basis: Basis
        public let currency: Currency
        /// How many events made the quantity, for a percentage of a metric.
        public let events: Int
        /// The part of what is included and of tiers that holds.
        public let allowances: Fraction?
        /// The part of the cycle that is billed; `nil` for a whole one.
        public let part: Fraction?

        public init(
            basis: Basis, currency: Currency, events: Int = 0, allowances: Fraction? = nil, part: Fraction? = nil
        ) {
            self.basis = basis
            self.currency = currency
            self.events = events
            self.allowances = allowances
            self.part = part
        }

        public func evaluate() throws(MoneyFault) -> Money {
            let share = if let allowances { try allowances.value } else { Rational.one }
            var cost = try basis.model.cost(of: basis.quantity, events: events, allowances: share, in: currency)
            if let part { cost = try cost * part.value }
            return try Money.rounding(minorUnits: cost, in: currency)
        }
    }

    /// What makes billed time still right: plan, price and quantity.
    public struct Basis: Hashable, Sendable {
        /// The plan's code; `nil` for an add-on, which outlives a change of plan.
        public let plan: String?
        public let interval: BillingInterval
        public let model: PriceModel
        public let timing: Price.Timing
        public let quantity: Rational

        public init(
            plan: String?, interval: BillingInterval, model: PriceModel, timing: Price.Timing, quantity: Rational
        ) {
            self.plan = plan
            self.interval = interval
            self.model = model
            self.timing = timing
            self.quantity = quantity
        }
    }

    /// The amount, worked out anew.
    public func evaluate() throws(MoneyFault) -> Money {
        switch self {
        case .charge(let charge): return try charge.evaluate()
        case .usage(let charge, let billed): return try charge.evaluate() - billed
        case .credit(_, let net, let part, let paid, let left):
            var exact = try Rational(net.minorUnits) * part.value
            if let paid { exact = try exact * paid.value }
            let credit = try Money.rounding(minorUnits: exact, in: net.currency)
            return try Money(minorUnits: min(credit.minorUnits, left.minorUnits), net.currency).negated()
        case .minimum(let minimum, let part, let lines, let billed):
            var exact = Rational(minimum.minorUnits)
            if let part { exact = try exact * part.value }
            let lacking = try Money.rounding(minorUnits: exact, in: minimum.currency) - lines
            return try Money(minorUnits: max(0, lacking.minorUnits), minimum.currency) - billed
        case .percentOff(let percent, let base, _):
            return try Money.rounding(minorUnits: Rational(base.minorUnits) * percent / 100, in: base.currency)
                .negated()
        case .amountOff(let amount, let base, _):
            return try Money(minorUnits: min(amount.minorUnits, base.minorUnits), base.currency).negated()
        case .tax(let percent, let nets):
            guard let currency = nets.first?.currency else { throw .noShares }
            var sum = Money.zero(currency)
            for net in nets { sum = try sum + Self.tax(percent, on: net) }
            return sum
        case .given(let amount): return amount
        }
    }

    static func tax(_ percent: Rational, on net: Money) throws(MoneyFault) -> Money {
        try Money.rounding(minorUnits: Rational(net.minorUnits) * percent / 100, in: net.currency)
    }
}
