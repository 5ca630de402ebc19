import Accounts
import BillingPorts
import BillingSupport
import JobKit
import Money
import PaymentRetries
import Refunds
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct RefundsCrashTests {
    @Test(arguments: [1, 2])
    func `what is paid back is paid once, whichever call the worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 12, customers: [SampleCustomer()]) { trial in
                let charging = CountingGateway()
                try await fixture.registerMethods(of: trial.seller, at: charging)
                try await fixture.bill(trial.seller)
                let customer = trial.seller.customer()
                try await fixture.enqueue(CollectPayments(customer: customer))
                try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: charging) }
                try await fixture.perform(.refund(invoice: 1, amount: Money(minorUnits: 5000, .usd)), for: customer)
                let gateway = PayingGateway { trial.survives($0) }
                try await trial.drain { RefundPaymentHandler(gateway: gateway) }
                #expect(gateway.paid == ["pi_1 5000"], trial.comment)
            }
        }
    }
}
