import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct RenewalsTests {
    @Test func `each customer is billed on the day that begins where it lives`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([
                SampleCustomer("tonga", timeZone: "Pacific/Tongatapu", start: "2026-03-01"),
                SampleCustomer("coast", timeZone: "America/Los_Angeles", start: "2026-03-01"),
            ])
            // Midnight of 1 March is 11:00 of 28 February in UTC there, and 08:00 of 1 March here.
            let table = [
                ("2026-02-28T10:59:59Z", 0), ("2026-02-28T11:00:00Z", 1), ("2026-03-01T07:59:59Z", 1),
                ("2026-03-01T08:00:00Z", 2),
            ]
            for (time, billed) in table {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                try await fixture.drain(from: try Instant(parsing: time)) { RenewalsHandler(zones: fixture.zones) }
                let customers = try await fixture.query(
                    """
                    SELECT code FROM queue.all_jobs JOIN books.customers
                        ON customer_id = (arguments -> 'customer' ->> 'customer')::bigint
                     WHERE kind = 'generate_invoice' ORDER BY id
                    """, of: seller.id
                ).decode(String.self)
                #expect(customers == Array(["tonga", "coast"].prefix(billed)), "at \(time)")
            }
        }
    }

    @Test func `more subscriptions than two batches hold are looked at once each`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load((1...450).map { SampleCustomer("c\($0)", token: nil) })
            for _ in 1...2 {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                let drained = try await fixture.drain(from: fixture.start) { RenewalsHandler(zones: fixture.zones) }
                #expect(drained.endings == ["completed"])
                // The second run finds nothing.
                let customers = try await fixture.pool.query(
                    "SELECT count(*), count(DISTINCT arguments::text) FROM queue.all_jobs WHERE kind = 'generate_invoice'"
                ).only(Int.self, Int.self)
                #expect(customers == (450, 450))
            }
        }
    }

    @Test func `month after month each customer gets one invoice, and numbers have no gap`() async throws {
        try await BillingFixture.with { fixture in
            let codes = (1...3).map { "c\($0)" }
            let seller = try await fixture.load(
                codes.map { SampleCustomer($0, token: nil, start: "2026-03-31") }
                    + [SampleCustomer("late", token: nil, plan: "arrears", start: "2026-03-31")])
            // The day of billing is clamped in April and comes back in May.
            for day in ["2026-03-31", "2026-04-29", "2026-04-30", "2026-05-31"] {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                try await fixture.drain(from: try Instant(parsing: "\(day)T09:00:00Z")) {
                    RenewalsHandler(zones: fixture.zones)
                    InvoiceGenerationHandler(zones: fixture.zones)
                }
            }
            let issued = try await fixture.query(
                "SELECT concat_ws(' ', number, issued_on, total) FROM books.invoices ORDER BY number", of: seller.id
            ).decode(String.self)
            let days = ["0001 2026-03-31 5900", "0002 2026-04-30 5900", "0003 2026-05-31 5900"]
            let expected = codes.flatMap { code in days.map { "\(code.uppercased())-\($0)" } }
            #expect(issued == expected + ["LATE-0001 2026-04-30 2900", "LATE-0002 2026-05-31 2900"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }
}
