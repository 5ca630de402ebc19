internal import Billing
internal import Dates

// Whoever has nothing any more is invited back once, some days after the end, if the seller wants so.
extension Account {
    /// Later than so many days it is left: nobody looked in time, or the seller has only now come to ask for it.
    private static let winBackPatience = 7

    /// The end after which the customer is to be invited back, and when; `nil` if it has something, never had anything,
    /// or lost what it had by not paying.
    private var winBack: (end: LocalDate, code: String, date: LocalDate)? {
        guard let wish = settings.retention.winBack, subscriptions.allSatisfy(\.state.hasEnded) else { return nil }
        var last: (end: LocalDate, subscription: Subscription)?
        for subscription in subscriptions {
            guard let end = subscription.end?.date, end >= last?.end ?? end else { continue }
            last = (end, subscription)
        }
        guard let (end, subscription) = last, subscription.history.last?.cause != .dunningEnded,
            subscription.history.contains(where: { $0.to == .trialing || $0.to == .active })
        else { return nil }
        return (end, subscription.code, end.adding(days: wish.days))
    }

    /// When that is due, if it still is.
    var nextWinBack: LocalDate? { winBack.flatMap { $0.end == invitedSince ? nil : $0.date } }

    mutating func inviteBack(on today: LocalDate, at instant: Instant) {
        guard let (end, code, date) = winBack, end != invitedSince, date <= today else { return }
        invitedSince = end
        if today < date.adding(days: Self.winBackPatience) { write(.winBack, about: code, at: instant) }
    }
}
