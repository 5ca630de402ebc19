public import Dates
public import Money

/// What a customer can subscribe to: prices that are billed together, and what is allowed in return.
public struct Plan: Hashable, Sendable {
    public let code: String
    /// What invoices and screens call it.
    public let name: String
    public let currency: Currency
    /// The cycle of every price that names none of its own.
    public let interval: BillingInterval
    /// In the order of the catalogue, which is their order on invoices. A code that stands several times has versions,
    /// each effective from its own date.
    public let prices: [Price]
    /// Free days before the first billed one; 0 for none.
    public let trialDays: Int
    /// What a whole cycle's lines come to at least.
    public let minimum: Money?
    /// In the order in which they are taken off, each from what the one before left.
    public let discounts: [PlanDiscount]
    /// In alphabetical order of what they limit.
    public let limits: [Limit]
    /// In alphabetical order of their codes.
    public let entitlements: [Entitlement]
    /// What may be used, had or done in the trial, all of them hard; in alphabetical order of what they limit.
    public let trialLimits: [Limit]
    /// The first day on which nobody can take it any more; who has it keeps it.
    public let retiredFrom: LocalDate?
    /// The code of the coupon for whoever has cancelled and stays after all; the seller's if `nil`.
    public let retentionOffer: String?

    public init(
        code: String, name: String, currency: Currency, interval: BillingInterval, prices: [Price], trialDays: Int = 0,
        minimum: Money? = nil, discounts: [PlanDiscount] = [], limits: [Limit] = [], entitlements: [Entitlement] = [],
        trialLimits: [Limit] = [], retiredFrom: LocalDate? = nil, retentionOffer: String? = nil
    ) {
        self.code = code
        self.name = name
        self.currency = currency
        self.interval = interval
        self.prices = prices
        self.trialDays = trialDays
        self.minimum = minimum
        self.discounts = discounts
        self.limits = limits
        self.entitlements = entitlements
        self.trialLimits = trialLimits
        self.retiredFrom = retiredFrom
        self.retentionOffer = retentionOffer
    }

    /// The same with other prices.
    public func with(_ prices: [Price]) -> Plan {
        Plan(
            code: code, name: name, currency: currency, interval: interval, prices: prices, trialDays: trialDays,
            minimum: minimum, discounts: discounts, limits: limits, entitlements: entitlements,
            trialLimits: trialLimits, retiredFrom: retiredFrom, retentionOffer: retentionOffer)
    }

    /// What somebody has who takes it: whether others still can, and what is offered to those who go, is not of it.
    public var asSold: Plan {
        Plan(
            code: code, name: name, currency: currency, interval: interval, prices: prices, trialDays: trialDays,
            minimum: minimum, discounts: discounts, limits: limits, entitlements: entitlements,
            trialLimits: trialLimits)
    }

    /// What it grants: in a trial, no more than its limits leave, and nothing of what they put at 0.
    public func entitlements(inTrial: Bool) -> [Entitlement] {
        guard inTrial else { return entitlements }
        return entitlements.map { entitlement in
            guard let limit = trialLimits.first(where: { $0.subject == entitlement.code }) else { return entitlement }
            switch entitlement.value {
            case .number(let number):
                return Entitlement(code: entitlement.code, value: .number(min(number, limit.maximum)))
            case .granted, .text:
                return limit.maximum > 0 ? entitlement : Entitlement(code: entitlement.code, value: .granted(false))
            }
        }
    }

    public func interval(of price: Price) -> BillingInterval { price.interval ?? interval }

    /// What somebody who takes the plan on `date` pays: of each code the version then in force, in the order in which
    /// the codes first stand. A code whose first version lies in the future is left out.
    public func prices(on date: LocalDate) -> [Price] {
        var codes: [String] = []
        var chosen: [String: Price] = [:]
        for price in prices {
            if !codes.contains(price.code) { codes.append(price.code) }
            guard price.effectiveFrom.map({ $0 <= date }) ?? true else { continue }
            if let rival = chosen[price.code], let mine = rival.effectiveFrom,
                price.effectiveFrom.map({ $0 < mine }) ?? true
            {
                continue
            }
            chosen[price.code] = price
        }
        return codes.compactMap { chosen[$0] }
    }
}

