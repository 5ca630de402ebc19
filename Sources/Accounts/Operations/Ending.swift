internal import Billing
internal import Dates
internal import Money

extension Account {
    mutating func cancel(
        _ code: String, _ when: Operation.When?, _ unused: Operation.Unused, reason: String?, comment: String?,
        at instant: Instant
    ) throws {
        let index = try index(of: code)
        let subscription = subscriptions[index]
        guard !subscription.state.hasEnded else {
            throw OperationFault(
                .illegalTransition, "subscription \(code) is \(subscription.state.rawValue) already")
        }
        try note(
            Cancellation(
                at: instant, reason: reason, comment: comment,
                monthlyValue: try monthlyValue(of: subscription, at: instant)), of: index)
        write(.subscriptionCancelled, about: code, at: instant)
        let runs = subscription.state == .trialing || subscription.state.isBilled
        let kind = PendingChange.Kind.cancel(unused, reason: reason)
        subscriptions[index].pending.removeAll { $0.isReplaced(by: kind) }
        if when != .now, runs {
            let date = subscription.periodEnd(after: calendar.date(of: instant), calendar)
            subscriptions[index].pending.append(PendingChange(kind, on: date))
        } else {
            try end(index, .cancelled, because: .cancelled, givesBack: unused != .none, at: instant, isInDay: true)
            if unused == .refund { refundsUnused = true }
        }
    }

    /// Ends a subscription at an instant: from its day on nothing is billed.
    mutating func end(
        _ index: Int, _ state: SubscriptionState, because cause: SubscriptionState.Cause, givesBack: Bool,
        at instant: Instant, isInDay: Bool = false
    ) throws {
        let date = calendar.date(of: instant)
        try move(index, to: state, because: cause, at: instant)
        subscriptions[index].changes.append(
            Change(
                .end(givesBack: givesBack), effective: isInDay ? calendar.moment(instant) : calendar.moment(date),
                recorded: instant))
        subscriptions[index].end = Subscription.End(date: date)
        subscriptions[index].pending = []
        subscriptions[index].term = nil
    }

    mutating func pause(_ code: String, at instant: Instant) throws {
        let index = try index(of: code)
        try move(index, to: .paused, because: .paused, at: instant)
        subscriptions[index].changes.append(
            Change(.block(givesBack: true), effective: calendar.moment(instant), recorded: instant))
    }

    /// Ends a pause, and withdraws a cancellation that has not acted yet.
    mutating func resume(_ code: String, at instant: Instant) throws {
        let index = try index(of: code)
        let isPaused = subscriptions[index].state == .paused
        let cancels = subscriptions[index].isAboutToEnd
        guard isPaused || cancels else {
            throw OperationFault(.illegalTransition, "subscription \(code) is neither paused nor about to end")
        }
        if cancels { withdrawCancellation(of: index, at: instant, tookOffer: false) }
        guard isPaused else { return }
        try move(index, to: .active, because: .resumed, at: instant)
        subscriptions[index].changes.append(Change(.unblock, effective: calendar.moment(instant), recorded: instant))
    }
}
