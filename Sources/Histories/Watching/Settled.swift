internal import Accounts
internal import Billing
internal import Dates
internal import Ledger
internal import Money

/// An account at an instant at which nothing is left to do.
struct Settled: Sendable {
    let account: Account
    let at: Instant
    let today: LocalDate

    init(_ account: Account, at instant: Instant) {
        self.account = account
        at = instant
        today = account.calendar.date(of: instant)
    }

    var zero: Money { .zero(account.currency) }

    func sum(_ amounts: some Sequence<Money>) throws -> Money { try Money.sum(amounts, in: account.currency) }

    /// What credit lines and notes have given back of each line, before tax; positive.
    func givenBack() throws -> [LineReference: Money] {
        var back: [LineReference: Money] = [:]
        for invoice in account.invoices {
            for line in invoice.lines {
                guard case .credit(let corrected, _, _, _, _) = line.explanation else { continue }
                back[corrected] = try (back[corrected] ?? zero) - line.amount
            }
        }
        for note in account.notes {
            for share in note.shares {
                let reference = LineReference(invoice: note.invoice, line: share.line)
                back[reference] = try (back[reference] ?? zero) + share.net
            }
        }
        return back
    }
}
