public import Money

/// How an amount is made of a quantity. Unit prices are exact minor units, so they may be finer than a cent.
public enum PriceModel: Hashable, Sendable {
    /// The same every cycle.
    case flat(amount: Money)
    /// Once, with the first invoice.
    case oneTime(amount: Money)
    /// `amount` minor units for each unit over those included.
    case perUnit(unit: String, amount: Rational, included: Rational)
    /// `amount` minor units for each metered one over those included.
    case usage(metric: String, amount: Rational, included: Rational)
    /// Each tier's part of the quantity at that tier's price, and the flat amounts of the tiers entered.
    case graduated(Counted, tiers: [Tier])
    /// All of the quantity at the price of the tier that it reaches, and that tier's flat amount.
    case volume(Counted, tiers: [Tier])
    /// `amount` minor units for each package of `size` begun, over what is included.
    case package(Counted, size: Rational, amount: Rational, included: Rational)
    /// `percent` of the metered sum of major units, and `fixed` minor units for each event.
    case percentage(metric: String, percent: Rational, fixed: Rational)

    /// What is counted: a quantity of the subscription, or metered usage.
    public enum Counted: Hashable, Sendable {
        case unit(String)
        case metric(String)
    }

    /// The quantities over the tier before, up to and including `upTo`; the last has no bound.
    public struct Tier: Hashable, Sendable {
        public let upTo: Rational?
        /// Minor units.
        public let unitAmount: Rational
        /// Minor units, due when the tier is entered; the first tier is entered at 0.
        public let flatAmount: Rational

        public init(upTo: Rational?, unitAmount: Rational, flatAmount: Rational = .zero) {
            self.upTo = upTo
            self.unitAmount = unitAmount
            self.flatAmount = flatAmount
        }
    }

    public var counted: Counted? {
        switch self {
        case .flat, .oneTime: nil
        case .perUnit(let unit, _, _): .unit(unit)
        case .usage(let metric, _, _), .percentage(let metric, _, _): .metric(metric)
        case .graduated(let counted, _), .volume(let counted, _), .package(let counted, _, _, _): counted
        }
    }

    /// The unit of the subscription that it counts, if it does.
    public var unit: String? { if case .unit(let unit) = counted { unit } else { nil } }

    /// The metric that it bills, if it does.
    public var metric: String? { if case .metric(let metric) = counted { metric } else { nil } }
}

extension PriceModel {
    /// What a quantity costs in a whole cycle, in minor units of `currency` and unrounded. `events` is how many made it,
    /// for a percentage; `allowances` is the part of what is included and of the tiers' bounds that holds. Throws
    /// `overflow`. A quantity below 0, as corrections may leave one, costs what 0 does; only a percentage gives it back.
    public func cost(
        of quantity: Rational, events: Int = 0, allowances: Rational = .one, in currency: Currency
    ) throws(MoneyFault) -> Rational {
        switch self {
        case .flat(let amount), .oneTime(let amount): return Rational(amount.minorUnits)
        case .perUnit(_, let amount, let included), .usage(_, let amount, let included):
            return try amount * max(quantity - included * allowances, .zero)
        case .graduated, .volume:
            var total = Rational.zero
            for (tier, part) in try parts(of: quantity, allowances: allowances) {
                total = try total + tier.unitAmount * part + tier.flatAmount
            }
            return total
        case .package(_, let size, let amount, let included):
            let packages = try max(quantity - included * allowances, .zero) / size
            return try amount * Rational(packages.negated.floor).negated
        case .percentage(_, let percent, let fixed):
            let share = try quantity * percent / 100 * Rational(currency.minorUnitsPerMajor)
            return try share + fixed * Rational(events)
        }
    }

    /// What each tier bills of a quantity: with `graduated` the tiers that it enters, each the part that lies in it; with
    /// `volume` the one that it reaches, all of it. None with other models. Throws `overflow`.
    public func parts(
        of quantity: Rational, allowances: Rational = .one
    ) throws(MoneyFault) -> [(tier: Tier, quantity: Rational)] {
        switch self {
        case .graduated(_, let tiers): return try Self.entered(by: quantity, tiers, allowances)
        case .volume(_, let tiers):
            let reached = try Self.reached(by: quantity, tiers, allowances)
            return reached.map { [($0, max(quantity, .zero))] } ?? []
        case .flat, .oneTime, .perUnit, .usage, .package, .percentage: return []
        }
    }

    private static func entered(
        by quantity: Rational, _ tiers: [Tier], _ allowances: Rational
    ) throws(MoneyFault) -> [(tier: Tier, quantity: Rational)] {
        var parts: [(tier: Tier, quantity: Rational)] = []
        var lower = Rational.zero
        for (index, tier) in tiers.enumerated() {
            guard index == 0 || quantity > lower else { break }
            let bound = try tier.upTo.map { (bound) throws(MoneyFault) in try bound * allowances }
            parts.append((tier, try max(min(quantity, bound ?? quantity) - lower, .zero)))
            guard let bound else { break }
            lower = bound
        }
        return parts
    }

    private static func reached(
        by quantity: Rational, _ tiers: [Tier], _ allowances: Rational
    ) throws(MoneyFault) -> Tier? {
        for tier in tiers {
            guard let upTo = tier.upTo else { return tier }
            if try quantity <= upTo * allowances { return tier }
        }
        return tiers.last
    }
}
