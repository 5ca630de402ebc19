internal import Billing
public import Dates
internal import Money

/// What fell due before an operation and was not looked at in time comes before it, as if it had been.
extension Account {
    /// Operations come before what falls due at their own instant.
    private static func last(before instant: Instant) -> Instant { Instant(microseconds: instant.microseconds - 1) }

    /// Moves it on to what was due before that instant, and returns the invoice that was, to be issued by `issueLate`.
    /// What cannot be worked out, or what a brake holds, is left as it is: that is for the job that says so.
    public mutating func catchUp(before instant: Instant) -> DraftInvoice? {
        let last = Self.last(before: instant)
        var moved = self
        do { try moved.advance(to: last) } catch { return nil }
        self = moved
        do {
            guard case .issue(let draft) = try moved.decideBilling(at: last) else { return nil }
            self = moved
            return draft
        } catch { return nil }
    }

    /// Issues the invoice that was due before that instant.
    public mutating func issueLate(_ draft: DraftInvoice, before instant: Instant, number: String) throws {
        try issueDecided(draft, at: Self.last(before: instant)) { _ in number }
    }
}
