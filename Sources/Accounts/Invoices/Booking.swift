internal import Billing
internal import Dates
internal import Ledger
internal import Money

/// What happens to the books. Every one of these is one balanced entry.
extension Account {
    /// Books the postings that are not zero; a negative one the other way round.
    mutating func book(
        _ kind: JournalEntry.Kind, _ reference: String, at instant: Instant,
        _ postings: [(debit: LedgerAccount, credit: LedgerAccount, amount: Money)]
    ) throws {
        let made = try postings.filter { !$0.amount.isZero }.map { posting in
            posting.amount.isPositive
                ? try Posting(debit: posting.debit, credit: posting.credit, amount: posting.amount)
                : try Posting(debit: posting.credit, credit: posting.debit, amount: posting.amount.negated())
        }
        guard !made.isEmpty else { return }
        let date = sellerZone.localDate(of: instant)
        entries.append(try JournalEntry(kind: kind, date: date, reference: reference, postings: made))
    }

    mutating func write(_ template: Mail.Template, about subject: String, at instant: Instant) {
        guard email != nil else { return }
        mails.append(Mail(at: instant, template: template, subject: subject))
    }

    /// Gives the customer credit from that account of the books; it settles what is open, the oldest first.
    mutating func grantCredit(
        _ amount: Money, from source: LedgerAccount, _ kind: JournalEntry.Kind, _ reference: String, at instant: Instant
    ) throws {
        try book(kind, reference, at: instant, [(source, .customerCredit, amount)])
        credit = try credit + amount
        for index in invoices.indices where invoices[index].state == .open { try applyCredit(to: index, at: instant) }
    }

    /// Settles as much of an open invoice as there is credit.
    mutating func applyCredit(to index: Int, at instant: Instant) throws {
        let due = try invoices[index].amountDue
        let used = Money(minorUnits: min(credit.minorUnits, due.minorUnits), currency)
        guard used.isPositive else { return }
        credit = try credit - used
        invoices[index].creditApplied = try invoices[index].creditApplied + used
        try book(.creditApplied, invoices[index].number, at: instant, [(.customerCredit, .receivable, used)])
        try settle(index, at: instant)
    }

    /// An open invoice on which nothing is due any more is paid.
    mutating func settle(_ index: Int, at instant: Instant) throws {
        guard invoices[index].state == .open, try invoices[index].amountDue.isZero else { return }
        invoices[index].state = try invoices[index].state.moving(to: .paid, because: .paid).to
        collectsNow.remove(index)
        guard invoices[index].dunning != nil else { return }
        invoices[index].dunning = nil
        try restore(at: instant)
    }
}
