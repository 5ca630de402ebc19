public import Accounts
public import Billing
public import BillingPorts
internal import JobKit
public import Ledger
public import Money
public import Postgres
internal import QueueStore

/// What stands in the books at one moment, and whatever in them does not agree: all of it from one snapshot.
public struct BooksSummary: Sendable {
    /// Things that must agree, each found out by one statement.
    public enum Check: String, CaseIterable, Hashable, Sendable {
        /// An invoice's total is the sum of its lines.
        case invoiceTotals = "invoice_totals"
        /// An invoice is booked once, in full.
        case invoicesBooked = "invoices_booked"
        /// A customer's receivable is what its open invoices are still owed.
        case receivable
        /// A customer's cash is what its invoices were paid less what was paid back, and what it paid too much.
        case cash
        /// A customer's credit is what the ledger says.
        case credit
        /// No less was booked as received of a customer than its charges brought.
        case charges
        /// A customer's row counts its entries and its mails.
        case counts
        /// Invoice numbers have no gap.
        case numbering
    }

    /// One thing that does not agree.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        public let check: Check
        /// What: `invoice ACME-0017`, `customer 17`.
        public let subject: String
        public let fault: String

        public var description: String { "\(check.rawValue): \(subject): \(fault)" }
    }

    /// How many there are of something, and what they come to in one currency.
    public struct Total: Hashable, Sendable {
        public let count: Int
        public let amount: Money
    }

    /// An account and its debits less its credits.
    public struct Balance: Hashable, Sendable {
        public let account: LedgerAccount
        public let amount: Money
    }

    public let customers: Int
    /// Those whose invoice a brake holds.
    public let parked: Int
    /// By state; a state that nothing is in is left out, here and below.
    public let subscriptions: [SubscriptionState: Int]
    public let invoices: [InvoiceState: Int]
    /// By what came of them, but for those that nobody has answered.
    public let attempts: [PaymentAttempt.Outcome: Int]
    public let unansweredAttempts: Int
    public let mails: [MailRecord.State: Int]
    /// Issued and not void, by currency in the order of its code.
    public let invoiced: [Total]
    /// Money that came in.
    public let paid: [Total]
    /// The trial balance, by currency and account.
    public let balances: [Balance]
    /// At most `violationLimit` of each check.
    public let violations: [Violation]

    /// Whether everything that must agree does.
    public var isBalanced: Bool { violations.isEmpty }

    public static let violationLimit = 100

    /// Reads the books of one seller, or of all. `pool` connects as the worker's role.
    public static func read(seller: Seller.ID? = nil, _ pool: PostgresPool) async throws -> BooksSummary {
        let scope = seller.map { TenantScope.one($0.rawValue) } ?? .all
        return try await pool.transaction(
            settings: [.tenant(scope)], isolation: .repeatableRead, readOnly: true
        ) { transaction in
            let answers = try await transaction.pipeline([
                SummarySQL.customers, SummarySQL.subscriptions, SummarySQL.invoices, SummarySQL.attempts,
                SummarySQL.mails, SummarySQL.invoiced, SummarySQL.paid, SummarySQL.balances,
            ])
            let violations = try await transaction.pipeline(
                Check.allCases.map { SummarySQL.violations(of: $0, limit: violationLimit) })
            return try BooksSummary(answers, violations)
        }
    }

    private init(_ answers: [Rows], _ violations: [Rows]) throws {
        (customers, parked) = try answers[0].only(Int.self, Int.self)
        subscriptions = try answers[1].counts("subscriptions")
        invoices = try answers[2].counts("invoices")
        let byOutcome = try answers[3].decode(String?.self, Int.self)
        unansweredAttempts = byOutcome.first { $0.0 == nil }?.1 ?? 0
        var attempts: [PaymentAttempt.Outcome: Int] = [:]
        for case (let outcome?, let count) in byOutcome {
            let stored = Stored("payment_attempts", "with outcome '\(outcome)'")
            attempts[try stored.choice(PaymentAttempt.Outcome.self, outcome)] = count
        }
        self.attempts = attempts
        mails = try answers[4].counts("mails")
        invoiced = try answers[5].totals("invoices")
        paid = try answers[6].totals("postings")
        balances = try answers[7].balances()
        self.violations = try zip(Check.allCases, violations).flatMap { check, rows in
            try rows.decode(String.self, String.self).map { Violation(check: check, subject: $0.0, fault: $0.1) }
        }
    }
}

extension Rows {
    fileprivate func counts<State: RawRepresentable<String> & Hashable>(
        _ table: StaticString
    ) throws -> [State: Int] {
        var counts: [State: Int] = [:]
        for (state, count) in try decode(String.self, Int.self) {
            counts[try Stored(table, "in state '\(state)'").choice(State.self, state)] = count
        }
        return counts
    }

    fileprivate func totals(_ table: StaticString) throws -> [BooksSummary.Total] {
        try decode(String.self, Int.self, Int64.self).map { currency, count, amount in
            BooksSummary.Total(count: count, amount: try Stored(table, currency).money(amount, currency))
        }
    }

    /// Of `SummarySQL.balances`.
    func balances() throws -> [BooksSummary.Balance] {
        try decode(String.self, String.self, Int64.self).map { account, currency, amount in
            let stored = Stored("postings", account)
            return BooksSummary.Balance(
                account: try stored.choice(LedgerAccount.self, account), amount: try stored.money(amount, currency))
        }
    }
}
