import Accounts
import BillingPorts
import BillingSupport
import JobKit
import Money
import PaymentMethods
import PaymentPages
import PaymentRetries
import TestSupport
import Testing

/// A gateway in memory on whose pages customers do at once what is asked of them.
private struct PromptPages: PaymentGateway, HostedPages {
    let gateway = CountingGateway()

    func openCardPage(
        customer: String?, currency: Currency, mark: String, returnTo: String, key: IdempotencyKey
    ) async -> CardPageOutcome { .open(address: "https://pages.example/\(key)", reference: "page_\(mark)") }

    func cardGiven(on reference: String, mark: String) async -> GivenCard {
        reference == "page_\(mark)" ? .card("pm_given") : .never(reason: "another's")
    }

    func chargeInPerson(_ request: ChargeRequest, returnTo: String) async -> InPersonOutcome {
        .ended(await gateway.charge(request))
    }

    func abandon(_ request: ChargeRequest, reference: String, key: IdempotencyKey) async -> ChargeOutcome {
        .unknown(reason: "nobody is waited for")
    }

    func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.createCustomer(customer, key: key)
    }

    func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.attach(token, toCustomer: reference, key: key)
    }

    func charge(_ request: ChargeRequest) async -> ChargeOutcome { await gateway.charge(request) }
    func findCharge(_ request: ChargeRequest) async -> ChargeSearch { await gateway.findCharge(request) }
}

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(10)))
struct PaymentPagesCrashTests {
    private func play(_ wish: PaymentWish, _ trial: CrashTrial, at pages: PromptPages) async throws {
        let customer = trial.seller.customer()
        let reached = trial.reachingPages(of: pages)
        try await trial.fixture.enqueue(OpenPaymentPage(customer: customer, invoice: 0, wish: wish, key: "form"))
        for _ in 0..<2 {
            try await trial.drain {
                OpenPaymentPageHandler(gateway: reached) { _, _, key, _ in "https://billing.example/pay/x?page=\(key)" }
                FinishPaymentPageHandler(gateway: reached)
                RegisterPaymentMethodHandler(gateway: reached)
                CollectPaymentsHandler(gateway: reached)
            }
            try await trial.fixture.enqueue(FinishPaymentPage(customer: customer, key: "form"))
        }
    }

    @Test func `a card given in person pays once, whichever call a worker dies after`() async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(atLeast: 20, customers: [SampleCustomer(token: nil)]) { trial in
                let pages = PromptPages()
                try await fixture.bill(trial.seller)
                try await play(.card, trial, at: pages)
                #expect(pages.gateway.collected.count == 1, trial.comment)
                let invoices = try await fixture.invoices(of: trial.seller.id)
                #expect(invoices.map { $0.contains(" paid ") } == [true], trial.comment)
            }
        }
    }

    @Test func `a charge in person moves money once, whichever call a worker dies after`() async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(atLeast: 10, customers: [SampleCustomer()]) { trial in
                let pages = PromptPages()
                try await fixture.registerMethods(of: trial.seller, at: pages.gateway)
                try await fixture.bill(trial.seller)
                try await play(.confirm, trial, at: pages)
                #expect(pages.gateway.collected.count == 1, trial.comment)
                let invoices = try await fixture.invoices(of: trial.seller.id)
                #expect(invoices.map { $0.contains(" paid ") } == [true], trial.comment)
            }
        }
    }
}
