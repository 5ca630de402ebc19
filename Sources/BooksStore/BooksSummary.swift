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
        /// What an invoice has been paid is the sum of its payments: all of it if it is paid, less if it is open.
        case invoicesPaid = "invoices_paid"
        /// An invoice is booked once, in full.
        case invoicesBooked = "invoices_booked"
        /// A customer's receivable is what its invoices are still owed.
        case receivable
        /// A customer's cash is the sum of its payments.
        case cash
        /// An attempt that succeeded brought one payment of its amount, and no other did.
        case paymentsOfAttempts = "payments_of_attempts"
        /// Invoice numbers have no gap.
        case numbering
    }

    /// One thing that does not agree.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        public let check: Check
        /// What, by its id: `invoice 17`.
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
    /// By state; a state that nothing is in is left out, here and below.
    public let subscriptions: [SubscriptionState: Int]
    public let invoices: [InvoiceState: Int]
    public let attempts: [PaymentState: Int]
    public let mails: [MailRecord.State: Int]
    /// Issued and not void, by currency in the order of its code.
    public let invoiced: [Total]
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
                SummarySQL.mails, SummarySQL.invoiced, SummarySQL.payments, SummarySQL.balances,
            ])
            let violations = try await transaction.pipeline(
                Check.allCases.map { SummarySQL.violations(of: $0, limit: violationLimit) })
            return try BooksSummary(answers, violations)
        }
    }

    private init(_ answers: [Rows], _ violations: [Rows]) throws {
        customers = try answers[0].only(Int.self)
        subscriptions = try answers[1].counts("subscriptions")
        invoices = try answers[2].counts("invoices")
        attempts = try answers[3].counts("payment_attempts")
        mails = try answers[4].counts("mails")
        invoiced = try answers[5].totals("invoices")
        paid = try answers[6].totals("payments")
        balances = try answers[7].decode(String.self, String.self, Int64.self).map { account, currency, amount in
            let stored = Stored("postings", account)
            return Balance(
                account: try stored.choice(LedgerAccount.self, account), amount: try stored.money(amount, currency))
        }
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
}
