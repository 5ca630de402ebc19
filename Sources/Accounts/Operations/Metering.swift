internal import Billing
internal import Dates
internal import Money

extension Account {
    /// Counts a usage event, once by its id. Throws `quota_exceeded` if it would pass a hard limit.
    mutating func count(_ event: UsageEvent, at instant: Instant) throws {
        guard !usage.contains(where: { $0.event.id == event.id }) else { return }
        guard catalogue.metrics.contains(where: { $0.code == event.metric }) else {
            throw OperationFault(.notFound, "there is no metric \(event.metric)")
        }
        let time = event.time ?? instant
        let counted = CountedUsage(event: event, time: time, date: calendar.date(of: time))
        var after = self
        after.usage.append(counted)
        var reached: Mail.Template?
        for subscription in subscriptions where !subscription.state.hasEnded && subscription.state != .scheduled {
            for limit in subscription.plan.limits where limit.subject == event.metric {
                guard let period = subscription.limitPeriod(at: counted.date, calendar) else { continue }
                let used = try after.used(event.metric, in: period)
                if limit.isHard, used > Rational(limit.maximum) {
                    throw OperationFault(
                        .quotaExceeded, "plan \(subscription.plan.code) allows \(limit.maximum) of \(event.metric)")
                }
                let before = try Threshold.reached(by: self.used(event.metric, in: period), of: limit)
                guard let now = try Threshold.reached(by: used, of: limit), now > before ?? .none else { continue }
                if after.alerts.insert("\(subscription.code)/\(event.metric)/\(period.start)/\(now)").inserted {
                    reached = now.template
                }
            }
        }
        self = after
        if let reached { write(reached, about: event.metric, at: instant) }
    }

    private func used(_ metric: String, in period: Period) throws(MoneyFault) -> Rational {
        try meters.quantity(of: metric, in: period, until: nil, cycle: period, for: 0).quantity
    }
}

/// How near a limit usage has come.
private enum Threshold: Int, Comparable {
    case none = 0, eighty = 80, ninety = 90, full = 100

    static func reached(by used: Rational, of limit: Limit) throws(MoneyFault) -> Threshold? {
        let percent = try used * 100
        for threshold in [Threshold.full, .ninety, .eighty]
        where try percent >= Rational(limit.maximum) * Rational(threshold.rawValue) { return threshold }
        return nil
    }

    var template: Mail.Template? {
        switch self {
        case .none: nil
        case .eighty: .usage80
        case .ninety: .usage90
        case .full: .usage100
        }
    }

    static func < (left: Threshold, right: Threshold) -> Bool { left.rawValue < right.rawValue }
}

extension Subscription {
    /// The period in which usage counts against a limit: the plan's cycle, or the trial.
    fileprivate func limitPeriod(at date: LocalDate, _ calendar: BillingCalendar) -> Period? {
        if trialEnd != nil, date < firstBilledDay { return Period(checking: start, firstBilledDay) }
        return cycle(at: date, calendar).map { $0.stretch.anchor.cycle($0.index, every: $0.stretch.plan.interval) }
    }
}
