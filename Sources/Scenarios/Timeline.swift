public import Accounts
public import Billing
public import Dates
public import Money

/// Something that is asked for at an instant of a scenario.
public struct TimedOperation: Hashable, Sendable {
    public enum Act: Hashable, Sendable {
        /// Of the customer with that id; `nil` where it belongs to nobody in the file, and then it is `not_found`. What
        /// names a subscription is of whoever subscribes it first.
        case customer(String?, Operation)
        case publishPrice(PricePublication)
        /// Bill everybody again for what was due by a date; never early.
        case bill(LocalDate)
    }

    public let at: Instant
    /// Its place in the file, from 0.
    public let index: Int
    /// Its line in the file, from 1.
    public let line: Int
    /// Its name in the file, as `change_plan`.
    public let `do`: String
    public let act: Act
    /// With `set_payment`: what the gateway will answer from now on, in place of what was left; empty: all succeed.
    public let outcomes: [Outcome]
}

/// A new version of a price, to be sold from a day on.
public struct PricePublication: Hashable, Sendable {
    public enum Cost: Hashable, Sendable {
        /// Minor units, which may have a fraction.
        case amount(Rational)
        case tiers([PriceModel.Tier])
    }

    public let plan: String
    public let price: String
    public let cost: Cost
    public let effectiveFrom: LocalDate
    /// Whether older subscriptions move to it, each at its first period on or after that day.
    public let movesExisting: Bool

    /// The version that follows `price`; `nil` if that is not priced so (an amount for tiers, half a cent for a flat one).
    public func version(after price: Price, in currency: Currency) -> Price? {
        guard let model = cost.model(after: price.model, in: currency) else { return nil }
        return Price(
            code: price.code, model: model, timing: price.timing, interval: price.interval,
            effectiveFrom: effectiveFrom, movesExistingFrom: movesExisting ? effectiveFrom : nil)
    }
}

extension PricePublication.Cost {
    /// `model` at this cost, everything else of it kept.
    func model(after model: PriceModel, in currency: Currency) -> PriceModel? {
        switch (self, model) {
        case (.amount(let exact), .flat): money(exact, currency).map { .flat(amount: $0) }
        case (.amount(let exact), .oneTime): money(exact, currency).map { .oneTime(amount: $0) }
        case (.amount(let amount), .perUnit(let unit, _, let included)):
            .perUnit(unit: unit, amount: amount, included: included)
        case (.amount(let amount), .usage(let metric, _, let included)):
            .usage(metric: metric, amount: amount, included: included)
        case (.amount(let amount), .package(let counted, let size, _, let included)):
            .package(counted, size: size, amount: amount, included: included)
        case (.tiers(let tiers), .graduated(let counted, _)): .graduated(counted, tiers: tiers)
        case (.tiers(let tiers), .volume(let counted, _)): .volume(counted, tiers: tiers)
        case (.amount, .graduated), (.amount, .volume), (.amount, .percentage), (.tiers, _): nil
        }
    }

    private func money(_ exact: Rational, _ currency: Currency) -> Money? {
        guard exact.isWhole, let minorUnits = Int64(exactly: exact.numerator) else { return nil }
        return Money(minorUnits: minorUnits, currency)
    }
}
