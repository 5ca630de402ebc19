import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct InvoiceGenerationTests {
    private func generate(_ seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        let today = TimeZoneRules.utc.localDate(of: fixture.start)
        try await fixture.enqueue(GenerateInvoice(customer: seller.customer(), date: today))
        return try await fixture.drain(from: fixture.start) { InvoiceGenerationHandler(zones: fixture.zones) }.endings
    }

    private func invoices(of seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        try await fixture.query(
            "SELECT concat_ws(' ', number, state, total, due_on) FROM books.invoices ORDER BY number", of: seller.id
        ).decode(String.self)
    }

    @Test func `a second job for the same day writes nothing`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.renew(seller)
            for _ in 1...2 {
                #expect(try await generate(seller, in: fixture) == ["completed"])
                // Two months of 29.00 and three seats at 10.00.
                #expect(try await invoices(of: seller, in: fixture) == ["ACME-0001 open 11800 2026-02-15"])
                #expect(try await fixture.states(of: ChargeInvoice.kind).count == 1)
            }
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `an invoice is collected on its due date, in the customer's zone`() async throws {
        try await BillingFixture.with { fixture in
            let coast = SampleCustomer(timeZone: "America/Los_Angeles")
            let seller = try await fixture.load([coast], netDays: 14)
            try await fixture.renew(seller)
            #expect(try await generate(seller, in: fixture) == ["completed"])
            #expect(try await invoices(of: seller, in: fixture) == ["ACME-0001 open 11800 2026-03-01"])
            let due = try await fixture.pool.query("SELECT due_at FROM queue.all_jobs WHERE kind = 'charge_invoice'")
                .only(Instant.self)
            #expect(due == (try Instant(parsing: "2026-03-01T08:00:00Z")))
        }
    }

    @Test func `who owes nothing gets no invoice, and no number is used up`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer(plan: "free")])
            try await fixture.renew(seller)
            #expect(try await generate(seller, in: fixture) == ["completed"])
            #expect(try await invoices(of: seller, in: fixture) == [])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `a customer whose history contradicts itself is held, and nothing is written`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            // Somebody changed what had been billed already.
            try await fixture.query(#"UPDATE books.subscriptions SET quantities = '{"seats": "4"}'"#, of: seller.id)
            let endings = try await generate(seller, in: fixture)
            let reason = try #require(endings.first)
            #expect(reason.hasPrefix("held: customer \(seller.customer())"))
            #expect(reason.contains("30.00 USD") && reason.contains("40.00 USD"), "it names both amounts")
            #expect(try await invoices(of: seller, in: fixture).count == 1)
            #expect(try await fixture.states(of: GenerateInvoice.kind) == ["held"])
        }
    }
}
