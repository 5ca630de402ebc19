internal import Billing
internal import Dates
internal import Money

extension Account {
    mutating func changePlan(
        of code: String, to planCode: String, _ timing: Operation.Timing, effective: LocalDate?, at instant: Instant
    ) throws {
        let index = try changeable(code)
        let subscription = subscriptions[index]
        let next = try plan(planCode)
        try checkUnits(subscription.quantities, of: next)
        if let effective {
            guard effective >= subscription.start, effective <= calendar.date(of: instant) else {
                throw OperationFault(.illegalTransition, "\(effective) is before the start of \(code), or still to come")
            }
            return try change(index, .plan(sold(next, on: effective)), timing, .now, from: effective, at: instant)
        }
        let today = calendar.date(of: instant)
        let offered = sold(next, on: today)
        let rises = try value(of: subscription, plan: offered) >= value(of: subscription)
        let when = timing.when ?? (rises ? .now : .periodEnd)
        let date = when == .now ? today : subscription.periodEnd(after: today, calendar)
        try change(index, .plan(sold(next, on: date)), timing, when, at: instant)
    }

    mutating func changeQuantity(
        of code: String, _ unit: String, to quantity: Rational, _ timing: Operation.Timing, at instant: Instant
    ) throws {
        let index = try changeable(code)
        let subscription = subscriptions[index]
        try checkUnits([unit: quantity], of: subscription.plan)
        var quantities = subscription.quantities
        quantities[unit] = quantity
        let rises = try value(of: subscription, quantities: quantities) >= value(of: subscription)
        try change(
            index, .quantity(unit: unit, quantity), timing, timing.when ?? (rises ? .now : .periodEnd), at: instant)
    }

    mutating func addPrice(
        _ price: Price, to code: String, _ timing: Operation.Timing, at instant: Instant
    ) throws {
        let index = try changeable(code)
        guard !subscriptions[index].priceCodes.contains(price.code) else {
            throw OperationFault(.duplicate, "subscription \(code) has a price \(price.code) already")
        }
        try change(index, .addPrice(price), timing, timing.when ?? .now, at: instant)
    }

    mutating func removePrice(
        _ price: String, from code: String, _ timing: Operation.Timing, at instant: Instant
    ) throws {
        let index = try changeable(code)
        guard subscriptions[index].priceCodes.contains(price) else {
            throw OperationFault(.notFound, "subscription \(code) has no price \(price)")
        }
        try change(index, .removePrice(price), timing, timing.when ?? .periodEnd, at: instant)
    }

    mutating func changeBillingDay(
        of owner: Operation.BillingDayOwner, to day: Int, at instant: Instant
    ) throws {
        switch owner {
        case .subscription(let code):
            try change(try changeable(code), .billingDay(day), Operation.Timing(), .periodEnd, at: instant)
        case .customer:
            billingDay = day
            for index in subscriptions.indices where [.trialing, .active, .pastDue].contains(subscriptions[index].state) {
                try change(index, .billingDay(day), Operation.Timing(), .periodEnd, at: instant)
            }
        }
    }

    /// Makes a change now, from a past day on, or leaves it for the end of the period. In a trial all act at once.
    private mutating func change(
        _ index: Int, _ kind: Change.Kind, _ timing: Operation.Timing, _ when: Operation.When,
        from past: LocalDate? = nil, at instant: Instant
    ) throws {
        let subscription = subscriptions[index]
        subscriptions[index].pending.removeAll { $0.isReplaced(by: .change(kind)) }
        let today = calendar.date(of: instant)
        let actsNow = when == .now || subscription.state == .trialing
        guard actsNow else {
            let date = subscription.periodEnd(after: today, calendar)
            subscriptions[index].pending.append(PendingChange(.change(kind), on: date))
            return
        }
        var moment = past.map { calendar.moment($0) } ?? calendar.moment(instant)
        if timing.invoice == .none, subscription.state != .trialing {
            moment = calendar.moment(subscription.periodEnd(after: today, calendar))
        }
        subscriptions[index].changes.append(
            Change(kind, effective: moment, recorded: instant, waits: timing.invoice == .next))
        if case .plan(let plan) = kind { subscriptions[index].plan = plan }
    }

    /// A whole month of the subscription, undiscounted: as it is, or as it would be.
    private func value(
        of subscription: Subscription, plan: Plan? = nil, quantities: [String: Rational]? = nil
    ) throws -> Rational {
        try (plan ?? subscription.plan).monthlyValue(
            addOns: subscription.addOns, quantities: quantities ?? subscription.quantities)
    }
}

extension Subscription {
    /// Where the present period of its plan ends, or the trial.
    func periodEnd(after date: LocalDate, _ calendar: BillingCalendar) -> LocalDate {
        if state == .trialing, let trialEnd { return trialEnd }
        guard let cycle = cycle(at: date, calendar) else { return date }
        return cycle.stretch.anchor.boundary(cycle.index + 1, every: cycle.stretch.plan.interval)
    }

    /// As of the last change that was made.
    var quantities: [String: Rational] {
        var quantities: [String: Rational] = [:]
        for case .quantity(let unit, let quantity) in changes.map(\.kind) { quantities[unit] = quantity }
        return quantities
    }

    /// As of the last change that was made.
    var addOns: [Price] {
        var addOns: [Price] = []
        for change in changes {
            switch change.kind {
            case .addPrice(let price): addOns = addOns.filter { $0.code != price.code } + [price]
            case .removePrice(let code): addOns.removeAll { $0.code == code }
            default: break
            }
        }
        return addOns
    }

    fileprivate var priceCodes: [String] { plan.prices.map(\.code) + addOns.map(\.code) }
}
