import Billing
import BillingPorts
import Dates
import Foundation
import JobKit
import Postgres
import TestSupport
import Testing

@testable import BooksStore
@testable import QueueStore

/// Hot statements find their rows by index: what they cost does not grow with the books.
@Suite(.books, .timeLimit(.minutes(5)))
struct QueryPlanTests {
    /// Twenty thousand customers with a subscription, an invoice of two lines, a payment method and an attempt each.
    private static let fill: [SQL] = [
        """
        INSERT INTO books.customers (seller_id, code, name, email, currency, time_zone, created_at)
        SELECT 1, 'c' || n, 'c', 'c@practice.example', 'USD', 'UTC', now() FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.subscriptions
               (seller_id, customer_id, code, plan_id, state, starts_on, next_action_on, created_at)
        SELECT 1, n, 's' || n, 1, 'active', '2026-01-01', date '2026-11-01' + n % 60, now()
          FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.payment_methods (seller_id, customer_id, token, state, gateway_reference, created_at)
        SELECT 1, n, 'pm_' || n, 'active', 'pm_' || n, now() FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.invoices
               (seller_id, customer_id, state, number, issued_on, due_on, currency, subtotal, tax, total, created_at)
        SELECT 1, n, 'open', 'I-' || n, '2026-11-01', '2026-11-15', 'USD', 2, 0, 2, now()
          FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.invoice_lines
               (seller_id, customer_id, invoice_id, position, kind, code, subscription_id, period_start, period_end,
                amount, explanation)
        SELECT 1, n, n, place, 'recurring', 'p' || place, n, '2026-11-01', '2026-12-01', 1, '{}'
          FROM generate_series(1, 20000) AS n, generate_series(1, 2) AS place
        """,
        """
        INSERT INTO books.payment_attempts
               (seller_id, customer_id, invoice_id, number, payment_method_id, amount, currency, state, created_at,
                sent_at)
        SELECT 1, n, n, 1, n, 2, 'USD', 'sent', now(), now() FROM generate_series(1, 20000) AS n
        """,
        "ANALYZE",
    ]

    private static let key = CustomerKey(seller: Seller.ID(1), customer: Customer.ID(777))

    private static func hot(_ books: BooksFixture) -> [(name: String, sql: SQL)] {
        return [
            (
                "subscriptions to renew",
                SubscriptionsSQL.toRenew(of: key.seller, by: books.today, after: Subscription.ID(5000), limit: 100)
            ),
            ("a customer's lock", CustomerSQL.lockedRecord(key)),
            ("a customer's subscriptions", SubscriptionsSQL.all(of: key)),
            ("a customer's lines", InvoicesSQL.billedLines(of: key)),
            ("an invoice to collect", PaymentsSQL.invoice(Invoice.ID(777), of: key)),
            ("its payment method", PaymentsSQL.activeMethod(of: key)),
            ("its pending attempt", PaymentsSQL.pendingAttempt(at: Invoice.ID(777), of: key)),
            ("a customer's open invoices", PaymentsSQL.openInvoices(of: key)),
            ("customers by code", LoadingSQL.customerIDs(["C777", "C778"], of: key.seller)),
        ]
    }

    @Test func `no hot statement reads a table from end to end`() async throws {
        try await BooksFixture.with { books in
            try await TestDatabase.current.withPool { pool in
                for statement in Self.fill { _ = try await pool.query(statement) }
            }
            for (name, sql) in Self.hot(books) {
                let plan = try await books.rows("EXPLAIN \(sql)").decode(String.self)
                // Catalogues are small; a few plans and sellers are read fastest from end to end.
                let scans = plan.filter {
                    $0.contains("Seq Scan") && !$0.contains(" on plans") && !$0.contains(" on sellers")
                        && !$0.contains("unnest")
                }
                #expect(scans == [], "\(name):\n\(plan.joined(separator: "\n"))")
            }
        }
    }

    @Test func `a page of renewals reads the rows of that page and no other`() async throws {
        try await BooksFixture.with { books in
            try await TestDatabase.current.withPool { pool in
                for statement in Self.fill { _ = try await pool.query(statement) }
            }
            let sql = SubscriptionsSQL.toRenew(
                of: Self.key.seller, by: books.today, after: Subscription.ID(5000), limit: 100)
            let plan = try await books.rows("EXPLAIN \(sql)").decode(String.self)
            #expect(plan.contains { $0.contains("Index Scan using subscriptions_to_renew") }, "\(plan)")
            #expect(!plan.contains { $0.contains("Sort") }, "\(plan.joined(separator: "\n"))")
        }
    }
}
