import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import JobKit
import Money
import PaymentRetries
import Postgres
import Refunds
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct RefundsTests {
    /// A paid invoice of 118.00, of which 50.00 is paid back.
    private func refunded(
        _ gateway: PayingGateway = PayingGateway(), by answer: PayingGateway.Answer = .pays,
        _ body: (BillingFixture, SampleSeller, [String]) async throws -> Void
    ) async throws {
        gateway.script(answer)
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            try await fixture.bill(seller)
            let charging = CountingGateway()
            try await fixture.registerMethods(of: seller, at: charging)
            try await fixture.enqueue(CollectPayments(customer: seller.customer()))
            try await fixture.drain(from: fixture.start) { CollectPaymentsHandler(gateway: charging) }
            try await fixture.perform(
                .refund(invoice: 1, amount: Money(minorUnits: 5000, .usd)), for: seller.customer())
            let drained = try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(3600)) {
                RefundPaymentHandler(gateway: gateway)
            }
            try await body(fixture, seller, drained.endings)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    private func standing(_ fixture: BillingFixture, _ seller: SampleSeller) async throws -> [String] {
        let account = try await fixture.account(seller.customer())
        let refund = try #require(account.attempts.last)
        return [
            "refunded \(account.invoices[0].refunded.minorUnits) credit \(account.credit.minorUnits)",
            refund.reference == nil ? "unknown there" : "known there", refund.declineCode ?? "stands",
        ]
    }

    @Test func `what is paid back goes to the charge it came from`() async throws {
        let gateway = PayingGateway()
        try await refunded(gateway) { fixture, seller, endings in
            #expect(endings == ["completed"])
            #expect(gateway.paid == ["pi_1 5000"])
            let standing = try await standing(fixture, seller)
            #expect(standing == ["refunded 5000 credit 0", "known there", "stands"])
        }
    }

    @Test(arguments: [
        (PayingGateway.Answer.losesAnswer, ["refund", "refunds"]), (.losesRequest, ["refund", "refunds", "refund"]),
        (.isAway, ["refund", "refunds", "refund"]),
    ])
    func `whoever got no answer asks before anything is sent again`(
        first: PayingGateway.Answer, calls: [String]
    ) async throws {
        let gateway = PayingGateway()
        try await refunded(gateway, by: first) { fixture, seller, _ in
            #expect(gateway.calls == calls)
            #expect(gateway.paid == ["pi_1 5000"])
            let standing = try await standing(fixture, seller)
            #expect(standing == ["refunded 5000 credit 0", "known there", "stands"])
        }
    }

    @Test(arguments: [
        (PayingGateway.Answer.refuses, "charge_disputed"), (.fails, "lost_or_stolen_card"),
    ])
    func `what the gateway will not pay back is the customer's credit`(
        answer: PayingGateway.Answer, code: String
    ) async throws {
        try await refunded(by: answer) { fixture, seller, endings in
            #expect(endings == ["completed"])
            let standing = try await standing(fixture, seller)
            #expect(standing == ["refunded 5000 credit 5000", "unknown there", code])
        }
    }

    @Test func `a refund of several charges goes to its own invoice's first, and then to the latest`() throws {
        let parts = try RefundsTests.charged([(0, 1000), (1, 2000), (2, 3000)], refunding: [(1, 2500), (0, 1200)])
        #expect(parts == [["1: 2000", "2: 500"], ["0: 1000", "2: 200"]])
    }

    @Test func `what no charge brought is paid back by hand`() throws {
        #expect(try RefundsTests.charged([], refunding: [(0, 100)]) == [[]])
    }
}

extension RefundsTests {
    /// What each refund is paid back of, by the places of the charges: `1: 2000`. Charges and refunds with their invoice
    /// and minor units.
    fileprivate static func charged(
        _ charges: [(invoice: Int, Int64)], refunding refunds: [(invoice: Int, Int64)]
    ) throws -> [[String]] {
        var account = Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc, settings: BillingSettings(currency: .usd),
            catalogue: Catalogue(currency: .usd, plans: []))
        var parts = Account.Parts(credit: .zero(.usd), recognizedBooked: .zero(.usd))
        let at = try Instant(parsing: "2026-02-15T12:00:00Z")
        for (place, charge) in charges.enumerated() {
            parts.attempts.append(
                PaymentAttempt(
                    invoice: charge.invoice, number: 1, at: at, amount: Money(minorUnits: charge.1, .usd),
                    method: .card, outcome: .success, reference: "pi_\(place)"))
        }
        for refund in refunds {
            parts.attempts.append(
                PaymentAttempt(
                    invoice: refund.invoice, number: 0, at: at, amount: Money(minorUnits: -refund.1, .usd),
                    method: .card, outcome: .refunded))
        }
        account.restore(parts)
        return try refunds.indices.map { index in
            try account.refundParts(of: charges.count + index).map { "\($0.charge): \($0.amount.minorUnits)" }
        }
    }
}
