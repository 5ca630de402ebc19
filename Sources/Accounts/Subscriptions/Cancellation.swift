public import Billing
public import Dates
public import Money

/// That somebody asked for a subscription to be cancelled: why, what is lost with it, and whether it was withdrawn.
public struct Cancellation: Hashable, Sendable {
    public let at: Instant
    /// The code of why.
    public let reason: String?
    /// What else whoever goes had to say.
    public let comment: String?
    /// What a month of it came to then.
    public let monthlyValue: Money
    /// When it was withdrawn, before it acted.
    public internal(set) var withdrawnAt: Instant?
    /// Whether it was withdrawn for the coupon that was offered.
    public internal(set) var tookOffer: Bool

    public init(
        at: Instant, reason: String?, comment: String?, monthlyValue: Money, withdrawnAt: Instant? = nil,
        tookOffer: Bool = false
    ) {
        self.at = at
        self.reason = reason
        self.comment = comment
        self.monthlyValue = monthlyValue
        self.withdrawnAt = withdrawnAt
        self.tookOffer = tookOffer
    }
}

extension Subscription {
    /// Whether a cancellation waits for the end of a period.
    public var isAboutToEnd: Bool { pending.contains { if case .cancel = $0.kind { true } else { false } } }
}

extension Account {
    /// The coupon that is offered to whoever cancels that subscription; `nil` if there is none to be had, or it was taken
    /// once before. How often it was handed in by others is asked when it is taken.
    public func retentionOffer(for code: String, at instant: Instant) -> Coupon? {
        guard let subscription = subscriptions.first(where: { $0.code == code }),
            !subscription.cancellations.contains(where: \.tookOffer),
            let offer = catalogue[plan: subscription.plan.code]?.retentionOffer ?? settings.retention.offer,
            let coupon = catalogue[coupon: offer]
        else { return nil }
        let today = calendar.date(of: instant)
        return coupon.expires.map { $0 > today } ?? true ? coupon : nil
    }

    /// Hands in the coupon that is offered, and withdraws the cancellation.
    mutating func acceptOffer(
        of code: String, _ coupon: String, at instant: Instant, _ surroundings: Surroundings
    ) throws(OperationFault) {
        let index = try index(of: code)
        guard subscriptions[index].isAboutToEnd else {
            throw OperationFault(.illegalTransition, "subscription \(code) is not about to end")
        }
        guard retentionOffer(for: code, at: instant)?.code == coupon else {
            throw OperationFault(.notFound, "no coupon \(coupon) is offered for subscription \(code)")
        }
        try use(coupon, for: code, at: instant, surroundings)
        withdrawCancellation(of: index, at: instant, tookOffer: true)
    }

    mutating func withdrawCancellation(of index: Int, at instant: Instant, tookOffer: Bool) {
        subscriptions[index].pending.removeAll { if case .cancel = $0.kind { true } else { false } }
        guard let last = subscriptions[index].cancellations.indices.last else { return }
        subscriptions[index].cancellations[last].withdrawnAt = instant
        subscriptions[index].cancellations[last].tookOffer = tookOffer
    }

    /// Writes down that it was asked for, in place of one that still waits. Throws `not_found` for a reason that the
    /// seller does not know.
    mutating func note(_ cancellation: Cancellation, of index: Int) throws(OperationFault) {
        let reasons = settings.retention.reasons
        if let reason = cancellation.reason, !reasons.isEmpty, !reasons.contains(reason) {
            throw OperationFault(
                .notFound, "there is no reason \(reason); there are \(reasons.joined(separator: ", "))")
        }
        if subscriptions[index].isAboutToEnd { _ = subscriptions[index].cancellations.popLast() }
        subscriptions[index].cancellations.append(cancellation)
    }
}
