internal import Billing
internal import Dates
internal import Money

/// A line that ought to be there and is not.
struct Candidate {
    let line: InvoiceLine
    /// Its subscription's place among the customer's.
    let subscription: Int
    /// Its price's place in the plan; for a credit, also the line that it gives back.
    let rank: (price: Int, invoice: Int, line: Int)
    /// Whether it comes along with whatever invoice is next, and makes none by itself but on a billing date.
    let wait: Wait

    enum Wait: Hashable {
        case no
        case late
        /// Since the instant of the change that brought it: the invoice of that day does not come again.
        case since(Instant)
    }

    func precedes(_ other: Candidate) -> Bool {
        if line.kind != other.line.kind { return line.kind.order < other.line.kind.order }
        if subscription != other.subscription { return subscription < other.subscription }
        if line.span?.start != other.line.span?.start, let mine = line.span, let rival = other.line.span {
            return mine.start < rival.start
        }
        return rank < other.rank
    }
}

/// Invoicing is reconciliation: the lines that ought to exist up to a date, less those that do, are what is to be
/// invoiced. Asked twice, it finds nothing the second time.
struct Reconciliation {
    let account: Account
    /// The day up to which lines are due, local to the customer.
    let date: LocalDate

    var calendar: BillingCalendar { account.calendar }
    var currency: Currency { account.currency }

    /// What is to be invoiced, in the order of an invoice.
    func candidates() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        let meters = account.meters
        for subscription in account.subscriptions where subscription.isBillable {
            let stretches = subscription.stretches(calendar)
            let existing = try Existing(of: subscription.code, in: account)
            let time = SubscriptionTime(
                subscription: subscription, stretches: stretches, runs: subscription.runs(stretches),
                ends: subscription.ends, existing: existing, account: account, date: date)
            var lines = try time.credits()
            lines += try time.charges()
            lines += try time.oneTime()
            lines += try time.usage(meters)
            lines += try time.minimums(with: lines)
            found += lines
        }
        return found.filter { !$0.line.amount.isZero }.sorted { $0.precedes($1) }
    }
}

extension Subscription {
    /// Whether a trial is followed by anything is only known when it has ended; what a suspended one owes for time
    /// before waits until everything overdue is paid, or it ends.
    var isBillable: Bool { state != .scheduled && state != .trialing && state != .suspended }
}

extension SubscriptionState {
    /// Whether its cycles go on and fall due; in a pause there is what was used before.
    var hasCycles: Bool { isBilled || self == .paused }
}
