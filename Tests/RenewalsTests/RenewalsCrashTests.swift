import BillingPorts
import BillingSupport
import Dates
import JobKit
import Postgres
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct RenewalsCrashTests {
    @Test(arguments: [1, 2])
    func `a customer moves on once, whichever call its worker dies after`(deaths: Int) async throws {
        let customers = [
            SampleCustomer(), SampleCustomer("tonga", timeZone: "Pacific/Tongatapu"),
            SampleCustomer("tried", token: nil, start: "2026-02-01", trialDays: 14),
            SampleCustomer("later", start: "2026-03-01"),
        ]
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 8, customers: customers) { trial in
                try await fixture.enqueue(RenewSubscriptions(seller: trial.seller.id))
                try await trial.drain { RenewalsHandler() }
            }
        }
    }

    @Test func `a worker that dies between two batches leaves the rest to the next`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load((1...101).map { SampleCustomer("c\($0)", token: nil) })
            try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
            let crash = CrashPoint(atFirst: "after a commit")
            let drained = try await fixture.drain(from: fixture.start, crash: crash) { RenewalsHandler() }
            #expect(drained.endings == ["crashed", "completed"])
            let asked = try await fixture.pool.query(
                """
                SELECT count(*), count(DISTINCT customer::text)
                  FROM queue.all_jobs, json_array_elements(arguments -> 'customers') AS customer
                 WHERE kind = \(GenerateInvoices.kind.name)
                """
            ).only(Int.self, Int.self)
            #expect(asked == (101, 101))
        }
    }
}
