import Accounts
import Billing
import BillingPorts
import Ledger
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@testable import BooksStore

@Suite(.books, .timeLimit(.minutes(15)))
struct SummaryTests {
    /// Two customers invoiced; the first has paid.
    private func bill(_ books: BooksFixture) async throws {
        try await books.load(BooksFixture.customers(2))
        let customers = try await books.customers()
        try await books.invoice(customers)
        try await books.change([customers[0]]) { [start = books.start] account in
            let attempt = try account.openAttempt(at: start, on: 0)
            account.send(attempt: attempt, at: start)
            try account.settle(attempt: attempt, with: .success, reference: "pi_1", at: start)
        }
    }

    @Test func `the summary says what stands in the books`() async throws {
        try await BooksFixture.with { books in
            try await bill(books)
            for seller in [books.seller, nil] {
                let summary = try await BooksSummary.read(seller: seller, books.pool)
                let (price, both) = (Money(minorUnits: 29_900, .usd), Money(minorUnits: 59_800, .usd))
                #expect(summary.customers == 2 && summary.subscriptions == [.active: 2])
                #expect(summary.invoices == [.open: 1, .paid: 1] && summary.attempts == [.success: 1])
                #expect(summary.unansweredAttempts == 0 && summary.mails == [.intended: 3])
                #expect(summary.invoiced == [BooksSummary.Total(count: 2, amount: both)])
                #expect(summary.paid == [BooksSummary.Total(count: 1, amount: price)])
                let owed = try both.negated()
                #expect(
                    summary.balances == [
                        BooksSummary.Balance(account: .cash, amount: price),
                        BooksSummary.Balance(account: .deferredRevenue, amount: owed),
                        BooksSummary.Balance(account: .receivable, amount: price),
                    ])
                #expect(summary.isBalanced)
            }
            let nobody = try await BooksSummary.read(seller: Seller.ID(99), books.pool)
            #expect(nobody.customers == 0 && nobody.isBalanced)
        }
    }

    static let damages: [(sql: SQL, found: [String])] = [
        (
            "UPDATE books.invoice_lines SET amount = amount - 1 WHERE customer_id = 2",
            ["invoice_totals: invoice ACME-2-0001: its total is 29900, its lines add up to 29899"]
        ),
        (
            "UPDATE books.invoices SET paid = 29800 WHERE customer_id = 2",
            [
                "receivable: customer 2: its receivable is 29900 USD, its invoices are owed 100",
                "cash: customer 2: its cash is 0 USD, its payments come to 29800",
            ]
        ),
        (
            "DELETE FROM books.postings WHERE debit = 'receivable' AND customer_id = 2",
            [
                "invoices_booked: invoice ACME-2-0001: its total is 29900, booked as receivable 0",
                "receivable: customer 2: its receivable is 0 USD, its invoices are owed 29900",
            ]
        ),
        (
            "DELETE FROM books.postings WHERE debit = 'cash'",
            [
                "receivable: customer 1: its receivable is 29900 USD, its invoices are owed 0",
                "cash: customer 1: its cash is 0 USD, its payments come to 29900",
                "charges: customer 1: its charges brought 29900 USD, received were 0",
            ]
        ),
        (
            "UPDATE books.payment_attempts SET amount = amount + 1",
            ["charges: customer 1: its charges brought 29901 USD, received were 29900"]
        ),
        (
            "UPDATE books.customers SET credit = 5 WHERE customer_id = 2",
            ["credit: customer 2: its customer_credit is 0 USD, its credit is less -5"]
        ),
        (
            "DELETE FROM books.mails WHERE customer_id = 2",
            ["counts: customer 2: it counts 1 entries and 1 mails, there are 1 and 0"]
        ),
        (
            "INSERT INTO books.number_series VALUES (1, 3)",
            ["numbering: seller 1: 3 numbers were given to 0 invoices"]
        ),
    ]

    @Test(arguments: damages.indices)
    func `what does not agree is named`(_ index: Int) async throws {
        let damage = Self.damages[index]
        try await BooksFixture.with { books in
            try await bill(books)
            try await TestDatabase.current.withPool { pool in
                try await pool.transaction { transaction in
                    // As a broken disk would: no trigger and no foreign key is asked.
                    _ = try await transaction.query("SET LOCAL session_replication_role = replica")
                    _ = try await transaction.query(damage.sql)
                }
            }
            let summary = try await BooksSummary.read(books.pool)
            #expect(!summary.isBalanced && summary.violations.map(\.description) == damage.found)
        }
    }
}
