import BillingPorts
import BillingSupport
import BooksStore
import Deliveries
import JobKit
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DeliveriesCrashTests {
    @Test(arguments: [1, 2])
    func `an event is delivered, whichever call the worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 8, customers: [SampleCustomer()]) { trial in
                let desk = fixture.endpoints(of: trial.seller.id)
                let endpoint = try await desk.add(
                    "https://seller.example", types: ["invoice.issued"], secret: "whsec_x", by: "ann", because: "told")
                try await fixture.bill(trial.seller)
                let post = AnsweringPost { trial.survives($0) }
                try await trial.drain { DeliverEventHandler(post: post) }
                let (_, deliveries, _) = try #require(try await desk.find(endpoint, limit: 10))
                #expect(deliveries.map(\.state) == ["delivered"], trial.comment)
                // Whoever died before the answer was written down sends again: a copy, with the same id.
                #expect(Set(post.deliveries.map(\.body)).count == 1, trial.comment)
            }
        }
    }
}
