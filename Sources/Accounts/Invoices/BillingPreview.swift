public import Dates
public import Money

/// What an account would be invoiced for by an instant if nothing but time happens to it: found out by doing it to a
/// copy.
public struct BillingPreview: Hashable, Sendable {
    public struct Issue: Hashable, Sendable {
        /// Local to the customer.
        public let date: LocalDate
        public let draft: DraftInvoice
        /// What was invoiced in the period before; `nil`: nothing.
        public let before: Money?
    }

    /// In the order in which they would be issued.
    public internal(set) var issues: [Issue] = []
    /// What stops it there.
    public internal(set) var parking: Parking?
}

extension Account {
    /// `now` is the present; what falls due after `end` is left out. Throws what cannot be worked out.
    public func preview(from now: Instant, until end: Instant) throws -> BillingPreview {
        var account = self
        var preview = BillingPreview()
        var instant = now
        while true {
            try account.advance(to: instant)
            loop: while true {
                switch try account.decideBilling(at: instant) {
                case .nothing: break loop
                case .hold(let parking):
                    preview.parking = parking
                    return preview
                case .issue(let draft):
                    let date = account.calendar.date(of: instant)
                    let before = try account.invoicedBefore(draft, at: date)
                    preview.issues.append(BillingPreview.Issue(date: date, draft: draft, before: before))
                    let number = account.nextNumber
                    try account.issueDecided(draft, at: instant) { _ in number }
                }
            }
            guard let next = try account.nextDue(after: instant), next <= end else { return preview }
            instant = next
        }
    }
}
