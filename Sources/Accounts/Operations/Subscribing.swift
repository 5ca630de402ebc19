internal import Billing
internal import Dates
internal import Money

extension Account {
    mutating func subscribe(
        _ request: Operation.Subscribe, at instant: Instant, _ surroundings: Surroundings
    ) throws {
        guard !surroundings.takenCodes.contains(request.code),
            !subscriptions.contains(where: { $0.code == request.code })
        else { throw OperationFault(.duplicate, "there is a subscription \(request.code) already") }
        let today = calendar.date(of: instant)
        let start = request.start ?? today
        let plan = try sold(try self.plan(request.plan, soldOn: start), on: start, at: request.prices)
        try checkUnits(request.quantities, of: plan)
        var surroundings = surroundings
        for coupon in request.coupons {
            try use(coupon, for: request.code, from: min(start, today), at: instant, surroundings)
            surroundings.redemptions[coupon, default: 0] += 1
        }
        let trialDays = (request.trialDays ?? plan.trialDays) + extraTrialDays(of: request.code)
        let trialEnd = trialDays > 0 ? start.adding(days: trialDays) : nil
        if let trialEnd, trialEnd > today { try checkTrialUnits(request.quantities, of: plan) }
        let moment = start == today ? calendar.moment(instant) : calendar.moment(start)
        let changes =
            [Change(.plan(plan), effective: moment, recorded: instant)]
            + request.quantities.sorted { $0.key < $1.key }.map {
                Change(.quantity(unit: $0.key, $0.value), effective: moment, recorded: instant)
            }
        let state: SubscriptionState =
            start > today ? .scheduled : trialEnd.map { $0 > today } ?? false ? .trialing : .active
        subscriptions.append(
            Subscription(
                code: request.code, ordinal: subscriptions.count, start: start,
                billingDay: request.billingDay ?? (request.align == .calendar ? nil : billingDay),
                align: request.align, trialEnd: trialEnd, state: state,
                history: [Subscription.Transition(at: instant, to: state, cause: .started)], changes: changes,
                pending: [],
                term: request.term.map {
                    Subscription.Term(
                        months: $0.months, renews: $0.renews, end: (trialEnd ?? start).adding(months: $0.months))
                }, soldMonths: request.term?.months, plan: plan, dealPrices: Set(request.prices.keys), end: nil))
    }

    /// The plan at the prices at which it is sold that day, or at those agreed, in major units.
    private func sold(_ plan: Plan, on date: LocalDate, at deal: [String: Rational]) throws -> Plan {
        var prices = plan.prices(on: date)
        for (code, amount) in deal.sorted(by: { $0.key < $1.key }) {
            guard let index = prices.firstIndex(where: { $0.code == code }) else {
                throw OperationFault(.notFound, "plan \(plan.code) has no price \(code)")
            }
            prices[index] = try prices[index].costing(amount * Rational(currency.minorUnitsPerMajor), in: currency)
        }
        return plan.with(prices).asSold
    }

    func sold(_ plan: Plan, on date: LocalDate) -> Plan { plan.with(plan.prices(on: date)).asSold }

    /// The plan, if it is sold to others on that day. Throws `not_found`.
    func plan(_ code: String, soldOn date: LocalDate) throws(OperationFault) -> Plan {
        let plan = try plan(code)
        if let retired = plan.retiredFrom, retired <= date {
            throw OperationFault(
                .notFound, "plan \(code) is not sold any more since \(retired); who has it keeps it")
        }
        return plan
    }

    /// Throws `quota_exceeded` where a quantity passes a hard limit.
    func checkUnits(_ quantities: [String: Rational], of plan: Plan) throws(OperationFault) {
        for limit in plan.limits where limit.isHard {
            guard let quantity = quantities[limit.subject], quantity > Rational(limit.maximum) else { continue }
            throw OperationFault(
                .quotaExceeded, "plan \(plan.code) allows \(limit.maximum) of \(limit.subject), not \(quantity)")
        }
    }

    /// Throws `quota_exceeded` where a quantity passes a limit of the trial.
    func checkTrialUnits(_ quantities: [String: Rational], of plan: Plan) throws(OperationFault) {
        for limit in plan.trialLimits {
            guard let quantity = quantities[limit.subject], quantity > Rational(limit.maximum) else { continue }
            throw OperationFault(
                .quotaExceeded,
                "the trial of plan \(plan.code) allows \(limit.maximum) of \(limit.subject), not \(quantity)")
        }
    }

    mutating func use(
        _ code: String, for subscription: String?, from start: LocalDate? = nil, at instant: Instant,
        _ surroundings: Surroundings
    ) throws(OperationFault) {
        guard let coupon = catalogue.coupons.first(where: { $0.code == code }) else {
            throw OperationFault(.notFound, "there is no coupon \(code)")
        }
        let date = calendar.date(of: instant)
        if let expires = coupon.expires, expires <= date {
            throw OperationFault(.couponExpired, "coupon \(code) was taken until \(expires.adding(days: -1))")
        }
        if let limit = coupon.limit, (surroundings.redemptions[code] ?? 0) >= limit {
            throw OperationFault(.couponExhausted, "coupon \(code) has been handed in \(limit) times")
        }
        if case .trialDays(let days) = coupon.benefit, let subscription,
            let index = subscriptions.firstIndex(where: { $0.code == subscription }),
            [.scheduled, .trialing].contains(subscriptions[index].state)
        {
            subscriptions[index].extendTrial(by: days)
        }
        coupons.append(
            CouponUse(ordinal: coupons.count, coupon: coupon, subscription: subscription, date: start ?? date))
    }

    private func extraTrialDays(of code: String) -> Int {
        coupons.filter { $0.subscription == code }.reduce(0) { days, use in
            if case .trialDays(let more) = use.coupon.benefit { days + more } else { days }
        }
    }

    mutating func extendTrial(of code: String, by days: Int) throws(OperationFault) {
        let index = try index(of: code)
        guard subscriptions[index].state == .trialing else {
            throw OperationFault(.illegalTransition, "subscription \(code) is not in a trial")
        }
        subscriptions[index].extendTrial(by: days)
    }
}

extension Subscription {
    mutating func extendTrial(by days: Int) {
        guard let end = trialEnd else { return }
        let later = end.adding(days: days)
        trialEnd = later
        pending = pending.map { $0.date == end ? PendingChange($0.kind, on: later) : $0 }
        term = term.map { Term(months: $0.months, renews: $0.renews, end: later.adding(months: $0.months)) }
    }
}

extension Price {
    /// The price at another amount of minor units: of a flat or one-time price, else of a unit or package.
    func costing(_ amount: Rational, in currency: Currency) throws -> Price {
        let model: PriceModel =
            switch model {
            case .flat: .flat(amount: try Money.rounding(minorUnits: amount, in: currency))
            case .oneTime: .oneTime(amount: try Money.rounding(minorUnits: amount, in: currency))
            case .perUnit(let unit, _, let included): .perUnit(unit: unit, amount: amount, included: included)
            case .usage(let metric, _, let included): .usage(metric: metric, amount: amount, included: included)
            case .package(let counted, let size, _, let included):
                .package(counted, size: size, amount: amount, included: included)
            case .graduated, .volume, .percentage:
                throw OperationFault(.notFound, "price \(code) has no single amount that could be agreed")
            }
        return Price(
            code: code, model: model, timing: timing, interval: interval, effectiveFrom: effectiveFrom,
            movesExistingFrom: nil)
    }
}
