internal import Billing
public import Dates
internal import Money

/// What fell due before an operation and was not looked at in time comes before it, as if it had been.
extension Account {
    /// Operations come before what falls due at their own instant.
    private static func last(before instant: Instant) -> Instant { Instant(microseconds: instant.microseconds - 1) }

    /// Moves it on to what was due before that instant, and returns whether an invoice was, to be given by `issueLate`.
    /// What cannot be worked out, or what a brake holds, is left as it is: that is for the job that says so.
    public mutating func catchUp(before instant: Instant) -> Bool {
        let last = Self.last(before: instant)
        var moved = self
        do { try moved.advance(to: last) } catch { return false }
        self = moved
        do {
            guard case .issue = try moved.decideBilling(at: last) else { return false }
        } catch { return false }
        self = moved
        return true
    }

    /// Issues the invoice that was due before that instant.
    public mutating func issueLate(before instant: Instant, number: String) throws {
        try issueDecided(at: Self.last(before: instant)) { _ in number }
    }
}
