import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import InvoiceGeneration
import JobKit
import PaymentMethods
import PaymentRetries
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct PaymentMethodsTests {
    private func methods(of seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        try await fixture.query(
            "SELECT concat_ws(' ', state, gateway_reference, refusal) FROM books.payment_methods ORDER BY 1",
            of: seller.id
        ).decode(String.self)
    }

    @Test func `a method is made chargeable and every open invoice handed to collection`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let gateway = CountingGateway()
            let drained = try await fixture.drain(from: fixture.start) {
                RegisterPaymentMethodHandler(gateway: gateway)
            }
            #expect(drained.endings == ["completed"])
            #expect(gateway.calls == ["createCustomer", "attach"])
            #expect(try await methods(of: seller, in: fixture) == ["active pm_2"])
            #expect(try await fixture.states(of: ChargeInvoice.kind).count == 1)
        }
    }

    @Test func `a refused method stays with the gateway's reason, and nothing is collected`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let gateway = CountingGateway()
            gateway.scriptSetups(
                .done(reference: "cus_known"), .refused(code: "card_declined", message: "Your card was declined."))
            gateway.know("cus_known")
            let drained = try await fixture.drain(from: fixture.start) {
                RegisterPaymentMethodHandler(gateway: gateway)
            }
            #expect(drained.endings == ["completed"])
            #expect(try await methods(of: seller, in: fixture) == ["refused card_declined: Your card was declined."])
            #expect(try await fixture.states(of: ChargeInvoice.kind).isEmpty)
        }
    }

    @Test func `a gateway that is away or refuses our key makes the job wait`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            gateway.scriptSetups(.unavailable(reason: "down"), .misconfigured(reason: "no such key"))
            let drained = try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(3600)) {
                RegisterPaymentMethodHandler(gateway: gateway)
            }
            #expect(
                drained.endings == [
                    "failed: the payment gateway is unavailable: down",
                    "held: the gateway refuses our requests: no such key",
                ])
            #expect(try await methods(of: seller, in: fixture) == ["pending"])
        }
    }

    /// A method may be registered before there is an invoice, or after its collection found no method.
    @Test(arguments: [true, false])
    func `the invoice is charged once, whichever comes first`(methodFirst: Bool) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            let register = RegisterPaymentMethodHandler(gateway: gateway)
            let charge = ChargeInvoiceHandler(gateway: gateway, zones: fixture.zones)
            let invoice = InvoiceGenerationHandler(zones: fixture.zones)
            for customer in try await fixture.renew(seller) {
                let today = TimeZoneRules.utc.localDate(of: fixture.start)
                try await fixture.enqueue(GenerateInvoice(customer: customer, date: today))
            }
            if methodFirst { try await fixture.drain(from: fixture.start) { register } }
            try await fixture.drain(from: fixture.start) {
                invoice
                charge
            }
            #expect(gateway.collected.count == (methodFirst ? 1 : 0))
            try await fixture.drain(from: fixture.start) {
                register
                charge
            }
            #expect(gateway.collected.count == 1)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `a method given in place of a declined one is charged for what is open`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let gateway = CountingGateway()
            gateway.script(.declines(code: "expired_card", advice: nil))
            let register = RegisterPaymentMethodHandler(gateway: gateway)
            let charge = ChargeInvoiceHandler(gateway: gateway, zones: fixture.zones)
            try await fixture.drain(from: fixture.start) {
                register
                charge
            }
            #expect(gateway.charges.count == 1 && gateway.collected.isEmpty)

            let customer = seller.customer()
            let method = try await fixture.query(
                """
                INSERT INTO books.payment_methods (seller_id, customer_id, token, state, created_at)
                VALUES (\(customer.seller), \(customer.customer), 'pm_card_mastercard', 'pending', \(fixture.start))
                RETURNING payment_method_id
                """, of: seller.id
            ).only(PaymentMethod.ID.self)
            try await fixture.enqueue(RegisterPaymentMethod(customer: customer, method: method))
            try await fixture.drain(from: fixture.start) {
                register
                charge
            }
            #expect(gateway.calls == ["createCustomer", "attach", "charge", "attach", "charge"])
            #expect(gateway.collected.count == 1)
            #expect(try await methods(of: seller, in: fixture) == ["active pm_3", "removed pm_2"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }
}
