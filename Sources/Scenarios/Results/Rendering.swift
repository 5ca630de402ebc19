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
        ledger = try LedgerResult(accounts.flatMap(\.entries))
        revenue = try RevenueResult(accounts)
        mrr = try Self.recurring(accounts, until: until)
    }

    private static func recurring(_ accounts: [Account], until: Instant) throws -> [String: MRRResult] {
        guard let currency = accounts.first?.settings.currency else { return [:] }
        let totals = try accounts.map { try $0.monthlyValues(through: until) }
        var months: [String: MRRResult] = [:]
        for movement in try MRR.movements(totals: totals, in: currency) {
            months[movement.month.monthText] = MRRResult(
                total: movement.total.minorUnits, new: movement.new.minorUnits,
                expansion: movement.expansion.minorUnits, contraction: movement.contraction.minorUnits,
                churn: movement.churn.minorUnits, reactivation: movement.reactivation.minorUnits)
        }
        return months
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
    fileprivate init(_ entries: [JournalEntry]) throws {
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

extension RevenueResult {
    /// Of all customers; a month in which one has nothing recognized still has what it had deferred.
    fileprivate init(_ accounts: [Account]) throws {
        self.init()
        let recognitions = try accounts.map { try $0.recognition() }
        let months = Set(recognitions.flatMap { $0.months.map(\.month) }).sorted()
        for month in months {
            for recognition in recognitions {
                recognized[month.monthText, default: 0] +=
                    recognition.months.first { $0.month == month }?.recognized.minorUnits ?? 0
                deferred[month.monthText, default: 0] +=
                    recognition.months.last { $0.month <= month }?.deferred.minorUnits ?? 0
            }
        }
    }
}

extension LocalDate {
    /// `2026-01`.
    fileprivate var monthText: String { String(description.prefix(7)) }
}
