public import Billing
public import Dates
internal import Ledger
internal import Money

/// An ended subscription that begins anew if the charge for it succeeds.
public struct Reactivation: Hashable, Sendable {
    public let subscription: String
    public let at: Instant
    /// The invoice on which it hangs, once that is issued.
    public internal(set) var invoice: Int?

    public init(subscription: String, at: Instant, invoice: Int? = nil) {
        self.subscription = subscription
        self.at = at
        self.invoice = invoice
    }
}

extension Account {
    /// Begins an ended subscription anew that day, if what it costs can be charged; charges what a suspended one owes.
    mutating func reactivate(_ code: String, at instant: Instant) throws {
        let index = try index(of: code)
        let state = subscriptions[index].state
        guard reactivation == nil, state.hasEnded || state == .suspended || state == .pastDue else {
            throw OperationFault(.illegalTransition, "subscription \(code) is \(state.rawValue)")
        }
        guard arrangement != nil else {
            throw OperationFault(.paymentFailed, "customer \(self.code) has nothing to pay with")
        }
        try collectOverdue()
        if state.hasEnded {
            subscriptions[index].changes.append(
                Change(.restart, effective: calendar.moment(instant), recorded: instant))
            reactivation = Reactivation(subscription: code, at: instant)
        }
    }

    /// Has what is overdue charged at once, whatever the schedule says.
    mutating func collectOverdue() throws {
        for index in invoices.indices where invoices[index].state == .open && invoices[index].dunning != nil {
            invoices[index].dunning?.retries = true
            collectsNow.insert(index)
        }
    }

    /// Issues what a reactivation costs and returns whether there is something to charge at once; without, it is done.
    /// `draft`: what that is, if it has been worked out.
    public mutating func invoiceReactivation(
        _ draft: DraftInvoice? = nil, number: (InvoiceNumbering) throws -> String
    ) throws -> Bool {
        guard let pending = reactivation, pending.invoice == nil else { return false }
        let count = invoices.count
        if let draft = try draft ?? self.draft(at: pending.at) {
            try issueDue(draft, at: pending.at, number: number)
        } else {
            refundsUnused = false
        }
        guard invoices.count > count, invoices[count].state == .open, canCharge,
            invoices[count].due <= invoices[count].date
        else {
            try complete(pending, at: pending.at)
            return false
        }
        reactivation?.invoice = count
        return true
    }

    mutating func confirmReactivation(with invoice: Int, at instant: Instant) throws {
        guard let pending = reactivation, pending.invoice == invoice else { return }
        try complete(pending, at: instant)
    }

    private mutating func complete(_ pending: Reactivation, at instant: Instant) throws {
        reactivation = nil
        let index = try index(of: pending.subscription)
        try move(index, to: .active, because: .reactivated, at: pending.at)
        subscriptions[index].end = nil
        write(.subscriptionRestored, about: pending.subscription, at: instant)
    }

    /// Takes a reactivation back whose charge was declined, its invoice with it. Returns whether there was one.
    mutating func refuseReactivation(with invoice: Int, at instant: Instant) throws -> Bool {
        guard let pending = reactivation, pending.invoice == invoice else { return false }
        withdrawReactivation()
        try void(invoice + 1, at: instant)
        invoices[invoice].isWithdrawn = true
        return true
    }

    /// Leaves an ended subscription as it was.
    public mutating func withdrawReactivation() {
        guard let pending = reactivation else { return }
        reactivation = nil
        for index in subscriptions.indices where subscriptions[index].code == pending.subscription {
            guard let place = subscriptions[index].changes.lastIndex(where: { $0.kind == .restart }) else { continue }
            subscriptions[index].changes.remove(at: place)
        }
    }
}
