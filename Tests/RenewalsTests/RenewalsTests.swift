import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct RenewalsTests {
    /// The codes of the customers that somebody was asked to invoice, in order.
    private func asked(_ seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        try await fixture.query(
            """
            SELECT code
              FROM queue.all_jobs, json_array_elements_text(arguments -> 'customers') WITH ORDINALITY AS wanted(id, n)
              JOIN books.customers ON customer_id = wanted.id::bigint
             WHERE kind = \(GenerateInvoices.kind.name)
             ORDER BY queue.all_jobs.id, n
            """, of: seller.id
        ).decode(String.self)
    }

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
                try await fixture.drain(from: try Instant(parsing: time)) { RenewalsHandler() }
                #expect(try await asked(seller, in: fixture) == Array(["tonga", "coast"].prefix(billed)), "at \(time)")
            }
        }
    }

    @Test func `more customers than two batches hold are looked at once each`() async throws {
        try await BillingFixture.with { fixture in
            let codes = (1...250).map { "c\($0)" }
            let seller = try await fixture.load(codes.map { SampleCustomer($0, token: nil) })
            for _ in 1...2 {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                let drained = try await fixture.drain(from: fixture.start) { RenewalsHandler() }
                #expect(drained.endings == ["completed"])
                // The second run finds nothing.
                #expect(try await asked(seller, in: fixture) == codes)
            }
        }
    }

    @Test func `who cannot be moved on is named, and keeps nobody else from it`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([
                SampleCustomer("first"), SampleCustomer("lost"), SampleCustomer("third"),
            ])
            try await fixture.query(
                "UPDATE books.customers SET time_zone = 'Mars/Olympus' WHERE code = 'lost'", of: seller.id)
            for run in 1...2 {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                let endings = try await fixture.drain(from: fixture.start) { RenewalsHandler() }.endings
                // Every run says so until somebody has mended it.
                let reason = try #require(endings.first)
                #expect(
                    reason.hasPrefix("discarded: 1 customers cannot be moved on: customer \(seller.customer("lost"))"))
                #expect(reason.contains("Mars/Olympus"))
                #expect(try await asked(seller, in: fixture) == ["first", "third"], "after run \(run)")
            }
            try await fixture.query(
                "UPDATE books.customers SET time_zone = 'Etc/UTC' WHERE code = 'lost'", of: seller.id)
            try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
            #expect(try await fixture.drain(from: fixture.start) { RenewalsHandler() }.endings == ["completed"])
            #expect(try await asked(seller, in: fixture) == ["first", "third", "lost"])
        }
    }

    @Test(arguments: [("pm_card_visa", "active"), (nil, "expired")])
    func `a trial is announced, and ends as a subscription if there is something to pay with`(
        token: String?, state: String
    ) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load(
                [SampleCustomer(token: token, start: "2026-02-16", trialDays: 14)])
            let states = ["2026-02-16": "trialing", "2026-02-27": "trialing", "2026-03-02": state]
            for (day, expected) in states.sorted(by: { $0.key < $1.key }) {
                try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
                try await fixture.drain(from: try Instant(parsing: "\(day)T00:00:00Z")) { RenewalsHandler() }
                let found = try await fixture.account(seller.customer()).subscriptions.map(\.state.rawValue)
                #expect(found == [expected], "on \(day)")
            }
            let mails = try await fixture.mails(of: seller.id)
            #expect(mails == ["acme trial_ending acme-1"] + (token == nil ? ["acme trial_expired acme-1"] : []))
            #expect(try await asked(seller, in: fixture) == (token == nil ? [] : ["acme"]))
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
                    RenewalsHandler()
                    InvoiceGenerationHandler()
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
