internal import Billing
public import Dates
internal import Money

extension Account {
    /// An invoice is to be charged at once, by the customer's wish, whatever its day and the schedule. What is on its way
    /// already, or cannot be charged, stays as it is; returns whether a charge is wanted now.
    public mutating func collectNow(_ index: Int) throws -> Bool {
        guard invoices.indices.contains(index), invoices[index].state == .open, canCharge,
            try invoices[index].amountDue.isPositive, !hasPendingAttempt(on: index)
        else { return false }
        collectsNow.insert(index)
        return true
    }

    /// An attempt that the customer makes in person, its place; `nil`: nothing is to be paid, or an attempt is on its way.
    public mutating func openAttemptInPerson(on index: Int, at instant: Instant) throws -> Int? {
        guard try collectNow(index) else { return nil }
        return try openAttempt(at: instant, on: index)
    }
}
