public import Billing
public import Dates
internal import Ledger
internal import Money

extension Account {
    /// What would be invoiced at that instant; `nil` if nothing is due. Preview and bill are this one path.
    public func draft(at instant: Instant, upTo date: LocalDate? = nil) throws -> DraftInvoice? {
        let date = date ?? calendar.date(of: instant)
        let candidates = try Reconciliation(account: self, date: date).candidates()
        let isBilling = isBillingDate(date)
        let isDue = candidates.contains { candidate in
            switch candidate.wait {
            case .no: true
            case .late: isBilling
            case .since(let change): isBilling && calendar.date(of: change) < date
            }
        }
        guard isDue else { return nil }
        return try DraftInvoice(candidates.map(\.line), for: self, on: date)
    }

    /// Issues what is due under the number that `numbering` gives, which is asked only if there is something.
    /// Returns whether there was.
    public mutating func invoice(
        at instant: Instant, upTo date: LocalDate? = nil, number: (InvoiceNumbering) throws -> String
    ) throws -> Bool {
        guard let draft = try draft(at: instant, upTo: date) else {
            refundsUnused = false
            return false
        }
        try issueDue(draft, at: instant, number: number)
        return true
    }

    /// Issues that draft of what is due at that instant, with what follows.
    mutating func issueDue(
        _ draft: DraftInvoice, at instant: Instant, number: (InvoiceNumbering) throws -> String
    ) throws {
        defer { refundsUnused = false }
        try issue(draft, number: number(settings.numbering), at: instant, refundsUnused: refundsUnused)
        parking = nil
        // What is billed after its time may belong to a month that has been booked; so may what is billed on a day of the
        // customer's that lies in the seller's month before.
        let isLate = openMonth.map { calendar.date(of: instant) < $0 } ?? false
        if isLate || draft.lines.contains(where: \.isBilledAfterItsTime) { try bookRevenue(at: instant) }
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
        let given = Set(
            invoices[index].lines.compactMap { line in
                if case .credit(let corrected, _, _, _, _) = line.explanation { corrected.invoice } else { nil }
            }
        ).sorted(by: >)
        let paid = try Money.sum(given.map { try invoices[$0].paid - invoices[$0].refunded }, in: currency)
        let payout = Money(minorUnits: max(0, min(unused.minorUnits, paid.minorUnits)), currency)
        guard payout.isPositive else { return }
        credit = try credit - payout
        try book(.creditRefunded, invoices[index].number, at: instant, [(.customerCredit, .cash, payout)])
        try payBack(payout, of: index, paidOn: given, at: instant)
    }

    /// Has the gateway pay back an amount of what was paid on those invoices, the first of them first.
    mutating func payBack(_ amount: Money, of index: Int, paidOn paid: [Int], at instant: Instant) throws {
        attempts.append(
            PaymentAttempt(
                invoice: index, number: 0, at: instant, amount: try amount.negated(), method: arrangement?.method,
                outcome: .refunded))
        var left = amount
        for invoice in paid where left.isPositive {
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
            guard subscription.state.hasCycles, let cycle = subscription.cycle(at: date, calendar) else { return false }
            return cycle.stretch.intervals.contains { interval in
                let index = cycle.stretch.anchor.index(of: date, every: interval)
                return cycle.stretch.anchor.boundary(index, every: interval) == date
            }
        }
    }
}

extension InvoiceLine {
    fileprivate var isBilledAfterItsTime: Bool {
        kind == .usage || kind == .minimum || charge?.basis.timing == .inArrears
    }
}

extension Stretch {
    /// Of the plan and of each price that has its own.
    var intervals: Set<BillingInterval> { Set([plan.interval] + prices.compactMap(\.interval)) }
}
