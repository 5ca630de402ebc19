internal import Billing
internal import Dates
internal import Ledger
internal import Money

extension Account {
    /// Where an open invoice stands. Throws `not_found` or `not_open`.
    private func open(_ nth: Int) throws(OperationFault) -> Int {
        let index = try invoiceIndex(nth)
        guard invoices[index].state == .open else {
            throw OperationFault(
                .notOpen, "invoice \(invoices[index].number) is \(invoices[index].state.rawValue)")
        }
        return index
    }

    /// A payment that came by itself; what is too much becomes credit.
    mutating func pay(_ nth: Int, _ amount: Money?, at instant: Instant) throws {
        let index = try open(nth)
        try receive(try amount ?? invoices[index].amountDue, for: index, at: instant)
    }

    mutating func receive(_ amount: Money, for index: Int, at instant: Instant) throws {
        let due = try invoices[index].amountDue
        let part = Money(minorUnits: min(amount.minorUnits, due.minorUnits), currency)
        let number = invoices[index].number
        invoices[index].paid = try invoices[index].paid + part
        try book(.paymentReceived, number, at: instant, [(.cash, .receivable, part)])
        try settle(index, at: instant)
        write(.paymentReceipt, about: number, at: instant)
        let surplus = try amount - part
        if surplus.isPositive { try grantCredit(surplus, from: .cash, .paymentReceived, number, at: instant) }
    }

    mutating func chargeback(_ nth: Int, _ amount: Money?, at instant: Instant) throws {
        let index = try invoiceIndex(nth)
        let most = try invoices[index].paid - invoices[index].refunded
        let amount = amount ?? most
        guard most.isPositive, invoices[index].state == .paid || invoices[index].state == .open else {
            throw OperationFault(.notOpen, "nothing was paid on invoice \(invoices[index].number)")
        }
        guard amount.minorUnits <= most.minorUnits else {
            throw OperationFault(.amountExceeds, "\(amount) is more than the \(most) that was paid")
        }
        invoices[index].paid = try invoices[index].paid - amount
        invoices[index].chargedBack = try invoices[index].chargedBack + amount
        if invoices[index].state == .paid {
            invoices[index].state = try invoices[index].state.moving(to: .open, because: .paymentReturned).to
        }
        try book(.paymentReturned, invoices[index].number, at: instant, [(.receivable, .cash, amount)])
        try applyCredit(to: index, at: instant)
        try fail(index, .needsMethod, at: instant)
    }

    mutating func reverseChargeback(of nth: Int, at instant: Instant) throws {
        let index = try invoiceIndex(nth)
        let amount = invoices[index].chargedBack
        guard amount.isPositive else {
            throw OperationFault(.illegalTransition, "invoice \(invoices[index].number) was not charged back")
        }
        invoices[index].chargedBack = .zero(currency)
        let due = try invoices[index].amountDue
        let part = Money(minorUnits: min(amount.minorUnits, due.minorUnits), currency)
        invoices[index].paid = try invoices[index].paid + part
        try book(.paymentReceived, invoices[index].number, at: instant, [(.cash, .receivable, part)])
        try settle(index, at: instant)
        let surplus = try amount - part
        if surplus.isPositive {
            try grantCredit(surplus, from: .cash, .paymentReceived, invoices[index].number, at: instant)
        }
    }

    /// Takes an invoice back of which nothing was paid; its lines stay billed.
    mutating func void(_ nth: Int, at instant: Instant) throws {
        let index = try open(nth)
        let invoice = invoices[index]
        guard invoice.paid.isZero else {
            throw OperationFault(.notOpen, "\(invoice.paid) of invoice \(invoice.number) is paid")
        }
        let notes = notes.filter { $0.invoice == index }
        let net = try invoice.subtotal - Money.sum(notes.map(\.subtotal), in: currency)
        let tax = try invoice.tax - Money.sum(notes.map(\.tax), in: currency)
        invoices[index].state = try invoice.state.moving(to: .void, because: .voided).to
        invoices[index].voidedOn = calendar.date(of: instant)
        try book(
            .invoiceVoided, invoice.number, at: instant,
            [(.deferredRevenue, .receivable, net), (.taxPayable, .receivable, tax)])
        if invoices[index].dunning != nil { try restore(at: instant) }
        if invoice.creditApplied.isPositive {
            invoices[index].creditApplied = .zero(currency)
            try grantCredit(invoice.creditApplied, from: .receivable, .creditGranted, invoice.number, at: instant)
        }
    }

    mutating func writeOff(_ nth: Int, at instant: Instant) throws {
        let index = try open(nth)
        let due = try invoices[index].amountDue
        invoices[index].state = try invoices[index].state.moving(to: .uncollectible, because: .writtenOff).to
        try book(.writtenOff, invoices[index].number, at: instant, [(.badDebt, .receivable, due)])
        if invoices[index].dunning != nil { try restore(at: instant) }
    }

    /// Issues lines as they were given as an invoice of their own.
    mutating func invoice(_ lines: [Operation.OneOffLine], at instant: Instant, sellerNumber: Int64?) throws {
        let charges = lines.map {
            InvoiceLine(
                kind: .oneTime, code: $0.code, quantity: .one, amount: $0.amount, explanation: .given($0.amount),
                obligation: $0.obligation)
        }
        let draft = try DraftInvoice(charges, for: self, on: calendar.date(of: instant))
        try issue(draft, number: number(sellerNumber), at: instant)
    }

    private func number(_ sellerNumber: Int64?) -> String {
        switch settings.numbering.scheme {
        case .customer: return nextNumber
        case .seller:
            guard let sellerNumber else { preconditionFailure("an invoice without a number of the seller's series") }
            return settings.numbering.number(sellerNumber, customer: code)
        }
    }
}
