import BillingPorts
import BillingSupport
import JobKit
import Money
import PaymentRetries
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct PaymentRetriesCrashTests {
    /// What the gateway does with the first charge; each story ends with the invoice paid.
    enum First: CaseIterable { case succeeds, losesAnswer, losesRequest, refusesConnection }

    @Test(arguments: First.allCases, [true, false])
    func `an invoice is charged once, whichever call its worker dies after`(
        first: First, honoursKeys: Bool
    ) async throws {
        try await dieAfterEachCall(first, honoursKeys: honoursKeys, times: 1)
    }

    @Test(arguments: [First.succeeds, .losesRequest])
    func `an invoice is charged once, however its workers die one after the other`(first: First) async throws {
        try await dieAfterEachCall(first, honoursKeys: false, times: 2)
    }

    private func dieAfterEachCall(_ first: First, honoursKeys: Bool, times: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(
                times: times, atLeast: 14, customers: [SampleCustomer()]
            ) { trial in
                let gateway = CountingGateway(honoursKeys: honoursKeys)
                switch first {
                case .succeeds: gateway.script(.succeeds)
                case .losesAnswer: gateway.script(.losesAnswer)
                case .losesRequest: gateway.script(.losesRequest)
                case .refusesConnection: gateway.script(.refusesConnection)
                }
                try await charge(trial, at: gateway)
                #expect(gateway.charges.map(\.amount.minorUnits) == [11800], trial.comment)
                #expect(gateway.collected.count == 1, trial.comment)
            }
        }
    }

    @Test(arguments: [true, false])
    func `a decline begins one case with one mail, whichever call the worker dies after`(
        honoursKeys: Bool
    ) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(atLeast: 10, customers: [SampleCustomer()]) { trial in
                let gateway = CountingGateway(honoursKeys: honoursKeys)
                gateway.script(.declines(code: "insufficient_funds", advice: nil))
                try await charge(trial, at: gateway)
                #expect(gateway.charges.count == 1 && gateway.collected.isEmpty, trial.comment)
                #expect(try await trial.templates == ["dunning_friendly", "invoice_issued"], trial.comment)
            }
        }
    }

    private func charge(_ trial: CrashTrial, at gateway: CountingGateway) async throws {
        let fixture = trial.fixture
        try await fixture.registerMethods(of: trial.seller, at: gateway)
        try await fixture.bill(trial.seller)
        try await fixture.enqueue(CollectPayments(customer: trial.seller.customer()))
        try await trial.drain { CollectPaymentsHandler(gateway: trial.reaching(gateway)) }
    }
}
