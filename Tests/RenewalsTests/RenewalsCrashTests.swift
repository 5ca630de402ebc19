import BillingPorts
import BillingSupport
import Dates
import JobKit
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct RenewalsCrashTests {
    @Test(arguments: [1, 2])
    func `a subscription moves on once, whichever call its worker dies after`(deaths: Int) async throws {
        let customers = [
            SampleCustomer(), SampleCustomer("tonga", timeZone: "Pacific/Tongatapu"),
            SampleCustomer("tried", token: nil, start: "2026-02-01", trialDays: 14),
            SampleCustomer("later", start: "2026-03-01"),
        ]
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 11, customers: customers) { trial in
                try await fixture.enqueue(RenewSubscriptions(seller: trial.seller.id))
                try await trial.drain { RenewalsHandler(zones: fixture.zones) }
            }
        }
    }

    @Test func `a worker that dies between two batches leaves the rest to the next`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load((1...201).map { SampleCustomer("c\($0)", token: nil) })
            try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
            let crash = CrashPoint(atFirst: "after a commit")
            let drained = try await fixture.drain(from: fixture.start, crash: crash) {
                RenewalsHandler(zones: fixture.zones)
            }
            #expect(drained.endings == ["crashed", "completed"])
            #expect(try await fixture.states(of: GenerateInvoice.kind).count == 201)
        }
    }
}
