internal import Billing
internal import Dates
internal import Ledger
internal import Money

extension Account {
    /// Gives back net amounts of an issued invoice, with the tax on them.
    mutating func note(
        _ nth: Int, _ amount: Operation.CreditNoteAmount, as use: Operation.CreditNoteUse, at instant: Instant
    ) throws {
        let index = try noteable(nth)
        var left = try NoteableLine.all(of: index, in: self)
        let shares: [CreditNote.Share]
        switch amount {
        case .amount(let amount):
            let most = try Money.sum(left.map(\.net), in: currency)
            try requireAtMost(most, amount)
            let parts = try amount.split(by: left.map { Rational($0.net.minorUnits) })
            shares = try zip(left, parts).map { try $0.share(net: $1) }
        case .lines(let lines):
            var found: [CreditNote.Share] = []
            for line in lines {
                let same = left.indices.filter { left[$0].code == line.code }
                guard !same.isEmpty else {
                    throw OperationFault(.notFound, "invoice \(invoices[index].number) has no line \(line.code)")
                }
                try requireAtMost(Money.sum(same.map { left[$0].net }, in: currency), line.amount)
                let parts = try line.amount.split(by: same.map { Rational(left[$0].net.minorUnits) })
                for (place, part) in zip(same, parts) {
                    let share = try left[place].share(net: part)
                    left[place] = try left[place].without(share)
                    found.append(share)
                }
            }
            shares = found
        }
        try issueNote(on: index, shares.filter { !$0.net.isZero }, as: use, at: instant)
    }

    /// Pays back part of what was paid of an invoice, tax within, with a note of that total.
    mutating func refund(_ nth: Int, _ amount: Money?, at instant: Instant) throws {
        let index = try noteable(nth)
        let left = try NoteableLine.all(of: index, in: self)
        let gross = try Money.sum(left.map { try $0.gross }, in: currency)
        let paid = try invoices[index].paid - invoices[index].refunded
        let most = Money(minorUnits: min(paid.minorUnits, gross.minorUnits), currency)
        let amount = amount ?? most
        guard amount.isPositive, amount.minorUnits <= most.minorUnits else {
            throw OperationFault(.amountExceeds, "\(most) of invoice \(invoices[index].number) can be paid back")
        }
        let parts = try amount.split(by: left.map { Rational(try $0.gross.minorUnits) })
        let shares = try zip(left, parts).map { try $0.share(gross: $1) }
        try issueNote(
            on: index, shares.filter { !$0.net.isZero || !$0.taxes.isEmpty }, as: .refund, leavesDue: true, at: instant)
    }

    private func noteable(_ nth: Int) throws(OperationFault) -> Int {
        let index = try invoiceIndex(nth)
        guard invoices[index].state == .open || invoices[index].state == .paid else {
            throw OperationFault(.notOpen, "invoice \(invoices[index].number) is \(invoices[index].state.rawValue)")
        }
        return index
    }

    private func requireAtMost(_ most: Money, _ amount: Money) throws(OperationFault) {
        guard amount.minorUnits <= most.minorUnits else {
            throw OperationFault(.amountExceeds, "\(amount) is more than the \(most) that is left")
        }
    }

    private mutating func issueNote(
        on index: Int, _ shares: [CreditNote.Share], as use: Operation.CreditNoteUse, leavesDue: Bool = false,
        at instant: Instant
    ) throws {
        let subtotal = try Money.sum(shares.map(\.net), in: currency)
        let tax = try Money.sum(shares.flatMap { $0.taxes.map(\.amount) }, in: currency)
        let total = try subtotal + tax
        let due = leavesDue ? .zero(currency) : try invoices[index].amountDue
        let lowered = Money(minorUnits: min(total.minorUnits, due.minorUnits), currency)
        let rest = try total - lowered
        let paid = try invoices[index].paid - invoices[index].refunded
        let refunded =
            use == .refund ? Money(minorUnits: min(rest.minorUnits, paid.minorUnits), currency) : .zero(currency)
        let credited = try rest - refunded
        let number = noteNumber
        notes.append(
            CreditNote(
                number: number, invoice: index, date: calendar.date(of: instant), issuedAt: instant, shares: shares,
                subtotal: subtotal, tax: tax, total: total, credited: credited, refunded: refunded))
        // What is given back is owed to the customer until it is settled in one of three ways.
        try book(
            .creditNoteIssued, number, at: instant,
            [
                (.deferredRevenue, .receivable, subtotal), (.taxPayable, .receivable, tax),
                (.receivable, .cash, refunded),
            ])
        write(.creditNoteIssued, about: number, at: instant)
        invoices[index].noted = try invoices[index].noted + lowered
        try settle(index, at: instant)
        if refunded.isPositive { try payBack(refunded, of: index, paidOn: [index], at: instant) }
        if credited.isPositive { try grantCredit(credited, from: .receivable, .creditGranted, number, at: instant) }
    }

