import BillingPorts
import BillingSupport
import GatewayEvents
import JobKit
import Money
import PaymentRetries
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct GatewayEventsCrashTests {
    @Test(arguments: [1, 2])
    func `a charge, its refund and its dispute are booked once, whichever call the worker dies after`(
        deaths: Int
    ) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 30, customers: [SampleCustomer()]) { trial in
                let gateway = CountingGateway()
                let news = TellingGateway()
                gateway.script(.losesAnswer)
                try await fixture.registerMethods(of: trial.seller, at: gateway)
                try await fixture.bill(trial.seller)
                try await fixture.enqueue(CollectPayments(customer: trial.seller.customer()))
                try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: gateway) }

                let charge = try #require(gateway.charges.first)
                // Each trial has a gateway of its own, and all share one database.
                let reference = "pi_\(trial.seller.id)"
                let payment = GatewayPayment(
                    reference: reference, attempt: charge.attempt, amount: charge.amount,
                    outcome: .succeeded(reference: reference))
                news.hold(payment)
                news.hold(
                    GatewayRefund(
                        reference: "re_\(trial.seller.id)", key: nil, amount: Money(minorUnits: 1800, .usd),
                        state: .succeeded, failure: nil), of: reference)
                news.hold(
                    GatewayDispute(
                        reference: "dp_\(trial.seller.id)", amount: Money(minorUnits: 10_000, .usd), state: .withdrawn,
                        reason: "general"), about: reference)
                let notices: [GatewayNotice] = [
                    .disputes(payment: reference), .payment(payment), .refunds(payment: reference),
                ]
                for (number, notice) in notices.enumerated() {
                    try await fixture.receive("evt_\(trial.seller.id)_\(number)", news.event(notice))
                    try await trial.drain { ReactToGatewayEventHandler(news: news) }
                }
            }
        }
    }
}
