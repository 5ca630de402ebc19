internal import Billing
public import Dates
public import Money

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
            for limit in subscription.limits(on: counted.date) where limit.subject == event.metric {
                guard let period = subscription.limitPeriod(at: counted.date, calendar) else { continue }
                let used = try after.used(event.metric, in: period)
                if limit.isHard, used > Rational(limit.maximum) {
                    throw OperationFault(
                        .quotaExceeded,
                        "\(subscription.isTrial(counted.date) ? "the trial of plan" : "plan") "
                            + "\(subscription.plan.code) allows \(limit.maximum) of \(event.metric)")
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

/// How much of a trial's limit has been used.
public struct TrialUse: Hashable, Sendable {
    /// A metric, or a unit.
    public let subject: String
    public let used: Rational
    public let maximum: Int64

    public init(subject: String, used: Rational, maximum: Int64) {
        self.subject = subject
        self.used = used
        self.maximum = maximum
    }
}

extension Account {
    /// What the limits of a subscription's trial leave; nothing when it is not in one.
    public func trialUses(of subscription: Subscription, at instant: Instant) throws(MoneyFault) -> [TrialUse] {
        guard subscription.state == .trialing,
            let period = subscription.limitPeriod(at: calendar.date(of: instant), calendar)
        else { return [] }
        let granted = Set(subscription.plan.entitlements.map(\.code))
        let metrics = Set(catalogue.metrics.map(\.code))
        var uses: [TrialUse] = []
        for limit in subscription.plan.trialLimits {
            let subject = limit.subject
            var used = subscription.quantities[subject] ?? .one
            if metrics.contains(subject) {
                used = try self.used(subject, in: period)
            } else if granted.contains(subject) {
                continue
            }
            uses.append(TrialUse(subject: subject, used: used, maximum: limit.maximum))
        }
        return uses
    }
}

extension Subscription {
    /// Whether a date lies in its trial.
    fileprivate func isTrial(_ date: LocalDate) -> Bool { trialEnd != nil && date < firstBilledDay }

    /// In the trial its own limits come before the plan's.
    fileprivate func limits(on date: LocalDate) -> [Limit] {
        isTrial(date) ? plan.trialLimits + plan.limits : plan.limits
    }

    /// The period in which usage counts against a limit: the plan's cycle, or the trial.
    fileprivate func limitPeriod(at date: LocalDate, _ calendar: BillingCalendar) -> Period? {
        if isTrial(date) { return Period(checking: start, firstBilledDay) }
        return cycle(at: date, calendar).map { $0.stretch.anchor.cycle($0.index, every: $0.stretch.plan.interval) }
    }
}
