public import Billing
public import Dates
public import Money

extension Account {
    /// What a month of the customer's active and past-due subscriptions comes to, as things stood at an instant: what
    /// was changed later, or had not acted yet, does not count. Throws `overflow`.
    public func monthlyValue(at instant: Instant) throws(MoneyFault) -> Money {
        var total = Money.zero(currency)
        for subscription in subscriptions { total = try total + monthlyValue(of: subscription, at: instant) }
        return total
    }

    /// The recurring prices of one subscription, by the month, less its plan's discounts and coupons of a percentage
    /// for ever; each of these rounded. A change counts from when its prices are billed: at the end of the period if
    /// it waits for that, or if it was made without an invoice.
    public func monthlyValue(of subscription: Subscription, at instant: Instant) throws(MoneyFault) -> Money {
        guard subscription.state(at: instant)?.isBilled ?? false else { return .zero(currency) }
        let moment = calendar.moment(instant)
        let known = subscription.known(at: instant)
        guard let stretch = known.stretches(calendar).last(where: { $0.start <= moment }) else {
            return .zero(currency)
        }
        var value = MonthlyValue(try values(of: stretch, subscription, on: moment.date))
        let months = subscription.termMonths(at: moment)
        for discount in stretch.plan.discounts where stretch.fulfils(discount, term: months) {
            try value.cut(discount.percent) { $0.interval == stretch.plan.interval }
        }
        for use in coupons where use.date <= moment.date && use.isFor(subscription) {
            guard case (.percent(let percent), .forever) = (use.coupon.benefit, use.coupon.duration) else { continue }
            try value.cut(percent) { use.coupon.appliesTo.isEmpty || use.coupon.appliesTo.contains($0.code) }
        }
        return try Money.sum(value.parts.map(\.amount), in: currency)
    }

    private func values(
        of stretch: Stretch, _ subscription: Subscription, on date: LocalDate
    ) throws(MoneyFault) -> [MonthlyValue.Part] {
        var parts: [MonthlyValue.Part] = []
        for (rank, sold) in stretch.prices.enumerated() where sold.model.isForTime {
            let interval = stretch.interval(of: sold)
            let cycle = stretch.anchor.boundary(stretch.anchor.index(of: date, every: interval), every: interval)
            let plan = rank < stretch.plan.prices.count ? stretch.plan.code : nil
            let price = price(sold, of: plan, to: subscription, on: cycle)
            let exact = try price.monthlyValue(of: stretch.quantities, every: interval, in: currency)
            parts.append(
                MonthlyValue.Part(
                    code: price.code, interval: interval,
                    amount: try Money.rounding(minorUnits: exact, in: currency)))
        }
        return parts
    }

    /// The monthly value at the end of each month, by its first day in the seller's zone, from that of the first
    /// subscription to that of `instant`, which counts as it stands then. Throws `overflow`.
    public func monthlyValues(through instant: Instant) throws(MoneyFault) -> [LocalDate: Money] {
        guard let first = subscriptions.compactMap(\.history.first?.at).min() else { return [:] }
        var totals: [LocalDate: Money] = [:]
        var month = sellerZone.localDate(of: first).firstOfMonth
        while month <= sellerZone.localDate(of: instant) {
            let next = month.nextMonth
            // What happens at the midnight between two months belongs to the later one.
            let last = Instant(microseconds: sellerZone.instant(of: next).microseconds - 1)
            totals[month] = try monthlyValue(at: min(last, instant))
            month = next
        }
        return totals
    }
}

/// The prices of a subscription by the month, and what discounts leave of them.
private struct MonthlyValue {
    struct Part {
        let code: String
        let interval: BillingInterval
        var amount: Money
    }

    private(set) var parts: [Part]

    init(_ parts: [Part]) { self.parts = parts }

    /// Takes a percentage off all those together, as an invoice does: one rounding, split by largest remainder.
    mutating func cut(_ percent: Rational, where isCut: (Part) -> Bool) throws(MoneyFault) {
        let places = parts.indices.filter { isCut(parts[$0]) && parts[$0].amount.isPositive }
        guard let currency = places.first.map({ parts[$0].amount.currency }) else { return }
        let amounts = places.map { parts[$0].amount }
        let cut = try Explanation.percentOff(percent, of: Money.sum(amounts, in: currency), use: nil).evaluate()
        let shares = try cut.split(by: amounts.map { Rational($0.minorUnits) })
        for (place, share) in zip(places, shares) { parts[place].amount = try parts[place].amount + share }
    }
}

extension Plan {
    /// What a month comes to of what is not metered, before any discount, exact and in minor units. A unit that is not
    /// named counts 1. Throws `overflow`.
    public func monthlyValue(addOns: [Price] = [], quantities: [String: Rational]) throws(MoneyFault) -> Rational {
        var total = Rational.zero
        for price in prices + addOns {
            total = try total + price.monthlyValue(of: quantities, every: interval(of: price), in: currency)
        }
        return total
    }
}

extension Price {
    /// Of its whole cycle, in minor units; nothing for usage and for what is billed once.
    fileprivate func monthlyValue(
        of quantities: [String: Rational], every interval: BillingInterval, in currency: Currency
    ) throws(MoneyFault) -> Rational {
        guard model.isForTime else { return .zero }
        let quantity = model.unit.map { quantities[$0] ?? .one } ?? .one
        return try model.cost(of: quantity, in: currency) * interval.perMonth
    }
}

extension BillingInterval {
    /// How many of it a month has: a year has 12 months, 52 weeks or 365 days.
    var perMonth: Rational {
        get throws(MoneyFault) {
            switch self {
            case .months(let count): try Rational(1, over: Int128(count))
            case .weeks(let count): try Rational(52, over: Int128(12 * count))
            case .days(let count): try Rational(365, over: Int128(12 * count))
            }
        }
    }
}

extension Subscription {
    /// Where it stood then; `nil` before it was taken.
    func state(at instant: Instant) -> SubscriptionState? { history.last { $0.at <= instant }?.to }
}

extension CouponUse {
    fileprivate func isFor(_ subscription: Subscription) -> Bool {
        self.subscription == nil || self.subscription == subscription.code
    }
}
