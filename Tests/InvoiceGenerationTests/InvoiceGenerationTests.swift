import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Money
import Postgres
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct InvoiceGenerationTests {
    private func generate(_ seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        let customers = seller.customers.values.map(\.customer).sorted()
        try await fixture.enqueue(GenerateInvoices(seller: seller.id, customers: customers))
        return try await fixture.drain(from: fixture.start) { InvoiceGenerationHandler() }.endings
    }

    @Test func `a second job writes nothing`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.registerMethods(of: seller, at: CountingGateway())
            for run in 1...2 {
                #expect(try await generate(seller, in: fixture) == ["completed"])
                // Two months of 29.00 and three seats at 10.00.
                #expect(try await fixture.invoices(of: seller.id) == ["ACME-0001 open 11800 2026-02-15"])
                #expect(try await fixture.mails(of: seller.id) == ["acme invoice_issued ACME-0001"])
                // What is due is collected; whoever asks twice is answered twice.
                #expect(try await fixture.states(of: CollectPayments.kind).count == run)
            }
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `an invoice is collected from its due date on, where the customer lives`() async throws {
        try await BillingFixture.with { fixture in
            let coast = SampleCustomer(timeZone: "America/Los_Angeles")
            let seller = try await fixture.load([coast], netDays: 14)
            try await fixture.registerMethods(of: seller, at: CountingGateway())
            #expect(try await generate(seller, in: fixture) == ["completed"])
            #expect(try await fixture.invoices(of: seller.id) == ["ACME-0001 open 11800 2026-03-01"])
            for (time, collections) in [("2026-03-01T07:59:59Z", 0), ("2026-03-01T08:00:00Z", 1)] {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                try await fixture.drain(from: try Instant(parsing: time)) { RenewalsHandler() }
                #expect(try await fixture.states(of: CollectPayments.kind).count == collections, "at \(time)")
            }
        }
    }

    @Test func `who owes nothing gets no invoice, and no number is used up`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer(plan: "free")])
            #expect(try await generate(seller, in: fixture) == ["completed"])
            #expect(try await fixture.invoices(of: seller.id) == [])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    /// Seats that cost more than any amount can say; an account that cannot even be read.
    enum Fault: CaseIterable { case amount, zone }

    private static let others = [SampleCustomer("first"), SampleCustomer("third")]

    private func load(
        with fault: Fault, numbering: InvoiceNumbering.Scheme = .customer, in fixture: BillingFixture
    ) async throws -> SampleSeller {
        let customers = [Self.others[0], SampleCustomer("second"), Self.others[1]]
        let seller = try await fixture.load(customers, numbering: numbering)
        switch fault {
        case .amount:
            try await fixture.change([seller.customer("second")]) { account in
                try account.advance(to: fixture.start)
                try account.perform(
                    .changeQuantity(subscription: "second-1", unit: "seats", quantity: Rational(Int64.max), .init()),
                    at: fixture.start)
            }
        case .zone:
            try await fixture.query(
                "UPDATE books.customers SET time_zone = 'Mars/Olympus' WHERE code = 'second'", of: seller.id)
        }
        return seller
    }

    @Test(arguments: Fault.allCases)
    func `a customer who cannot be billed is set aside for a person, and the others go on`(fault: Fault) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await load(with: fault, in: fixture)
            let endings = try await generate(seller, in: fixture)
            #expect(endings.first == "completed" && endings.count == 2)
            #expect(endings.last?.hasPrefix("held: customer \(seller.customer("second")) cannot be billed") == true)
            #expect(
                try await fixture.invoices(of: seller.id) == [
                    "FIRST-0001 open 11800 2026-02-15", "THIRD-0001 open 11800 2026-02-15",
                ])
            #expect(try await fixture.states(of: GenerateInvoices.kind) == ["completed", "held"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `who was set aside while a series was numbered gets the next number of the series`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await load(with: .zone, numbering: .seller, in: fixture)
            let customers = seller.customers.values.sorted()
            try await fixture.work(of: seller.id) { work in try await work.requestInvoices(of: customers) }
            func drain() async throws -> [String] {
                try await fixture.drain(from: fixture.start) {
                    InvoiceGenerationHandler()
                    FinaliseInvoicesHandler()
                }.endings
            }
            let endings = try await drain()
            #expect(endings.count == 2 && endings[0] == "completed" && endings[1].hasPrefix("held: "))

            try await fixture.query(
                "UPDATE books.customers SET time_zone = 'Etc/UTC' WHERE code = 'second'", of: seller.id)
            try await fixture.release(GenerateInvoices.kind, at: fixture.start)
            #expect(try await drain() == ["completed"])
            let issued = try await fixture.query(
                """
                SELECT concat_ws(' ', number, code)
                  FROM books.invoices JOIN books.customers USING (seller_id, customer_id) ORDER BY number
                """, of: seller.id
            ).decode(String.self)
            #expect(issued == ["INV-0001 first", "INV-0002 third", "INV-0003 second"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    /// The database takes no invoice of one customer, as long as that lasts.
    private func refuse(_ customer: CustomerKey) async throws {
        let check: SQL = "ALTER TABLE books.invoices ADD CONSTRAINT refused CHECK (customer_id <> 2) NOT VALID"
        try #require(customer.customer.rawValue == 2)
        try await TestDatabase.current.withPool { pool in _ = try await pool.query(check) }
    }

    @Test(arguments: [InvoiceNumbering.Scheme.customer, .seller])
    func `a customer whose invoice cannot be stored keeps the others of its batch from theirs for a while only`(
        numbering: InvoiceNumbering.Scheme
    ) async throws {
        try await BillingFixture.with { fixture in
            let customers = [Self.others[0], SampleCustomer("second"), Self.others[1]]
            let seller = try await fixture.load(customers, numbering: numbering)
            try await refuse(seller.customer("second"))
            try await fixture.work(of: seller.id) { work in
                try await work.requestInvoices(of: seller.customers.values.sorted())
            }
            func drain(from now: Instant) async throws -> [String] {
                try await fixture.drain(from: now, until: now + .seconds(30 * 86_400)) {
                    InvoiceGenerationHandler()
                    FinaliseInvoicesHandler()
                }.endings
            }
            let endings = try await drain(from: fixture.start)
            #expect(endings.prefix(4).map { $0.hasPrefix("failed: ") } == [true, true, true, false])
            #expect(endings.last?.hasPrefix("held: ") == true && endings.count { $0.hasPrefix("held: ") } == 1)
            let numbers = try await fixture.query("SELECT number FROM books.invoices ORDER BY number", of: seller.id)
                .decode(String.self)
            #expect(numbers == (numbering == .seller ? ["INV-0001", "INV-0002"] : ["FIRST-0001", "THIRD-0001"]))
            try await fixture.expectBalancedBooks(of: seller.id)

            try await TestDatabase.current.withPool { pool in
                _ = try await pool.query("ALTER TABLE books.invoices DROP CONSTRAINT refused")
            }
            let later = fixture.start + .seconds(40 * 86_400)
            try await fixture.release(GenerateInvoices.kind, at: later)
            #expect(try await drain(from: later) == ["completed"])
            #expect(try await fixture.invoices(of: seller.id).count == 3)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `a reactivation that costs nothing takes no number of the series`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load(
                [SampleCustomer(plan: "free"), SampleCustomer("other")], numbering: .seller)
            let customer = seller.customer()
            try await fixture.renew(seller)
            try await fixture.perform(
                .cancel(subscription: "acme-1", when: .now, unused: .none, reason: nil), for: customer)
            try await fixture.perform(.reactivate(subscription: "acme-1"), for: customer)
            try await fixture.work(of: seller.id) { work in
                try await work.requestInvoices(of: seller.customers.values.sorted())
            }
            try await fixture.drain(from: fixture.start) { FinaliseInvoicesHandler() }
            let account = try await fixture.account(customer)
            #expect(account.reactivation == nil && account.subscriptions.map(\.state) == [.active])
            #expect(try await fixture.invoices(of: seller.id) == ["INV-0001 open 11800 2026-02-15"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `while the charge for a reactivation is waited for nothing else is invoiced`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            try await fixture.registerMethods(of: seller, at: CountingGateway())
            let customer = seller.customer()
            try await fixture.perform(
                .cancel(subscription: "acme-1", when: .now, unused: .none, reason: nil), for: customer)
            // After the period that is paid for: it begins anew with one of its own.
            let later = try Instant(parsing: "2026-03-20T12:00:00Z")
            try await fixture.perform(.reactivate(subscription: "acme-1"), for: customer, at: later)
            for _ in 1...2 {
                try await fixture.enqueue(GenerateInvoices(seller: seller.id, customers: [customer.customer]))
                try await fixture.drain(from: later) { InvoiceGenerationHandler() }
                let account = try await fixture.account(customer)
                #expect(account.reactivation?.invoice == account.invoices.indices.last)
            }
            let next = try Instant(parsing: "2026-04-20T12:00:00Z")
            let count = try await fixture.account(customer).invoices.count
            try await fixture.enqueue(GenerateInvoices(seller: seller.id, customers: [customer.customer]))
            try await fixture.drain(from: next) { InvoiceGenerationHandler() }
            let account = try await fixture.account(customer)
            #expect(account.invoices.count == count && account.reactivation?.invoice == count - 1)
        }
    }
}
