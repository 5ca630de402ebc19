import Billing
import BillingPorts
import Ledger
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@testable import BooksStore

@Suite(.books, .timeLimit(.minutes(5)))
struct SummaryTests {
    /// Two customers invoiced; the first has paid.
    private func bill(_ books: BooksFixture) async throws {
        try await books.load(BooksFixture.customers(2))
        try await books.renew()
        for customer in try await books.customers() {
            try await books.activate(customer)
            let issued = try #require(try await books.invoice(customer))
            guard customer.customer == Customer.ID(1) else { continue }
            try await books.work { work in
                let invoice = try #require(try await work.invoiceToCollect(issued.id, of: customer))
                let method = try #require(invoice.method)
                let attempt = try await work.openAttempt(at: invoice, with: method)
                try await work.move(attempt, to: PaymentMove(to: .succeeded, because: .answered, reference: "pi_1"))
                _ = try await work.receivePayment(from: attempt, for: invoice, on: books.today)
            }
        }
    }

    @Test func `the summary says what stands in the books`() async throws {
        try await BooksFixture.with { books in
            try await bill(books)
            for seller in [books.seller, nil] {
                let summary = try await BooksSummary.read(seller: seller, books.pool)
                let (price, both) = (Money(minorUnits: 29_900, .usd), Money(minorUnits: 59_800, .usd))
                #expect(summary.customers == 2 && summary.subscriptions == [.active: 2])
                #expect(summary.invoices == [.open: 1, .paid: 1] && summary.attempts == [.succeeded: 1])
                #expect(summary.mails == [:])
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
            "UPDATE books.invoice_lines SET amount = amount - 1 WHERE invoice_id = 2",
            ["invoice_totals: invoice 2: its total is 29900, its lines add up to 29899"]
        ),
        (
            "UPDATE books.invoices SET paid = 29800 WHERE invoice_id = 2",
            [
                "invoices_paid: invoice 2: it is open of 29900 with 29800 paid, its payments add up to 0",
                "receivable: customer 2: its receivable is 29900 USD, its invoices are owed 100",
            ]
        ),
        (
            "DELETE FROM books.postings WHERE debit = 'receivable' AND customer_id = 2",
            [
                "invoices_booked: invoice 2: its total is 29900, booked as receivable 0",
                "receivable: customer 2: its receivable is 0 USD, its invoices are owed 29900",
            ]
        ),
        (
            "DELETE FROM books.postings WHERE debit = 'cash'",
            [
                "receivable: customer 1: its receivable is 29900 USD, its invoices are owed 0",
                "cash: customer 1: its cash is 0 USD, its payments add up to 29900",
            ]
        ),
        (
            "UPDATE books.payment_attempts SET state = 'unknown'",
            ["payments_of_attempts: payment attempt 1: it is unknown of 29900, its payment is 29900"]
        ),
        (
            "UPDATE books.number_series SET last = 2 WHERE series = 'customer/acme-1'",
            ["numbering: seller 1: 3 numbers were given to 2 invoices"]
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
