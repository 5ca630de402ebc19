import Accounts
import Billing
import BillingPorts
import BooksStore
import Dates
import JobKit
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

/// What the schema itself refuses, whoever asks.
@Suite(.books, .timeLimit(.minutes(15)))
struct SchemaTests {
    /// Statements about a customer 1 of a seller 1 with one invoice of one line, and the SQLSTATE they end in.
    static let refused: [(name: String, sql: SQL, state: String)] = [
        ("an invoice's total", "UPDATE books.invoices SET total = total + 1, subtotal = subtotal + 1", "BW002"),
        ("an invoice's number", "UPDATE books.invoices SET number = 'X-1'", "BW002"),
        ("an issued invoice", "DELETE FROM books.invoices", "BW002"),
        ("a line's amount", "UPDATE books.invoice_lines SET amount = 0", "BW002"),
        ("a line", "DELETE FROM books.invoice_lines", "BW002"),
        ("a posting", "UPDATE books.postings SET amount = 1", "BW002"),
        ("an entry", "DELETE FROM books.journal_entries", "BW002"),
        ("a transition", "UPDATE books.subscription_transitions SET to_state = 'active'", "BW002"),
        ("a plan as it was sold", "UPDATE books.sold_plans SET definition = '{}'", "BW002"),
        ("a catalogue's revision", "UPDATE books.catalogues SET definition = '{}'", "BW002"),
        (
            "a line of nothing that comes later",
            """
            INSERT INTO books.invoice_lines
                   (seller_id, customer_id, invoice, position, kind, code, amount, explanation)
            VALUES (1, 1, 0, 1, 'one_time', 'x', 0, '{}')
            """, "BW002"
        ),
        (
            "an invoice without lines",
            """
            INSERT INTO books.invoices
                   (seller_id, customer_id, ordinal, number, issued_on, due_on, issued_at, currency, line_count,
                    subtotal, tax, total, state)
            VALUES (1, 1, 1, 'X-2', '2026-11-21', '2026-11-21', now(), 'USD', 1, 5, 0, 5, 'open')
            """, "BW002"
        ),
        (
            "an invoice whose lines come to something else",
            """
            WITH issued AS (
                INSERT INTO books.invoices
                       (seller_id, customer_id, ordinal, number, issued_on, due_on, issued_at, currency, line_count,
                        subtotal, tax, total, state)
                VALUES (1, 1, 1, 'X-2', '2026-11-21', '2026-11-21', now(), 'USD', 1, 5, 0, 5, 'open'))
            INSERT INTO books.invoice_lines
                   (seller_id, customer_id, invoice, position, kind, code, amount, explanation)
            VALUES (1, 1, 1, 0, 'one_time', 'x', 6, '{}')
            """, "BW002"
        ),
        (
            "time that one invoice bills twice",
            """
            INSERT INTO books.invoice_lines
                   (seller_id, customer_id, invoice, position, kind, code, subscription, plan, period_start, period_end,
                    amount, explanation)
            SELECT seller_id, customer_id, invoice, 1, kind, code, subscription, plan, period_start, period_end, amount,
                   explanation FROM books.invoice_lines
            """, "23505"
        ),
        ("a paid invoice that is not", "UPDATE books.invoices SET state = 'paid'", "23514"),
        (
            "a second attempt beside one that is pending",
            """
            INSERT INTO books.payment_attempts
                   (seller_id, customer_id, ordinal, invoice, number, at, amount, currency, outcome)
            VALUES (1, 1, 0, 0, 1, now(), 5, 'USD', 'unknown'), (1, 1, 1, 0, 2, now(), 5, 'USD', NULL)
            """, "23505"
        ),
        (
            "a posting to itself",
            "INSERT INTO books.postings VALUES (1, 1, 0, 1, 'cash', 'cash', 5, 'USD')", "23514"
        ),
        (
            "a card's number for a token",
            """
            INSERT INTO books.payment_methods (seller_id, customer_id, token, state, created_at)
            VALUES (1, 1, '4242 4242 4242 4242', 'pending', now())
            """, "23514"
        ),
    ]

    @Test(arguments: refused.indices)
    func `nobody changes or makes what must not be`(_ index: Int) async throws {
        let (name, sql, state) = Self.refused[index]
        try await BooksFixture.with { books in
            _ = try await books.invoicedCustomer()
            #expect(try await BooksFixture.refusal(asSuperuser: sql) == state, "\(name)")
        }
    }

    @Test func `what becomes of an invoice may change`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            try await books.change([customer]) { account in
                try account.perform(.void(invoice: 1), at: books.start)
            }
            #expect(try await books.rows("SELECT state FROM books.invoices").decode(String.self) == ["void"])
        }
    }

    @Test func `the worker's role changes only what has a life`() async throws {
        try await BooksFixture.with { books in
            _ = try await books.invoicedCustomer()
            for sql: SQL in [
                "DELETE FROM books.mails", "UPDATE books.postings SET amount = 1",
                "UPDATE books.sold_plans SET code = 'x'", "TRUNCATE books.invoices",
            ] {
                let refused = await #expect(throws: PostgresError.self) { try await books.rows(sql) }
                #expect(refused?.sqlState == "42501")
            }
        }
    }
}
