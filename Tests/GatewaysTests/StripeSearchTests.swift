import BillingPorts
import Dates
import HTTPClient
import JobKit
import Testing

@testable import Gateways

@Suite struct StripeSearchTests {
    private static func list(_ intents: [String], hasMore: Bool = false) -> StripeExchange {
        .answer(200, #"{"object":"list","data":[\#(intents.joined(separator: ","))],"has_more":\#(hasMore)}"#)
    }

    private func find(_ exchanges: StripeExchange...) async throws -> (ChargeSearch, [String]) {
        let script = StripeScript(exchanges)
        let search = try await script.gateway().findCharge(StripeChargeTests.request())
        return (search, script.heard.map(\.url))
    }

    private static let declined = """
        {"type":"card_error","code":"card_declined","decline_code":"lost_card","advice_code":"do_not_try_again"}
        """

    /// Of several, the newest that is not canceled; but money that moved outweighs whatever came after it.
    @Test(arguments: [
        ([], ChargeSearch.notFound),
        ([PaymentIntent.text("pi_1", "succeeded", attempt: "attempt-77")], .notFound),
        ([PaymentIntent.text("pi_1", "succeeded")], .found(.succeeded(reference: "pi_1"))),
        (
            [PaymentIntent.text("pi_1", "requires_payment_method", error: declined)],
            .found(.declined(code: "lost_card", advice: "do_not_try_again", reference: "pi_1"))
        ),
        (
            [PaymentIntent.text("pi_1", "requires_payment_method", error: #"{"code":"authentication_required"}"#)],
            .found(.requiresAction(reference: "pi_1"))
        ),
        (
            [PaymentIntent.text("pi_1", "requires_confirmation")],
            .found(.notProcessed(reason: "pi_1 exists and is not confirmed"))
        ),
        (
            [
                PaymentIntent.text("pi_3", "canceled", created: 1_790_000_030),
                PaymentIntent.text("pi_2", "requires_action", created: 1_790_000_020),
                PaymentIntent.text("pi_1", "requires_payment_method", created: 1_790_000_010),
            ], .found(.requiresAction(reference: "pi_2"))
        ),
        (
            [PaymentIntent.text("pi_1", "canceled")],
            .found(.declined(code: "payment_intent_canceled", advice: nil, reference: "pi_1"))
        ),
        (
            [
                PaymentIntent.text("pi_2", "requires_payment_method", created: 1_790_000_020),
                PaymentIntent.text("pi_1", "succeeded"),
            ], .found(.succeeded(reference: "pi_1"))
        ),
        (
            [PaymentIntent.text("pi_2", "processing"), PaymentIntent.text("pi_1", "succeeded")],
            .found(.unknown(reason: "CHARGED MORE THAN ONCE for one attempt: pi_1 succeeded, pi_2 processing"))
        ),
        (
            [PaymentIntent.text("pi_1", "succeeded", amount: 5)],
            .found(.unknown(reason: "pi_1 is over 5 usd, and 1999 usd was asked for"))
        ),
    ])
    func `what is found of an attempt decides`(intents: [String], expected: ChargeSearch) async throws {
        let (search, urls) = try await find(Self.list(intents))
        #expect(search == expected)
        let query = "customer=cus_1&created%5Bgte%5D=1789999940&limit=100"
        #expect(urls == ["http://127.0.0.1:9/v1/payment_intents?\(query)"])
    }

    @Test func `every page is read`() async throws {
        let (search, urls) = try await find(
            Self.list([PaymentIntent.text("pi_9", "succeeded", attempt: "attempt-9")], hasMore: true),
            Self.list([PaymentIntent.text("pi_7", "succeeded")]))
        #expect(search == .found(.succeeded(reference: "pi_7")))
        #expect(urls.last?.hasSuffix("&limit=100&starting_after=pi_9") == true)
    }

    @Test func `a list that cannot be filtered is read whole`() async throws {
        let script = StripeScript([
            Self.list([PaymentIntent.text("pi_8", "succeeded", attempt: "attempt-8")], hasMore: true),
            Self.list([
                PaymentIntent.text("pi_0", "succeeded", created: 1_700_000_000),
                PaymentIntent.text("pi_7", "succeeded"),
            ]),
        ])
        let gateway = try script.gateway(minimalParameters: true)
        #expect(await gateway.findCharge(StripeChargeTests.request()) == .found(.succeeded(reference: "pi_7")))
        let queries = script.heard.map { String($0.url.split(separator: "?")[1]) }
        #expect(queries == ["limit=100", "limit=100&starting_after=pi_8"])
    }

    @Test(arguments: [
        StripeExchange.answer(500, ""), .answer(429, ""), .answer(401, ""), .answer(400, ""), .answer(200, "{}"),
        .answer(200, #"{"data":[{"id":"pi_1"}],"has_more":false}"#), .answer(200, #"{"data":[],"has_more":true}"#),
        .noAnswer(reason: "time-out"), .notSent(reason: "no route", isPassing: false),
    ])
    func `no list is no proof that there was no charge`(exchange: StripeExchange) async throws {
        let (search, _) = try await find(exchange)
        guard case .unavailable = search else {
            Issue.record("expected unavailable, got \(search)")
            return
        }
    }
}
