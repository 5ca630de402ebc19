import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import InvoiceGeneration
import JobKit
import PaymentMethods
import PaymentRetries
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentMethodsTests {
    private func methods(of seller: SampleSeller, in fixture: BillingFixture) async throws -> [String] {
        try await fixture.query(
            "SELECT concat_ws(' ', state, gateway_reference, refusal) FROM books.payment_methods ORDER BY 1",
            of: seller.id
        ).decode(String.self)
    }

    @Test func `a method is made chargeable and what is due handed to collection`() async throws {
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
            #expect(try await fixture.states(of: CollectPayments.kind).count == 1)
        }
    }

    @Test func `a refused method stays with the gateway's reason, and its customer has nothing to pay with`()
        async throws
    {
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
            #expect(try await fixture.states(of: CollectPayments.kind).isEmpty)
            // What is owed will be asked for, as of somebody who wires.
            let account = try await fixture.account(seller.customer())
            #expect(account.arrangement == nil)
            #expect(try account.isReminderDue(at: fixture.start + .seconds(86_400)))
        }
    }

    @Test func `a refused method leaves the one that is charged in its place`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            try await fixture.drain(from: fixture.start) { RegisterPaymentMethodHandler(gateway: gateway) }
            gateway.scriptSetups(.refused(code: "card_declined", message: "Your card was declined."))
            try await give("pm_card_other", seller.customer(), in: fixture)
            try await fixture.drain(from: fixture.start) { RegisterPaymentMethodHandler(gateway: gateway) }
            #expect(
                try await methods(of: seller, in: fixture) == [
                    "active pm_2", "refused card_declined: Your card was declined.",
                ])
            #expect(try await fixture.account(seller.customer()).arrangement?.method == .card)
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
            let charge = CollectPaymentsHandler(gateway: gateway)
            let customers = try await fixture.renew(seller).map(\.customer)
            try await fixture.enqueue(GenerateInvoices(seller: seller.id, customers: customers))
            if methodFirst { try await fixture.drain(from: fixture.start) { register } }
            try await fixture.drain(from: fixture.start) {
                InvoiceGenerationHandler()
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

    @Test func `a method given in place of a declined one is charged for what is overdue`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let gateway = CountingGateway()
            gateway.script(.declines(code: "expired_card", advice: nil))
            let register = RegisterPaymentMethodHandler(gateway: gateway)
            let charge = CollectPaymentsHandler(gateway: gateway)
            try await fixture.drain(from: fixture.start) {
                register
                charge
            }
            #expect(gateway.charges.count == 1 && gateway.collected.isEmpty)

            let customer = seller.customer()
            try await give("pm_card_mastercard", customer, in: fixture)
            try await fixture.drain(from: fixture.start) {
                register
                charge
            }
            try await fixture.perform(.setPayment(PaymentArrangement(method: .card, netDays: nil)), for: customer)
            try await fixture.drain(from: fixture.start) { charge }
            #expect(gateway.calls == ["createCustomer", "attach", "charge", "attach", "charge"])
            #expect(gateway.collected.count == 1)
            #expect(try await methods(of: seller, in: fixture) == ["active pm_3", "removed pm_2"])
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    private func give(_ token: String, _ customer: CustomerKey, in fixture: BillingFixture) async throws {
        try await fixture.work(of: customer.seller) { work in
            let method = try await work.addPaymentMethod(token, of: customer)
            try await work.enqueue(RegisterPaymentMethod(customer: customer, method: method))
        }
    }
}
