import Accounts
import Billing
import BillingPorts
import Dates
import JobKit
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@testable import BooksStore

/// Hot statements find their rows by index: what they cost does not grow with the books.
@Suite(.books, .timeLimit(.minutes(15)))
struct QueryPlanTests {
    /// Twenty thousand customers, each with a row of every part of an account.
    private static let fill: [SQL] = [
        """
        INSERT INTO books.bounced_addresses (seller_id, address, reason, marked_by, marked_at)
        SELECT 1, n || '@gone.example', '550', 'mail server', now() FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.customers (seller_id, code, name, email, currency, time_zone, next_due_at, created_at)
        SELECT 1, 'c' || n, 'c', 'c@practice.example', 'USD', 'UTC', timestamptz '2026-11-01' + n % 60 * interval '1 day',
               now()
          FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.subscriptions (seller_id, customer_id, ordinal, code, state, plan, starts_on, content)
        SELECT 1, n, 0, 's' || n, 'active', 'p', '2026-01-01', '{}' FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.subscription_transitions (seller_id, customer_id, subscription, ordinal, to_state, cause, at)
        SELECT 1, n, 0, 0, 'active', 'started', now() FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.payment_methods (seller_id, customer_id, token, state, gateway_reference, created_at)
        SELECT 1, n, 'pm_' || n, 'active', 'pm_' || n, now() FROM generate_series(1, 20000) AS n
        """,
        """
        WITH issued AS (
            INSERT INTO books.invoices
                   (seller_id, customer_id, ordinal, number, issued_on, due_on, issued_at, currency, line_count,
                    subtotal, tax, total, state)
            SELECT 1, n, 0, 'I-' || n, '2026-11-01', '2026-11-15', now(), 'USD', 2, 2, 0, 2, 'open'
              FROM generate_series(1, 20000) AS n)
        INSERT INTO books.invoice_lines
               (seller_id, customer_id, invoice, position, kind, code, subscription, amount, explanation)
        SELECT 1, n, 0, place, 'usage', 'p' || place, 0, 1, '{}'
          FROM generate_series(1, 20000) AS n, generate_series(0, 1) AS place
        """,
        """
        INSERT INTO books.credit_notes
               (seller_id, customer_id, ordinal, number, invoice, issued_on, issued_at, currency, subtotal, tax, total,
                credited, refunded, shares)
        SELECT 1, n, 0, 'CN-' || n, 0, '2026-11-01', now(), 'USD', 1, 0, 1, 1, 0, '[]'
          FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.payment_attempts (seller_id, customer_id, ordinal, invoice, number, at, amount, currency)
        SELECT 1, n, 0, 0, 1, now(), 2, 'USD' FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.coupon_uses (seller_id, customer_id, ordinal, code, currency, definition, used_on)
        SELECT 1, n, 0, 'c' || n % 500, 'USD', '{}', '2026-11-01' FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.usage_events
               (seller_id, customer_id, ordinal, event_id, metric, quantity, at, counted_on)
        SELECT 1, n, 0, 'e', 'calls', '1', now(), '2026-11-01' FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.mails (seller_id, customer_id, ordinal, template, subject, at, recipient)
        SELECT 1, n, 0, 'invoice_issued', 'I-' || n, now(), 'c@practice.example' FROM generate_series(1, 20000) AS n
        """,
        """
        INSERT INTO books.operations (seller_id, customer_id, ordinal, at, by, why, operation)
        SELECT 1, n, 0, now(), 'x', '', '{}' FROM generate_series(1, 20000) AS n
        """,
    ]

    private static let seller = Seller.ID(1)
    private static let key = CustomerKey(seller: seller, customer: Customer.ID(777))

    private static func hot(_ books: BooksFixture) -> [(name: String, sql: SQL)] {
        let some = (700..<800).map { Customer.ID($0) }
        let parts = AccountSQL.parts(some, of: seller).enumerated().map { ("part \($0) of accounts", $1) }
        return parts + [
            ("locks", AccountSQL.lock(some, of: seller)),
            (
                "customers due",
                AccountSQL.due(of: seller, by: books.start, after: Customer.ID(5000), limit: 100)
            ),
            ("customers to invoice", NumbersSQL.takeRequests(of: seller, limit: 100)),
            ("a payment method", PaymentMethodSQL.method(PaymentMethod.ID(777), of: key)),
            ("a mail", MailsSQL.mail(0, of: key)),
            ("customers by code", LoadingSQL.customerIDs(["C777", "C778"], of: seller)),
            ("codes of subscriptions", LoadingSQL.takenCodes(["s777", "s778"], of: seller)),
            ("uses of a coupon", OperationSQL.redemptions(of: ["c77"], seller)),
            (
                "the next operation",
                OperationSQL.record(PostgresJSON("{}"), of: key, by: "x", why: "", at: books.start)
            ),
            ("whose invoice", InspectionSQL.customer(of: "I-777", seller)),
        ]
    }

    /// `analyzing`: a database that has just been filled has no statistics, and plans made then are kept.
    private func check(analyzing: Bool) async throws {
        try await BooksFixture.with { books in
            try await TestDatabase.current.withPool { pool in
                for statement in Self.fill { _ = try await pool.query(statement) }
                if analyzing { _ = try await pool.query("ANALYZE") }
            }
            for (name, sql) in Self.hot(books) {
                let plan = try await books.rows("EXPLAIN \(sql)").decode(String.self)
                // Sellers are few and read fastest from end to end.
                let scans = plan.filter {
                    $0.contains("Seq Scan") && !$0.contains(" on sellers") && !$0.contains("unnest")
                }
                #expect(scans == [], "\(name):\n\(plan.joined(separator: "\n"))")
            }
        }
    }

    @Test(arguments: [false, true])
    func `no hot statement reads a table from end to end`(_ analyzing: Bool) async throws {
        try await check(analyzing: analyzing)
    }

    @Test func `a page of the sweep reads the rows of that page and no other`() async throws {
        try await BooksFixture.with { books in
            try await TestDatabase.current.withPool { pool in
                for statement in Self.fill { _ = try await pool.query(statement) }
                _ = try await pool.query("ANALYZE")
            }
            let sql = AccountSQL.due(of: Self.seller, by: books.start, after: Customer.ID(5000), limit: 100)
            let plan = try await books.rows("EXPLAIN \(sql)").decode(String.self)
            #expect(plan.contains { $0.contains("Index Scan using customers_due") }, "\(plan)")
            #expect(!plan.contains { $0.contains("Sort") }, "\(plan.joined(separator: "\n"))")
        }
    }

    /// The planner takes any index that begins as the key does for as good as the key while a table is new.
    @Test func `no index but those within a customer begins with the seller, beside the key`() async throws {
        let rivals: SQL = """
            SELECT index.indexrelid::regclass::text
              FROM pg_index AS index
              JOIN pg_class AS relation ON relation.oid = index.indrelid
              JOIN pg_attribute AS first ON first.attrelid = index.indrelid AND first.attnum = index.indkey[0]
             WHERE relation.relnamespace = 'books'::regnamespace AND first.attname = 'seller_id'
               AND NOT index.indisprimary AND index.indpred IS NULL
            """
        try await TestDatabase.current.withPool { pool in
            #expect(try await pool.query(rivals).decode(String.self) == [])
            _ = try await pool.query("CREATE INDEX rival ON books.customers (seller_id, name)")
            #expect(try await pool.query(rivals).decode(String.self) == ["books.rival"])
        }
    }
}
