import Billing
import BillingPorts
import BooksStore
import Chance
import Dates
import JSONText
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(5)))
struct InvoiceBooksTests {
    @Test func `reconciled through the books, nothing is due twice`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            try await books.renew()
            let customer = try #require(try await books.customers().first)
            let issued = try #require(try await books.invoice(customer))
            #expect(issued.state == .open && issued.invoice.number == "ACME-1-0001")
            #expect(issued.invoice.total == Money(minorUnits: 29_900, .usd))
            #expect(issued.invoice.due == books.today.adding(days: 14))
            #expect(try await books.invoice(customer) == nil)
            let next = try #require(try await books.invoice(customer, on: books.today.adding(months: 1)))
            #expect(next.invoice.number == "ACME-1-0002" && next.invoice.lines.count == 1)
            #expect(try await books.invoice(customer, on: books.today.adding(months: 1)) == nil)
            let account = try await books.work { work in try await work.accountToInvoice(customer) }
            #expect(
                account?.lines
                    == [issued, next].flatMap { issued in
                        issued.invoice.lines.map { ExistingLine($0, invoice: issued.invoice.number) }
                    })
            #expect(account?.customer.email == "a1@practice.example" && account?.customer.sellerCode == "practice")
        }
    }

    @Test func `a customer that is not there is nobody`() async throws {
        try await BooksFixture.with { books in
            let nobody = CustomerKey(seller: books.seller, customer: Customer.ID(99))
            let account = try await books.work { work in try await work.accountToInvoice(nobody) }
            #expect(account == nil)
        }
    }

    @Test func `a line is stored exactly, with what explains it`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1, plan: "seats"))
            try await books.renew()
            let customer = try #require(try await books.customers().first)
            let line = try #require(try await books.invoice(customer)?.invoice.lines.first)
            // 33.33 cents x (7.25 - 0.5) = 224.9775, rounded once.
            #expect(line.amount == Money(minorUnits: 225, .usd))
            let (quantity, factor, amount, json) = try await books.rows(
                "SELECT quantity, factor, amount, explanation FROM books.invoice_lines"
            ).only(String.self, String?.self, Int64.self, PostgresJSON.self)
            #expect(quantity == "29/4" && factor == nil && amount == 225)
            let explanation = try Explanation(reading: JSONNode(parsing: json.utf8))
            #expect(try explanation == line.explanation && explanation.evaluate() == line.amount)
        }
    }

    @Test func `an issued invoice is booked, and one of nothing is paid at once`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            try await books.renew()
            let customer = try #require(try await books.customers().first)
            let issued = try #require(try await books.invoice(customer))
            let (reference, debit, credit, amount) = try await books.rows(
                """
                SELECT reference, debit, credit, amount
                  FROM books.journal_entries JOIN books.postings USING (seller_id, customer_id, entry_id)
                """
            ).only(String.self, String.self, String.self, Int64.self)
            #expect(reference == issued.invoice.number && amount == 29_900)
            #expect(debit == "receivable" && credit == "deferred_revenue")

            let free = try await books.work { work in
                let account = try #require(try await work.accountToInvoice(customer))
                let draft = try DraftInvoice(
                    customer: customer.customer, currency: .usd, lines: [Self.free(after: issued.invoice.lines[0])])
                return try await work.issue(draft, for: account, on: books.today)
            }
            #expect(free.state == .paid)
            #expect(try await books.count("SELECT count(*) FROM books.journal_entries") == 1)
            #expect(try await BooksSummary.read(seller: books.seller, books.pool).violations == [])
        }
    }

    /// A line of nothing, which reconciliation leaves out.
    private static func free(after line: InvoiceLine) throws -> InvoiceLine {
        let period = Period(start: line.period.end, end: line.period.end.adding(days: 1))
        let explanation = try Explanation(rule: .flat, currency: .usd, basePrice: .zero, quantity: .one)
        return InvoiceLine(
            key: InvoiceLine.Key(
                subscription: line.subscription, price: line.code, start: period.start, kind: .oneTime),
            period: period, dueOn: period.start, quantity: .one, factor: DayFraction(days: 1, of: 30),
            amount: try explanation.evaluate(), explanation: explanation)
    }

    @Test func `numbers run without a gap through concurrent issuers that fail at random`() async throws {
        struct Failure: Error {}
        try await BooksFixture.with(catalogue: BooksFixture.catalogue(numbering: "seller")) { books in
            try await books.load(BooksFixture.customers(48))
            try await books.renew()
            let customers = try await books.customers()
            let failures = try await withThrowingTaskGroup(of: Int.self) { group in
                for issuer in 0..<8 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(issuer))
                        var failures = 0
                        for (index, customer) in customers.enumerated() where index % 8 == issuer {
                            // A try that fails has taken its number; the next issues the same lines.
                            var isDone = false
                            while !isDone {
                                let fails = Int.random(in: 0..<3, using: &random) == 0
                                do {
                                    try await books.work { work in
                                        _ = try await books.invoice(customer, on: books.today, in: work)
                                        if fails { throw Failure() }
                                    }
                                    isDone = true
                                } catch is Failure { failures += 1 }
                            }
                        }
                        return failures
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(failures > 0)
            let numbers = try await books.rows("SELECT number FROM books.invoices ORDER BY number").decode(String.self)
            #expect(numbers == (1...48).map { InvoiceNumbering(.seller).number(Int64($0), customer: "") })
            #expect(try await books.count("SELECT last FROM books.number_series") == 48)
        }
    }

    static let changes: [(what: String, sql: SQL)] = [
        ("its total", "UPDATE books.invoices SET total = total + 1, subtotal = subtotal + 1"),
        ("its date", "UPDATE books.invoices SET issued_on = issued_on + 1"),
        ("its customer", "UPDATE books.invoices SET customer_id = customer_id + 1"),
        ("back to a draft", "UPDATE books.invoices SET state = 'draft', number = NULL"),
        ("deleted", "DELETE FROM books.invoices"),
        ("a line's amount", "UPDATE books.invoice_lines SET amount = amount + 1"),
        ("a line deleted", "DELETE FROM books.invoice_lines"),
        (
            "a line added",
            """
            INSERT INTO books.invoice_lines
                   (seller_id, customer_id, invoice_id, position, kind, code, amount, explanation)
            SELECT seller_id, customer_id, invoice_id, 99, 'one_time', 'extra', 1, '{}' FROM books.invoices
            """
        ),
    ]

    @Test(arguments: changes.indices)
    func `an issued invoice refuses every change, whoever asks`(_ index: Int) async throws {
        let change = Self.changes[index]
        try await BooksFixture.with { books in
            _ = try await books.invoicedCustomer()
            #expect(try await BooksFixture.refusal(asSuperuser: change.sql) == "BW002", "\(change.what)")
        }
    }

    @Test func `the ledger only grows`() async throws {
        try await BooksFixture.with { books in
            _ = try await books.invoicedCustomer()
            let statements: [SQL] = [
                "UPDATE books.postings SET amount = 1", "DELETE FROM books.postings",
                "UPDATE books.journal_entries SET booked_on = booked_on + 1", "DELETE FROM books.journal_entries",
                "UPDATE books.invoice_lines SET amount = 1", "DELETE FROM books.invoice_lines",
                "DELETE FROM books.invoices", "DELETE FROM books.payments", "UPDATE books.payments SET amount = 1",
                "UPDATE books.subscription_transitions SET cause = ''", "TRUNCATE books.postings",
            ]
            for statement in statements {
                let error = await #expect(throws: PostgresError.self) { try await books.rows(statement) }
                #expect(error?.sqlState == "42501", "\(statement)")
            }
        }
    }
}