/// One version of what a component of a plan costs.
public struct Price: Hashable, Sendable {
    public enum Timing: String, CaseIterable, Hashable, Sendable {
        /// Due on the first day of its period.
        case inAdvance = "in_advance"
        /// Due when its period has ended.
        case inArrears = "in_arrears"
    }

    public let code: String
    public let model: PriceModel
    /// Always in arrears for what is metered.
    public let timing: Timing
    /// Where it differs from the plan's.
    public let interval: BillingInterval?
    /// The first day on which it is sold; from ever if `nil`.
    public let effectiveFrom: LocalDate?
    /// Subscriptions sold at an older version move to it at the first period that begins on this day or later; with
    /// `nil` they keep what they have.
    public let movesExistingFrom: LocalDate?

    public init(
        code: String, model: PriceModel, timing: Timing = .inAdvance, interval: BillingInterval? = nil,
        effectiveFrom: LocalDate? = nil, movesExistingFrom: LocalDate? = nil
    ) {
        self.code = code
        self.model = model
        self.timing = model.metric == nil ? timing : .inArrears
        self.interval = interval
        self.effectiveFrom = effectiveFrom
        self.movesExistingFrom = movesExistingFrom
    }

    public var isInArrears: Bool { timing == .inArrears }
}

/// A percentage off the recurring lines of the prices in the plan's own interval, where its conditions hold.
public struct PlanDiscount: Hashable, Sendable {
    public let code: String
    /// 15 for 15 %.
    public let percent: Rational
    /// Only for terms of at least so many months.
    public let minimumTermMonths: Int?
    /// Only from so many of that unit on.
    public let volume: Volume?

    public struct Volume: Hashable, Sendable {
        public let unit: String
        public let minimum: Rational

        public init(unit: String, minimum: Rational) {
            self.unit = unit
            self.minimum = minimum
        }
    }

    public init(code: String, percent: Rational, minimumTermMonths: Int? = nil, volume: Volume? = nil) {
        self.code = code
        self.percent = percent
        self.minimumTermMonths = minimumTermMonths
        self.volume = volume
    }
}

/// Something a customer can hand in once for a reduction, or for a longer trial.
public struct Coupon: Hashable, Sendable {
    public enum Benefit: Hashable, Sendable {
        /// 10 for 10 %.
        case percent(Rational)
        case amount(Money)
        case trialDays(Int)
    }

    public enum Duration: Hashable, Sendable {
        /// The first invoice that it cuts.
        case once
        case forever
        /// The lines that start in so many periods, the current one first.
        case periods(Int)
    }

    public let code: String
    public let benefit: Benefit
    public let duration: Duration
    /// The codes of the prices that it cuts; empty: all.
    public let appliesTo: [String]
    /// How often it can be handed in, by all customers together.
    public let limit: Int?
    /// The first day on which it is no longer taken.
    public let expires: LocalDate?

    public init(
        code: String, benefit: Benefit, duration: Duration, appliesTo: [String] = [], limit: Int? = nil,
        expires: LocalDate? = nil
    ) {
        self.code = code
        self.benefit = benefit
        self.duration = duration
        self.appliesTo = appliesTo
        self.limit = limit
        self.expires = expires
    }
}

/// How much of a metric or unit a plan allows in a cycle.
public struct Limit: Hashable, Sendable {
    /// The code of a metric, or the unit of a price.
    public let subject: String
    public let maximum: Int64
    /// Whether what would pass it is refused; otherwise it is only told.
    public let isHard: Bool

    public init(subject: String, maximum: Int64, isHard: Bool) {
        self.subject = subject
        self.maximum = maximum
        self.isHard = isHard
    }
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

    public init(code: String, aggregation: Aggregation, field: String? = nil) {
        self.code = code
        self.aggregation = aggregation
        self.field = field
    }
}
