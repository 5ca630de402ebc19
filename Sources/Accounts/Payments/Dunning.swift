public import Billing
public import Dates
internal import Ledger
internal import Money

/// What happens to an invoice that could not be collected, from the first failure on.
public struct DunningCase: Hashable, Sendable {
    /// The first failure.
    public let since: Instant
    /// How many days of the schedule have passed.
    public internal(set) var steps: Int
    /// Whether another charge may help.
    public internal(set) var retries: Bool
    /// How long support had it stand.
    public internal(set) var held: Duration
    public internal(set) var extraDays: Int
    /// Whether grace has ended.
    public internal(set) var isOver: Bool

    public init(
        since: Instant, steps: Int = 0, retries: Bool, held: Duration = .zero, extraDays: Int = 0, isOver: Bool = false
    ) {
        self.since = since
        self.steps = steps
        self.retries = retries
        self.held = held
        self.extraDays = extraDays
        self.isOver = isOver
    }
}

extension DunningCase {
    /// When its grace ends by a seller's rules, in the customer's zone.
    public func graceEnd(_ rules: Dunning, in zone: TimeZoneRules) -> Instant {
        zone.sameTime(as: since, days: rules.graceDays + extraDays) + held
    }
}

/// Why a charge failed, as far as it decides what follows.
enum ChargeFailure {
    /// Another try may succeed.
    case soft
    case needsMethod
    case needsAction
    /// A wire did not come.
    case overdue

    init(_ outcome: PaymentAttempt.Outcome) {
        switch outcome {
        case .expiredCard, .lostCard: self = .needsMethod
        case .requiresAction: self = .needsAction
        default: self = .soft
        }
    }

    var notice: Mail.Template {
        switch self {
        case .soft, .overdue: .dunningFriendly
        case .needsMethod: .paymentMethodNeeded
        case .needsAction: .paymentActionRequired
        }
    }
}

extension Account {
    /// What comes next in a case: a try (or its reminder), or the end of grace.
    struct DunningStep {
        let at: Instant
        let isTry: Bool
    }

    func step(of dunning: DunningCase) -> DunningStep? {
        if dunning.steps < settings.dunning.retryDays.count {
            let at = calendar.zone.sameTime(as: dunning.since, days: settings.dunning.retryDays[dunning.steps])
            return DunningStep(at: at + dunning.held, isTry: true)
        }
        return nil
    }

    func graceEnd(of dunning: DunningCase) -> Instant { dunning.graceEnd(settings.dunning, in: calendar.zone) }

    /// A charge failed, or nothing came: the first time the case begins, later the schedule goes on.
    mutating func fail(_ index: Int, _ failure: ChargeFailure, at instant: Instant) throws {
        // A debit may come back when the invoice has been paid otherwise, or is void.
        guard invoices[index].state == .open else { return }
        let number = invoices[index].number
        guard var dunning = invoices[index].dunning else {
            invoices[index].dunning = DunningCase(since: instant, retries: failure == .soft)
            write(failure.notice, about: number, at: instant)
            for place in subscriptions.indices where subscriptions[place].state == .active {
                try move(place, to: .pastDue, because: .paymentFailed, at: instant)
            }
            return
        }
        dunning.retries = failure == .soft
        if let step = step(of: dunning), step.at <= instant {
            write(template(of: dunning.steps), about: number, at: instant)
            dunning.steps += 1
        }
        invoices[index].dunning = dunning
    }

    /// Of the mail that follows a day of the schedule.
    private func template(of step: Int) -> Mail.Template {
        if step == settings.dunning.retryDays.count - 1 { return .dunningFinal }
        return step == 0 ? .dunningFriendly : .dunningUrgent
    }

    /// Wires that did not come by the end of their due date, and the days of a schedule on which nothing is charged.
    public mutating func remind(at instant: Instant) throws {
        let today = calendar.date(of: instant)
        for index in invoices.indices where invoices[index].state == .open {
            guard try invoices[index].amountDue.isPositive, dunningPausedSince == nil else { continue }
            guard let dunning = invoices[index].dunning else {
                if !canCharge, invoices[index].due < today { try fail(index, .overdue, at: instant) }
                continue
            }
            guard !(dunning.retries && canCharge), let step = step(of: dunning), step.at <= instant else { continue }
            write(template(of: dunning.steps), about: invoices[index].number, at: instant)
            invoices[index].dunning?.steps += 1
        }
    }

