import Accounts
import BillingPorts
import BillingSupport
import Dates
import DunningEmails
import JobKit
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DunningEmailsCrashTests {
    @Test(arguments: [1, 2])
    func `a step of dunning is taken once, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(
                times: deaths, atLeast: 5, customers: [SampleCustomer(token: nil)]
            ) { trial in
                let customer = trial.seller.customer()
                try await fixture.bill(trial.seller)
                // Due on the day of its issue: overdue from the next midnight on.
                let next = fixture.start + .seconds(86_400)
                try await fixture.enqueue(RemindCustomer(customer: customer), dueAt: next)
                try await trial.drain { RemindCustomerHandler() }
                #expect(
                    try await trial.templates == ["dunning_friendly", "invoice_issued"], trial.comment)
            }
        }
    }
}
