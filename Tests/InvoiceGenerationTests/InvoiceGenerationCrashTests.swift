import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct InvoiceGenerationCrashTests {
    @Test(arguments: [1, 2])
    func `what is due is invoiced once, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            let customers = [SampleCustomer(), SampleCustomer("other", seats: 1)]
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 10, customers: customers) { trial in
                let today = TimeZoneRules.utc.localDate(of: fixture.start)
                for customer in try await fixture.renew(trial.seller) {
                    try await fixture.enqueue(GenerateInvoice(customer: customer, date: today))
                }
                try await trial.drain { InvoiceGenerationHandler(zones: fixture.zones) }
                let numbers = try await fixture.query(
                    "SELECT number FROM books.invoices ORDER BY number", of: trial.seller.id
                ).decode(String.self)
                #expect(numbers == ["ACME-0001", "OTHER-0001"], trial.comment)
            }
        }
    }
}