    /// Grace that has ended: the subscriptions are suspended, or cancelled with what they owe written off.
    public mutating func endGrace(at instant: Instant) throws {
        guard dunningPausedSince == nil else { return }
        for index in invoices.indices {
            guard invoices[index].state == .open, let dunning = invoices[index].dunning, !dunning.isOver,
                graceEnd(of: dunning) <= instant, !hasPendingAttempt(on: index)
            else { continue }
            invoices[index].dunning?.isOver = true
            switch settings.dunning.final {
            case .suspend: try suspend(at: instant)
            case .cancel: try giveUp(at: instant)
            }
        }
    }

    private mutating func suspend(at instant: Instant) throws {
        for place in subscriptions.indices where subscriptions[place].state == .pastDue {
            try move(place, to: .suspended, because: .graceEnded, at: instant)
            subscriptions[place].changes.append(
                Change(.block(givesBack: false), effective: calendar.moment(instant), recorded: instant))
            write(.subscriptionSuspended, about: subscriptions[place].code, at: instant)
        }
    }

    private mutating func giveUp(at instant: Instant) throws {
        for place in subscriptions.indices where subscriptions[place].state == .pastDue {
            try end(place, .cancelled, because: .dunningEnded, givesBack: false, at: instant, isInDay: true)
            write(.subscriptionCancelled, about: subscriptions[place].code, at: instant)
        }
        for index in invoices.indices where invoices[index].state == .open && invoices[index].dunning != nil {
            try writeOff(index + 1, at: instant)
        }
    }

    /// Everything overdue has been paid: what was past due or suspended goes on, billed from that day.
    mutating func restore(at instant: Instant) throws {
        guard !invoices.contains(where: { $0.state == .open && $0.dunning != nil }) else { return }
        for place in subscriptions.indices {
            switch subscriptions[place].state {
            case .pastDue: try move(place, to: .active, because: .paid, at: instant)
            case .suspended:
                try move(place, to: .active, because: .paid, at: instant)
                subscriptions[place].changes.append(
                    Change(.unblock, effective: calendar.moment(instant), recorded: instant))
                write(.subscriptionRestored, about: subscriptions[place].code, at: instant)
            default: break
            }
        }
    }

    mutating func override(_ override: Operation.DunningOverride, at instant: Instant) throws(OperationFault) {
        switch override {
        case .pause:
            guard dunningPausedSince == nil else { throw OperationFault(.illegalTransition, "dunning stands already") }
            dunningPausedSince = instant
        case .resume:
            guard let since = dunningPausedSince else {
                throw OperationFault(.illegalTransition, "dunning does not stand")
            }
            dunningPausedSince = nil
            for index in invoices.indices where invoices[index].state == .open {
                guard let dunning = invoices[index].dunning else { continue }
                invoices[index].dunning?.held += instant - max(since, dunning.since)
            }
        case .extendGrace(let days):
            for index in invoices.indices where invoices[index].state == .open {
                invoices[index].dunning?.extraDays += days
            }
        }
    }

    /// Whether `remind` or `endGrace` has something to do.
    public func isReminderDue(at instant: Instant) throws -> Bool {
        guard invoices.contains(where: { $0.state == .open && ($0.dunning != nil || !canCharge) }) else { return false }
        var after = self
        try after.remind(at: instant)
        try after.endGrace(at: instant)
        return after.invoices != invoices
    }

    /// The next instant after `instant` at which something of the collection falls due.
    public func nextCollection(after instant: Instant) -> Instant? {
        var times: [Instant] = []
        for index in invoices.indices where invoices[index].state == .open && !hasPendingAttempt(on: index) {
            let invoice = invoices[index]
            if let dunning = invoice.dunning {
                guard dunningPausedSince == nil else { continue }
                if let step = step(of: dunning) { times.append(step.at) }
                if !dunning.isOver { times.append(graceEnd(of: dunning)) }
            } else {
                times.append(calendar.midnight(canCharge ? invoice.due : invoice.due.adding(days: 1)))
            }
        }
        return times.filter { $0 > instant }.min()
    }
}

extension TimeZoneRules {
    /// The same local time some days later; a time that is skipped moves on by the gap, a repeated one is its first pass.
    public func sameTime(as instant: Instant, days: Int) -> Instant {
        let local = instant.seconds + Int64(offset(at: instant))
        let date = localDate(of: instant)
        let second = Int(local - Int64(date.daysSinceEpoch) * 86_400)
        let rest = Duration.microseconds(instant.microseconds - instant.seconds * 1_000_000)
        return self.instant(of: date.adding(days: days), hour: second / 3600, minute: second / 60 % 60)
            + .seconds(second % 60) + rest
    }
}
