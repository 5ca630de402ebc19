import Accounts
import Billing
import BillingPorts
import BooksStore
import Dates
import JobKit
import Ledger
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(15)))
struct OperationBooksTests {
    private static let catalogue = """
        {"seller": {"code": "practice", "name": "P", "currency": "USD"},
         "plans": [{"code": "starter", "interval": "month", "prices": [
            {"code": "base", "model": "flat", "amount": "299.00"}]}],
         "coupons": [{"code": "first", "percent": "10", "limit": 3}]}
        """

    @Test func `a coupon is handed in no more often than it may be, by however many at once`() async throws {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            try await books.load(BooksFixture.customers(8))
            let customers = try await books.customers()
            let done = try await withThrowingTaskGroup(of: Bool.self) { group in
                for customer in customers {
                    group.addTask {
                        do {
                            try await books.work { work in
                                try await work.perform(
                                    .useCoupon(subscription: nil, coupon: "first"), for: customer, by: "support")
                            }
                            return true
                        } catch let fault as OperationFault where fault.code == .couponExhausted { return false }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(done == 3)
            #expect(try await books.count("SELECT count(*) FROM books.coupon_uses") == 3)
        }
    }

    @Test func `a code that another customer's subscription has is taken`() async throws {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            try await books.load(BooksFixture.customers(2))
            let customers = try await books.customers()
            let fault = await #expect(throws: OperationFault.self) {
                try await books.work { work in
                    try await work.perform(
                        .subscribe(Accounts.Operation.Subscribe(code: "acme-1", plan: "starter")), for: customers[1],
                        by: "support")
                }
            }
            #expect(fault?.code == .duplicate)
        }
    }

    @Test(arguments: ["seller", "customer"])
    func `an invoice of its own takes the next number of its row, unless it is rolled back`(_ rows: String) async throws
    {
        struct RollBack: Error {}
        try await BooksFixture.with(catalogue: BooksFixture.catalogue(numbering: rows)) { books in
            try await books.load(BooksFixture.customers(6))
            let customers = try await books.customers()
            let extra = Accounts.Operation.invoice([
                Accounts.Operation.OneOffLine(code: "setup", amount: Money(minorUnits: 900, .usd))
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (place, customer) in customers.enumerated() {
                    group.addTask {
                        for turn in 0..<6 {
                            do {
                                try await books.work { work in
                                    try await work.perform(extra, for: customer, by: "support")
                                    if (place + turn).isMultiple(of: 3) { throw RollBack() }
                                }
                            } catch is RollBack {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            let numbers = try await books.rows("SELECT number FROM books.invoices ORDER BY number").decode(String.self)
            let codes = try await books.rows("SELECT code FROM books.customers ORDER BY code").decode(String.self)
            let expected =
                rows == "seller"
                ? (1...24).map { InvoiceNumbering(.seller).number(Int64($0), customer: "") }
                : codes.flatMap { code in (1...4).map { InvoiceNumbering().number(Int64($0), customer: code) } }
            #expect(numbers == expected.sorted())
        }
    }

    @Test(arguments: ["seller", "customer"])
    func `when nobody has looked in time, what fell due comes before the operation`(_ rows: String) async throws {
        try await BooksFixture.with(catalogue: BooksFixture.catalogue(numbering: rows)) { books in
            try await books.load(BooksFixture.customers(1))
            let customer = try #require(try await books.customers().first)
            let cancel = Accounts.Operation.cancel(subscription: "acme-1", when: .now, unused: .credit, reason: nil)
            // At the very instant from which it is due, the operation comes first.
            let credit = Accounts.Operation.credit(Money(minorUnits: 500, .usd))
            try await books.work { work in try await work.perform(credit, for: customer, by: "support") }
            #expect(try await books.count("SELECT count(*) FROM books.invoices") == 0)

            let late = books.start + .seconds(40 * 86_400)
            let preview = try await books.work(at: late) { work in try await work.performed(cancel, for: customer) }
            #expect(preview.account.invoices.count == 1)
            #expect(try await books.count("SELECT count(*) FROM books.invoices") == 0)
            let unknown = Accounts.Operation.pause(subscription: "x")
            await #expect(throws: OperationFault.self) {
                try await books.work(at: late) { work in
                    try await work.perform(unknown, for: customer, by: "support")
                }
            }
            #expect(try await books.count("SELECT count(*) FROM books.invoices") == 0)
            try await books.work(at: late) { work in try await work.perform(cancel, for: customer, by: "support") }
            let issued = try await books.rows("SELECT number, total FROM books.invoices").decode(
                String.self, Int64.self)
            // Both months as they were, before the second was cut short.
            #expect(issued.map(\.0) == [rows == "seller" ? "INV-0001" : "ACME-1-0001"])
            #expect(issued.map(\.1) == [59_800])
        }
    }

    @Test func `what was done is written down in order, with who and why; what was refused is not`() async throws {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            let customer = try await books.invoicedCustomer()
            let credit = Accounts.Operation.credit(Money(minorUnits: 500, .usd))
            try await books.work { work in
                try await work.perform(credit, for: customer, by: "support", why: "an apology")
                try await work.perform(.pause(subscription: "acme-1"), for: customer, by: "acme")
            }
            await #expect(throws: OperationFault.self) {
                try await books.work { work in
                    try await work.perform(.pause(subscription: "acme-1"), for: customer, by: "acme")
                }
            }
            let rows = try await books.rows(
                "SELECT ordinal, by, why, operation ->> 'do' FROM books.operations ORDER BY 1"
            )
            .decode(Int.self, String.self, String.self, String.self)
            #expect(
                rows.map { "\($0.0) \($0.1) '\($0.2)' \($0.3)" } == [
                    "0 support 'an apology' credit", "1 acme '' pause",
                ])
        }
    }
}

@Suite(.books, .timeLimit(.minutes(15)))
struct InspectionTests {
    @Test func `an invoice is found by its number, with all its lines and why`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            let inspection = BooksInspection(books.pool, books.context)
            let found = try #require(try await inspection.invoice("ACME-1-0001", of: books.seller))
            #expect(found.customer == customer && found.customerCode == "acme-1")
            for line in found.invoice.lines { #expect(try line.explanation.evaluate() == line.amount) }
            #expect(try await inspection.invoice("ACME-1-0002", of: books.seller) == nil)
            let balance = try await inspection.trialBalance(of: books.seller)
            #expect(balance.map(\.amount.minorUnits) == [-29_900, 29_900])
            #expect(balance.map(\.account) == [.deferredRevenue, .receivable])
        }
    }
}
