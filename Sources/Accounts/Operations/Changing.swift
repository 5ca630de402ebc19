internal import Billing
internal import Dates
internal import Money

extension Account {
    mutating func changePlan(
        of code: String, to planCode: String, _ timing: Operation.Timing, effective: LocalDate?, at instant: Instant
    ) throws {
        let index = try changeable(code)
        let subscription = subscriptions[index]
        let next = try plan(planCode, soldOn: effective ?? calendar.date(of: instant))
        try checkUnits(subscription.quantities, of: next)
        if subscription.state == .trialing { try checkTrialUnits(subscription.quantities, of: next) }
        if let effective {
            guard effective >= subscription.start, effective <= calendar.date(of: instant) else {
                throw OperationFault(
                    .illegalTransition, "\(effective) is before the start of \(code), or still to come")
            }
            return try change(index, .plan(sold(next, on: effective)), timing, .now, from: effective, at: instant)
        }
        let today = calendar.date(of: instant)
        let offered = sold(next, on: today)
        let rises =
            try value(of: offered, subscription, subscription.quantities) >= value(of: subscription, on: today)
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
        if subscription.state == .trialing { try checkTrialUnits([unit: quantity], of: subscription.plan) }
        var quantities = subscription.quantities
        quantities[unit] = quantity
        let today = calendar.date(of: instant)
        let plan = present(subscription, on: today)
        let rises = try value(of: plan, subscription, quantities) >= value(of: subscription, on: today)
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
            let before = billingDay
            billingDay = day
            // What has a day of its own, or follows the calendar, keeps to it.
            let customers = subscriptions.indices.filter {
                subscriptions[$0].align == .anniversary
                    && (subscriptions[$0].billingDay == nil || subscriptions[$0].billingDay == before)
                    && [.trialing, .active, .pastDue].contains(subscriptions[$0].state)
            }
            for index in customers {
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
        // What was changed before without an invoice, and is not billed yet, has been overtaken.
        let now = calendar.moment(instant)
        subscriptions[index].changes.removeAll { $0.effective > now && $0.isReplaced(by: kind) }
        subscriptions[index].changes.append(
            Change(kind, effective: moment, recorded: instant, waits: timing.invoice == .next))
        subscriptions[index].plan = subscriptions[index].lastPlan
    }

    /// A whole month of the subscription as it is, undiscounted.
    private func value(of subscription: Subscription, on date: LocalDate) throws -> Rational {
        try value(of: present(subscription, on: date), subscription, subscription.quantities)
    }

    private func value(
        of plan: Plan, _ subscription: Subscription, _ quantities: [String: Rational]
    ) throws -> Rational {
        try plan.monthlyValue(addOns: subscription.addOns, quantities: quantities)
    }

    /// The plan that a subscription has, at the prices that hold in its present period.
    private func present(_ subscription: Subscription, on date: LocalDate) -> Plan {
        let plan = subscription.plan
        let cycle = subscription.cycle(at: date, calendar)
        let start = cycle.map { $0.stretch.anchor.boundary($0.index, every: $0.stretch.plan.interval) } ?? date
        let codes = Set(subscription.priceCodes)
        return plan.with(
            plan.prices.filter { codes.contains($0.code) }
                .map { price($0, of: plan.code, to: subscription, on: start) })
    }
}

extension Change {
    /// Whether a newer one of that kind takes its place.
    fileprivate func isReplaced(by kind: Kind) -> Bool {
        PendingChange(.change(self.kind), on: effective.date).isReplaced(by: .change(kind))
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

    /// The plan that it has once all changes so far have taken effect.
    fileprivate var lastPlan: Plan {
        var last: (effective: Moment, plan: Plan)?
        for change in changes {
            guard case .plan(let plan) = change.kind, change.effective >= last?.effective ?? change.effective else {
                continue
            }
            last = (change.effective, plan)
        }
        return last?.plan ?? plan
    }

    /// Of the prices that it has, less those that were taken off its plan.
    fileprivate var priceCodes: [String] {
        var codes = plan.prices.map(\.code)
        for change in changes {
            switch change.kind {
            case .plan: codes = plan.prices.map(\.code)
            case .removePrice(let code): codes.removeAll { $0 == code }
            default: break
            }
        }
        return codes + addOns.map(\.code)
    }
}
