import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import Money
import Proration
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct ProrationTests {
    /// Billed through 15 March; the change comes on 1 March, half of a period of 28 days later.
    private static let table: [(Accounts.Operation.Invoicing, [Int64])] = [
        // Two seats more for the half: 10.00.
        (.now, [11_800, 1_000]),
        // They wait for the next invoice: 29.00 and five seats, and the half of two.
        (.next, [11_800]), (.none, [11_800]),
    ]

    @Test(arguments: table)
    func `a change is invoiced at once, later or not at all, as was asked`(
        invoice: Accounts.Operation.Invoicing, totals: [Int64]
    ) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let customer = seller.customer()
            let change = fixture.start + .seconds(14 * 86_400)
            try await fixture.perform(
                .changeQuantity(subscription: "acme-1", unit: "seats", quantity: 5, .init(invoice: invoice)),
                for: customer, at: change)
            // A second one finds what the first has left.
            try await fixture.enqueue(ProrateChange(customer: customer))
            let endings = try await fixture.drain(from: change) {
                ProrationHandler()
                InvoiceGenerationHandler()
            }.endings
            #expect(endings.allSatisfy { $0 == "completed" })
            let issued = try await fixture.account(customer).invoices.map(\.total.minorUnits)
            #expect(issued == totals)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `what fell due in the meantime is done with the change`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([
                SampleCustomer(token: "pm_card_visa", start: "2026-02-16", trialDays: 14)
            ])
            let customer = seller.customer()
            let change = fixture.start + .seconds(20 * 86_400)
            try await fixture.enqueue(ProrateChange(customer: customer))
            try await fixture.drain(from: change) { ProrationHandler() }
            #expect(try await fixture.account(customer).subscriptions.map(\.state) == [.active])
            #expect(try await fixture.states(of: GenerateInvoices.kind) == ["available"])
        }
    }

    @Test func `a change of who has gone does nothing`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let nobody = CustomerKey(seller: seller.id, customer: Customer.ID(4711))
            try await fixture.enqueue(ProrateChange(customer: nobody))
            #expect(try await fixture.drain(from: fixture.start) { ProrationHandler() }.endings == ["completed"])
        }
    }
}
