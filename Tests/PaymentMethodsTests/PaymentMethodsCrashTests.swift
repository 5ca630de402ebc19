import BillingPorts
import BillingSupport
import JobKit
import PaymentMethods
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentMethodsCrashTests {
    @Test(arguments: [true, false], [1, 2])
    func `a method becomes chargeable and what is open is collected, whichever call its worker dies after`(
        honoursKeys: Bool, deaths: Int
    ) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 14, customers: [SampleCustomer()]) { trial in
                let gateway = CountingGateway(honoursKeys: honoursKeys)
                try await fixture.bill(trial.seller)
                try await trial.drain { RegisterPaymentMethodHandler(gateway: trial.reaching(gateway)) }
            }
        }
    }

    @Test func `a method is refused, whichever call its worker dies after`() async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(atLeast: 8, customers: [SampleCustomer()]) { trial in
                let gateway = RefusingGateway(gateway: CountingGateway())
                try await trial.drain { RegisterPaymentMethodHandler(gateway: trial.reaching(gateway)) }
            }
        }
    }
}

/// Knows customers and refuses every card.
private struct RefusingGateway: PaymentGateway {
    let gateway: CountingGateway

    func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.createCustomer(customer, key: key)
    }

    func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        .refused(code: "card_declined", message: "Your card was declined.")
    }

    func charge(_ request: ChargeRequest) async -> ChargeOutcome { await gateway.charge(request) }
    func findCharge(_ request: ChargeRequest) async -> ChargeSearch { await gateway.findCharge(request) }
}
