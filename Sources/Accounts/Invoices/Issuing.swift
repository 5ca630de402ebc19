public import Billing
public import Dates
internal import Ledger
internal import Money

extension Account {
    /// What would be invoiced at that instant; `nil` if nothing is due. Preview and bill are this one path.
    public func draft(at instant: Instant, upTo date: LocalDate? = nil) throws -> DraftInvoice? {
        let date = date ?? calendar.date(of: instant)
        let candidates = try Reconciliation(account: self, date: date).candidates()
        guard candidates.contains(where: { !$0.waits }) || (!candidates.isEmpty && isBillingDate(date)) else {
            return nil
        }
        return try DraftInvoice(candidates.map(\.line), for: self)
    }

    /// Issues what is due under the number that `numbering` gives, which is asked only if there is something.
    /// Returns whether there was.
    public mutating func invoice(
        at instant: Instant, upTo date: LocalDate? = nil, number: (InvoiceNumbering) throws -> String
    ) throws -> Bool {
        defer { refundsUnused = false }
        guard let draft = try draft(at: instant, upTo: date) else { return false }
        try issue(draft, number: number(settings.numbering), at: instant, refundsUnused: refundsUnused)
        return true
    }

    /// The next number of the customer's own series.
    public var nextNumber: String { settings.numbering.number(Int64(invoices.count + 1), customer: code) }

    mutating func issue(
        _ draft: DraftInvoice, number: String, at instant: Instant, refundsUnused: Bool = false
    ) throws {
        let date = calendar.date(of: instant)
        let due = date.adding(days: arrangement?.netDays ?? settings.netDays)
        let zero = Money.zero(currency)
        let index = invoices.count
        invoices.append(
            Invoice(
                number: number, ordinal: index, date: date, due: due, issuedAt: instant, lines: draft.lines,
                subtotal: draft.subtotal, tax: draft.tax, total: draft.total, state: .open, creditApplied: zero,
                paid: zero, noted: zero, refunded: zero, chargedBack: zero, voidedOn: nil))
        if openMonth == nil {
            let date = sellerZone.localDate(of: instant)
            openMonth = date.adding(days: 1 - date.day)
        }
        try book(
            .invoiceIssued, number, at: instant,
            [(.receivable, .deferredRevenue, draft.subtotal), (.receivable, .taxPayable, draft.tax)])
        write(.invoiceIssued, about: number, at: instant)
        try applyCredit(to: index, at: instant)
        try settle(index, at: instant)
        if draft.total.isNegative {
            try giveBack(draft.total.negated(), of: index, refunds: refundsUnused, at: instant)
        }
    }

    /// What an invoice owes the customer becomes credit; if it is to be paid out, the rest of it is, but no more than
    /// was paid.
    private mutating func giveBack(_ amount: Money, of index: Int, refunds: Bool, at instant: Instant) throws {
        let before = credit
        try grantCredit(amount, from: .receivable, .creditGranted, invoices[index].number, at: instant)
        guard refunds else { return }
        let unused = try credit - before
        let paid = try refundable()
        let payout = Money(minorUnits: max(0, min(unused.minorUnits, paid.minorUnits)), currency)
        guard payout.isPositive else { return }
        credit = try credit - payout
        try book(.creditRefunded, invoices[index].number, at: instant, [(.customerCredit, .cash, payout)])
        try payBack(payout, of: index, at: instant)
    }

    /// What was paid on the customer's invoices and has not been paid back.
    private func refundable() throws(MoneyFault) -> Money {
        var total = Money.zero(currency)
        for invoice in invoices { total = try total + invoice.paid - invoice.refunded }
        return total
    }

    /// Has the gateway pay back an amount, oldest payments last.
    mutating func payBack(_ amount: Money, of index: Int, at instant: Instant) throws {
        attempts.append(
            PaymentAttempt(
                invoice: index, number: 0, at: instant, amount: try amount.negated(), method: arrangement?.method,
                outcome: .refunded))
        var left = amount
        for invoice in ([index] + invoices.indices.reversed()) where left.isPositive {
            let paid = try invoices[invoice].paid - invoices[invoice].refunded
            let part = Money(minorUnits: max(0, min(paid.minorUnits, left.minorUnits)), currency)
            invoices[invoice].refunded = try invoices[invoice].refunded + part
            left = try left - part
        }
        write(.refundIssued, about: invoices[index].number, at: instant)
    }

    /// Whether a cycle of a subscription begins that day, so that what waits for the next invoice goes out.
    func isBillingDate(_ date: LocalDate) -> Bool {
        subscriptions.contains { subscription in
            guard subscription.state.isBilled, let cycle = subscription.cycle(at: date, calendar) else { return false }
            return cycle.stretch.intervals.contains { interval in
                let index = cycle.stretch.anchor.index(of: date, every: interval)
                return cycle.stretch.anchor.boundary(index, every: interval) == date
            }
        }
    }
}

extension Stretch {
    /// Of the plan and of each price that has its own.
    var intervals: Set<BillingInterval> { Set([plan.interval] + prices.compactMap(\.interval)) }
}
