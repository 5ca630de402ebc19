import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct InvoiceGenerationCrashTests {
    private static let customers = [SampleCustomer(), SampleCustomer("other", seats: 1)]

    @Test(arguments: [1, 2])
    func `what is due is invoiced once, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 7, customers: Self.customers) { trial in
                try await fixture.registerMethods(of: trial.seller, at: CountingGateway())
                let due = try await fixture.renew(trial.seller)
                try await fixture.enqueue(GenerateInvoices(seller: trial.seller.id, customers: due.map(\.customer)))
                try await trial.drain { InvoiceGenerationHandler() }
                #expect(try await trial.numbers == ["ACME-0001", "OTHER-0001"], trial.comment)
            }
        }
    }

    @Test(arguments: [1, 2])
    func `a seller's series has no gap and no number twice, whichever call its worker dies after`(
        deaths: Int
    ) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(
                times: deaths, atLeast: 11, customers: Self.customers, numbering: .seller
            ) { trial in
                try await fixture.registerMethods(of: trial.seller, at: CountingGateway())
                let due = try await fixture.renew(trial.seller)
                try await fixture.work(of: trial.seller.id) { work in try await work.requestInvoices(of: due) }
                try await trial.drain { FinaliseInvoicesHandler() }
                #expect(try await trial.numbers == ["INV-0001", "INV-0002"], trial.comment)
            }
        }
    }
}

extension CrashTrial {
    fileprivate var numbers: [String] {
        get async throws {
            try await fixture.query("SELECT number FROM books.invoices ORDER BY number", of: seller.id)
                .decode(String.self)
        }
    }
}
