public import Dates

/// What the passing of days does to one subscription, and when somebody must look again.
public enum Renewal {
    public struct Decision: Hashable, Sendable {
        /// The subscription as it stands after the moves.
        public let subscription: Subscription
        /// In order, each with the day on which it fell due.
        public let moves: [DatedMove]
        /// Whether a line fell due after the last look and no later than today.
        public let isBilled: Bool
        /// The first day after today on which this decision can come out differently without anyone doing anything;
        /// `nil` if there is none. Keeping this one date per subscription is enough to find what is due.
        public let nextActionOn: LocalDate?
    }

    public struct DatedMove: Hashable, Sendable {
        public let move: Move<SubscriptionState>
        public let date: LocalDate
    }

    /// Decides for the customer's local `today`. `since` is the day of the last look, `nil` if there was none.
    /// Throws `IllegalTransition` if the subscription's end has a cause that its state does not allow.
    public static func decide(
        for subscription: Subscription, plan: Plan, today: LocalDate, since: LocalDate?, hasPaymentMethod: Bool
    ) throws(IllegalTransition) -> Decision {
        var subscription = subscription
        var moves: [DatedMove] = []
        while let next = step(of: subscription, hasPaymentMethod: hasPaymentMethod), next.date <= today {
            let move = try subscription.state.moving(to: next.state, because: next.cause)
            moves.append(DatedMove(move: move, date: next.date))
            subscription.state = next.state
            if next.state.hasEnded { subscription.end = Subscription.End(next.date, next.cause) }
        }
        let isBilled = plan.prices.contains { price in
            let from = since.map { $0.adding(days: 1) } ?? .earliest
            return dueDate(of: price, subscription, plan: plan, from: from).map { $0 <= today } ?? false
        }
        return Decision(
            subscription: subscription, moves: moves, isBilled: isBilled,
            nextActionOn: nextAction(for: subscription, plan: plan, after: today, hasPaymentMethod: hasPaymentMethod))
    }

    /// The next move that time alone brings. On one day the end comes before the trial's: what was cancelled in its
    /// trial never becomes active.
    private static func step(
        of subscription: Subscription, hasPaymentMethod: Bool
    ) -> (state: SubscriptionState, cause: SubscriptionState.Cause, date: LocalDate)? {
        let state = subscription.state
        if state.hasEnded { return nil }
        if state == .scheduled {
            if let end = subscription.end, end.date <= subscription.start { return (.cancelled, .cancelled, end.date) }
            let hasTrial = subscription.firstBilledDay > subscription.start
            return (hasTrial ? .trialing : .active, .started, subscription.start)
        }
        let trialEnd = state == .trialing ? subscription.firstBilledDay : nil
        if let end = subscription.end, end.date <= trialEnd ?? end.date {
            return (end.cause == .termEnded ? .expired : .cancelled, end.cause, end.date)
        }
        guard let trialEnd else { return nil }
        return hasPaymentMethod ? (.active, .trialEnded, trialEnd) : (.expired, .trialUnpaid, trialEnd)
    }

    private static func nextAction(
        for subscription: Subscription, plan: Plan, after today: LocalDate, hasPaymentMethod: Bool
    ) -> LocalDate? {
        var dates = plan.prices.compactMap {
            dueDate(of: $0, subscription, plan: plan, from: today.adding(days: 1))
        }
        if let next = step(of: subscription, hasPaymentMethod: hasPaymentMethod) { dates.append(next.date) }
        return dates.min()
    }

    /// The first day from `from` on, on which a line of that price falls due while the subscription stands as it does.
    private static func dueDate(
        of price: Price, _ subscription: Subscription, plan: Plan, from: LocalDate
    ) -> LocalDate? {
        guard subscription.state != .scheduled, subscription.state != .trialing else { return nil }
        // In arrears the window that ends on `from` is due then, and it is the one before that of `from`.
        let windows = subscription.cycles(of: price, in: plan).windows(from: from.adding(days: -1))
        for window in windows {
            if let blocked = subscription.blockedFrom, window.period.start >= blocked { return nil }
            let due = price.dueDate(of: window.period)
            if due >= from { return due }
        }
        return nil
    }
}