    /// `ACME-CN-0001`, with a prefix `EU-ACME-CN-0001`.
    private var noteNumber: String {
        let digits = String(notes.count + 1)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        return (settings.numbering.prefix.map { $0 + "-" } ?? "") + code.uppercased() + "-CN-" + padded
    }
}

/// What is left to give back of an invoice's line.
private struct NoteableLine {
    let place: Int
    let code: String
    let net: Money
    let taxes: [InvoiceLine.TaxShare]

    var gross: Money { get throws(MoneyFault) { try net + Money.sum(taxes.map(\.amount), in: net.currency) } }

    /// The invoice's lines of which something is left: their nets and taxes, less credit lines and earlier notes.
    static func all(of index: Int, in account: Account) throws(MoneyFault) -> [NoteableLine] {
        var found: [NoteableLine] = []
        for (reference, line) in account.invoices[index].references where line.isCharge {
            var net = try line.net
            var taxes = line.taxes
            for invoice in account.invoices[index...] where !invoice.isWithdrawn {
                for credit in invoice.lines {
                    guard case .credit(reference, _, _, _, _) = credit.explanation else { continue }
                    net = try net + credit.amount
                    taxes = try taxes.adding(credit.taxes)
                }
            }
            for note in account.notes where note.invoice == index {
                for share in note.shares where share.line == reference.line {
                    net = try net - share.net
                    taxes = try taxes.adding(share.taxes, times: -1)
                }
            }
            if net.isPositive {
                found.append(NoteableLine(place: reference.line, code: line.code, net: net, taxes: taxes))
            }
        }
        return found
    }

    /// A net amount with its part of each tax; with all that is left of the net goes all that is left of the tax.
    func share(net part: Money) throws(MoneyFault) -> CreditNote.Share {
        let taxes = try taxes.map { (tax) throws(MoneyFault) in
            let amount = part == net ? tax.amount : try Explanation.tax(tax.percent, on: part)
            return InvoiceLine.TaxShare(
                code: tax.code, percent: tax.percent,
                amount: Money(minorUnits: min(amount.minorUnits, tax.amount.minorUnits), part.currency))
        }
        return CreditNote.Share(line: place, net: part, taxes: taxes)
    }

    /// An amount with tax, split in the proportion of what is left.
    func share(gross part: Money) throws(MoneyFault) -> CreditNote.Share {
        let parts = try part.split(by: [Rational(net.minorUnits)] + taxes.map { Rational($0.amount.minorUnits) })
        let taxes = zip(taxes, parts.dropFirst()).map {
            InvoiceLine.TaxShare(code: $0.code, percent: $0.percent, amount: $1)
        }
        return CreditNote.Share(line: place, net: parts[0], taxes: taxes)
    }

    func without(_ share: CreditNote.Share) throws(MoneyFault) -> NoteableLine {
        NoteableLine(
            place: place, code: code, net: try net - share.net, taxes: try taxes.adding(share.taxes, times: -1))
    }
}

extension [InvoiceLine.TaxShare] {
    fileprivate func adding(_ others: [InvoiceLine.TaxShare], times sign: Int64 = 1) throws(MoneyFault) -> Self {
        var sum = self
        for other in others {
            guard let index = sum.firstIndex(where: { $0.code == other.code && $0.percent == other.percent }) else {
                continue
            }
            let amount = Money(minorUnits: other.amount.minorUnits * sign, other.amount.currency)
            sum[index] = InvoiceLine.TaxShare(
                code: other.code, percent: other.percent, amount: try sum[index].amount + amount)
        }
        return sum
    }
}
