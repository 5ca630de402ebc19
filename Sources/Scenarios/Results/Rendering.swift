public import Accounts
internal import Billing
public import Dates
internal import Ledger
internal import Money

extension SimulationResult {
    /// What came of a scenario for these customers, in the order of the file, as it stands at `until`.
    public init(_ accounts: [Account], errors: [ErrorResult], until: Instant) throws {
        self.init(errors: errors)
        let invoices = accounts.enumerated().flatMap { place, account in
            account.invoices.map { (at: $0.issuedAt, place, invoice: $0, account) }
        }
        self.invoices = try invoices.sorted { ($0.at, $0.1, $0.invoice.ordinal) < ($1.at, $1.1, $1.invoice.ordinal) }
            .map { try InvoiceResult($0.invoice, of: $0.3) }
        creditNotes = accounts.enumerated().flatMap { place, account in
            account.notes.map { (at: $0.issuedAt, place, CreditNoteResult($0, of: account)) }
        }.sorted { ($0.at, $0.1) < ($1.at, $1.1) }.map(\.2)
        for account in accounts {
            balances[account.code] = BalanceResult(
                credit: account.credit.minorUnits, receivable: try account.receivable.minorUnits)
            for subscription in account.subscriptions {
                subscriptions[subscription.code] = SubscriptionResult(subscription, of: account, at: until)
            }
        }
        charges = accounts.enumerated().flatMap { place, account in
            account.attempts.filter { $0.outcome != nil }.map { (at: $0.at, place, ChargeResult($0, of: account)) }
        }.sorted { ($0.at, $0.1) < ($1.at, $1.1) }.map(\.2)
        emails = Self.emails(of: accounts)
        ledger = try LedgerResult(accounts.flatMap(\.entries), currency: accounts.first?.currency)
    }

    private static func emails(of accounts: [Account]) -> [EmailResult] {
        let order = Dictionary(uniqueKeysWithValues: Mail.Template.allCases.enumerated().map { ($1, $0) })
        return accounts.enumerated().flatMap { place, account in
            account.mails.map { (at: $0.at, place, order: order[$0.template] ?? 0, mail: $0, to: account.email ?? "") }
        }.sorted { ($0.at, $0.1, $0.order) < ($1.at, $1.1, $1.order) }
            .map { EmailResult(at: $0.at, to: $0.to, template: $0.mail.template.rawValue) }
    }
}

extension InvoiceResult {
    fileprivate init(_ invoice: Invoice, of account: Account) throws {
        self.init(
            customer: account.code, number: invoice.number, date: invoice.date, due: invoice.due,
            status: invoice.state.rawValue, subtotal: invoice.subtotal.minorUnits, tax: invoice.tax.minorUnits,
            total: invoice.total.minorUnits, creditApplied: invoice.creditApplied.minorUnits,
            paid: invoice.paid.minorUnits, dueAmount: try invoice.amountDue.minorUnits,
            lines: invoice.lines.filter { !$0.amount.isZero }.map { line in
                Line(
                    code: line.code, subscription: line.subscription, period: line.period, quantity: line.quantity,
                    factor: line.factor?.description, amount: line.amount.minorUnits, kind: line.kind.rawValue)
            })
    }
}

extension CreditNoteResult {
    fileprivate init(_ note: CreditNote, of account: Account) {
        self.init(
            customer: account.code, number: note.number, invoice: account.invoices[note.invoice].number,
            date: note.date, subtotal: note.subtotal.minorUnits, tax: note.tax.minorUnits,
            total: note.total.minorUnits, credited: note.credited.minorUnits, refunded: note.refunded.minorUnits)
    }
}

extension SubscriptionResult {
    fileprivate init(_ subscription: Subscription, of account: Account, at until: Instant) {
        self.init(
            status: subscription.state.rawValue, plan: subscription.plan.code,
            period: subscription.period(at: account.calendar.date(of: until), account.calendar),
            ends: subscription.end?.date ?? subscription.knownEnd,
            history: subscription.history.map { Step(at: $0.at, to: $0.to.rawValue) })
    }
}

extension ChargeResult {
    fileprivate init(_ attempt: PaymentAttempt, of account: Account) {
        self.init(
            at: attempt.at, customer: account.code, invoice: account.invoices[attempt.invoice].number,
            amount: attempt.amount.minorUnits, outcome: attempt.outcome?.rawValue ?? "",
            attempt: attempt.number > 0 ? attempt.number : nil)
    }
}

extension LedgerResult {
    /// An entry that does not balance cannot be made, so what is checked is the sum.
    fileprivate init(_ entries: [JournalEntry], currency: Currency?) throws {
        self.init(balanced: true)
        var sum: Int64 = 0
        for posting in entries.flatMap(\.postings) {
            accounts[posting.debit, default: 0] += posting.amount.minorUnits
            accounts[posting.credit, default: 0] -= posting.amount.minorUnits
        }
        for balance in accounts.values { sum += balance }
        balanced = sum == 0
    }
}
