internal import Billing
public import Dates
internal import Ledger
internal import Money

extension Account {
    /// Books what is earned in every month that is over in the seller's zone at that instant, one entry a month: first
    /// what came late for months that were booked before, on the last of them. Asked again, it books nothing. Throws
    /// `MoneyFault` or `LedgerFault`, and has changed nothing then.
    public mutating func bookRevenue(at instant: Instant) throws {
        let recognition = try recognition()
        guard let first = recognition.months.first?.month else { return }
        var changed = self
        var open = openMonth ?? first
        try changed.bookRevenue(of: open.adding(months: -1), recognition)
        let current = sellerZone.localDate(of: instant).firstOfMonth
        while open < current {
            changed.lastMonthEntries = 0
            try changed.bookRevenue(of: open, recognition)
            open = open.nextMonth
        }
        changed.openMonth = open
        self = changed
    }

    /// When the oldest month that has not been booked is over; `nil` while all that was billed is earned in the books.
    var monthEnd: Instant? {
        get throws {
            guard let openMonth else { return nil }
            var unearned = try recognizedBooked.negated()
            for invoice in invoices where invoice.state != .void { unearned = try unearned + invoice.subtotal }
            for note in notes where invoices[note.invoice].state != .void { unearned = try unearned - note.subtotal }
            return unearned.isZero ? nil : sellerZone.instant(of: openMonth.nextMonth)
        }
    }

    /// Books on the last day of a month what is earned by then and not yet booked.
    private mutating func bookRevenue(of month: LocalDate, _ recognition: Recognition) throws {
        let earned = recognition.recognized(before: month.nextMonth)
        let missing = try earned - recognizedBooked
        guard !missing.isZero else { return }
        let posting =
            missing.isNegative
            ? try Posting(debit: .revenue, credit: .deferredRevenue, amount: missing.negated())
            : try Posting(debit: .deferredRevenue, credit: .revenue, amount: missing)
        lastMonthEntries += 1
        recognizedBooked = earned
        let name = String(month.description.prefix(7))
        entries.append(
            try JournalEntry(
                kind: .revenueRecognized, date: month.nextMonth.adding(days: -1),
                reference: lastMonthEntries == 1 ? name : "\(name)/\(lastMonthEntries)", postings: [posting]))
    }
}
