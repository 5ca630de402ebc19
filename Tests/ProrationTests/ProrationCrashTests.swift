import Accounts
import BillingPorts
import BillingSupport
import InvoiceGeneration
import JobKit
import Money
import Proration
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct ProrationCrashTests {
    @Test(arguments: [1, 2])
    func `a change is invoiced once, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 13, customers: [SampleCustomer()]) { trial in
                let customer = trial.seller.customer()
                try await fixture.bill(trial.seller)
                try await fixture.perform(
                    .changeQuantity(subscription: "acme-1", unit: "seats", quantity: 5, .init()), for: customer)
                try await trial.drain {
                    ProrationHandler()
                    InvoiceGenerationHandler()
                }
                #expect(try await fixture.account(customer).invoices.count == 2, trial.comment)
            }
        }
    }
}
