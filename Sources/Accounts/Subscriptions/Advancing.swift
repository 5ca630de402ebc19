internal import Billing
public import Dates
internal import Money

extension Account {
    /// Moves every subscription on to an instant: starts, trial ends, changes that waited for the end of a period,
    /// terms, and the notices that go out before. What falls due with it is not yet invoiced.
    public mutating func advance(to instant: Instant) throws {
        let today = calendar.date(of: instant)
        for index in subscriptions.indices {
            while let step = subscriptions[index].nextStep, step.date <= today {
                try take(step, of: index, at: min(instant, calendar.midnight(step.date)))
            }
            try giveNotice(index, on: today, at: instant)
        }
        if let monthEnd = try monthEnd, monthEnd <= instant { try bookRevenue(at: instant) }
        advancedTo = instant
    }

    private mutating func take(_ step: Subscription.Step, of index: Int, at instant: Instant) throws {
        switch step.kind {
        case .start:
            sellAnew(index)
            let hasTrial = subscriptions[index].trialEnd.map { $0 > step.date } ?? false
            try move(index, to: hasTrial ? .trialing : .active, because: .started, at: instant)
        case .change(let place):
            guard case .change(let kind) = subscriptions[index].pending.remove(at: place).kind else { return }
            try act(kind, on: index, at: instant, step.date)
        case .cancel(let place):
            guard case .cancel(let unused, _) = subscriptions[index].pending[place].kind else { return }
            try end(index, .cancelled, because: .cancelled, givesBack: unused != .none, at: instant)
            if unused == .refund { refundsUnused = true }
        case .trialEnd:
            if arrangement == nil {
                try end(index, .expired, because: .trialUnpaid, givesBack: false, at: instant)
                write(.trialExpired, about: subscriptions[index].code, at: instant)
            } else {
                try move(index, to: .active, because: .trialEnded, at: instant)
            }
        case .termEnd(let term):
            if term.renews {
                subscriptions[index].term = Subscription.Term(
                    months: term.months, renews: true,
                    end: term.end.adding(months: term.months, anchorDay: subscriptions[index].firstBilledDay.day))
            } else {
                try end(index, .expired, because: .termEnded, givesBack: false, at: instant)
            }
        }
    }

    /// The prices of a subscription are those of the day on which it starts, but for what was agreed.
    private mutating func sellAnew(_ index: Int) {
        let subscription = subscriptions[index]
        guard let change = subscription.changes.first, case .plan(let agreed) = change.kind,
            let offered = catalogue[plan: agreed.code]
        else { return }
        let prices = sold(offered, on: subscription.start).prices.map { price in
            guard subscription.isAgreed(price, of: agreed.code) else { return price }
            return agreed.prices.first { $0.code == price.code } ?? price
        }
        let plan = offered.with(prices)
        subscriptions[index].changes[0] = Change(
            .plan(plan), effective: change.effective, recorded: change.recorded, waits: change.waits)
        subscriptions[index].plan = plan
    }

    private mutating func act(_ kind: Change.Kind, on index: Int, at instant: Instant, _ date: LocalDate) throws {
        var kind = kind
        if case .plan(let plan) = kind, let offered = catalogue[plan: plan.code] {
            kind = .plan(sold(offered, on: date))
        }
        subscriptions[index].changes.append(Change(kind, effective: calendar.moment(date), recorded: instant))
        if case .plan(let plan) = kind { subscriptions[index].plan = plan }
    }

    /// Trials are announced three days before they end, terms thirty.
    private mutating func giveNotice(_ index: Int, on today: LocalDate, at instant: Instant) throws {
        let subscription = subscriptions[index]
        for notice in subscription.notices where notice.date <= today && notice.until > today {
            guard subscriptions[index].given.insert(notice.until).inserted else { continue }
            write(notice.template, about: subscription.code, at: instant)
        }
    }

    /// The next instant after `instant` at which something falls due by itself: of the subscriptions, or of a billing
    /// date, or a month of the seller's that is to be booked.
    public func nextDue(after instant: Instant) throws -> Instant? {
        let today = calendar.date(of: instant)
        var dates: [LocalDate] = []
        for subscription in subscriptions {
            if let step = subscription.nextStep { dates.append(step.date) }
            dates += subscription.notices.filter { !subscription.given.contains($0.until) }.map(\.date)
            if !subscription.state.hasEnded {
                dates += boundaries(of: subscription, after: today) + closes(of: subscription)
            }
        }
        let next = dates.filter { $0 > today }.min().map { calendar.midnight($0) }
        // A month that was over before there was anything to book is booked with the one under way.
        let current = sellerZone.localDate(of: instant).firstOfMonth
        let month = try monthEnd.map { max($0, sellerZone.instant(of: current.nextMonth)) }
        return [next, month].compactMap(\.self).filter { $0 > instant }.min()
    }

    private func boundaries(of subscription: Subscription, after date: LocalDate) -> [LocalDate] {
        guard subscription.state.hasCycles, let cycle = subscription.cycle(at: date, calendar) else { return [] }
        return cycle.stretch.intervals.map { interval in
            let index = cycle.stretch.anchor.index(of: date, every: interval)
            return cycle.stretch.anchor.boundary(index + 1, every: interval)
        }
    }
}

extension Account {
    /// When the last cycles close of prices in arrears that a subscription no longer has.
    private func closes(of subscription: Subscription) -> [LocalDate] {
        guard subscription.state.hasCycles else { return [] }
        return subscription.runs(subscription.stretches(calendar)).compactMap { run in
            guard let end = run.end?.date, run.price.isInArrears else { return nil }
            return run.windows(after: end.adding(days: -1), by: end, calendar).last?.closes
        }
    }
}

extension Subscription {
    /// What happens to it next by itself.
    fileprivate struct Step {
        enum Kind {
            case start
            /// The pending change at that place.
            case change(Int)
            case cancel(Int)
            case trialEnd
            case termEnd(Term)
        }

        let date: LocalDate
        let kind: Kind
    }

    fileprivate var nextStep: Step? {
        if state == .scheduled { return Step(date: start, kind: .start) }
        if state.hasEnded { return nil }
        var steps = pending.enumerated().map { place, change in
            if case .cancel = change.kind {
                Step(date: change.date, kind: .cancel(place))
            } else {
                Step(date: change.date, kind: .change(place))
            }
        }
        if state == .trialing, let trialEnd { steps.append(Step(date: trialEnd, kind: .trialEnd)) }
        if let term { steps.append(Step(date: term.end, kind: .termEnd(term))) }
        return steps.min { ($0.date, $0.kind.order) < ($1.date, $1.kind.order) }
    }

    /// What is told before it happens.
    fileprivate var notices: [(template: Mail.Template, date: LocalDate, until: LocalDate)] {
        if state.hasEnded || state == .scheduled { return [] }
        var notices: [(template: Mail.Template, date: LocalDate, until: LocalDate)] = []
        if state == .trialing, let trialEnd {
            notices.append((.trialEnding, trialEnd.adding(days: -3), trialEnd))
        }
        if let term { notices.append((.renewalReminder, term.end.adding(days: -30), term.end)) }
        return notices.filter { $0.date > start }
    }
}

extension Subscription.Step.Kind {
    /// At one instant a cancellation goes before what would follow, and a trial's end after what waited for it.
    fileprivate var order: Int {
        switch self {
        case .start: 0
        case .change: 1
        case .cancel: 2
        case .trialEnd: 3
        case .termEnd: 4
        }
    }
}
