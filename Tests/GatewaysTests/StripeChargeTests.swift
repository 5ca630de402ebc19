import BillingPorts
import Dates
import HTTPClient
import HTTPTypes
import JobKit
import Money
import Testing

@testable import Gateways

@Suite struct StripeChargeTests {
    static func request(_ minorUnits: Int64 = 1999, _ currency: Currency = .usd) -> ChargeRequest {
        ChargeRequest(
            key: IdempotencyKey("charge:7"), amount: Money(minorUnits: minorUnits, currency), customer: "cus_1",
            paymentMethod: "pm_1", attempt: "attempt-7", invoice: "INV 1/ä", announcedAt: announced)
    }

    static let announced = Instant(microseconds: 1_790_000_000_000_000)

    private func charge(_ exchanges: StripeExchange...) async throws -> (ChargeOutcome, StripeScript) {
        let script = StripeScript(exchanges)
        return (try await script.gateway().charge(Self.request()), script)
    }

    @Test func `a charge is one request with version, key and every parameter in its place`() async throws {
        let (outcome, script) = try await charge(.intent("succeeded"))
        #expect(outcome == .succeeded(reference: "pi_1"))
        let request = try #require(script.heard.first)
        #expect(script.heard.count == 1)
        #expect(request.method == "POST")
        #expect(request.url == "http://127.0.0.1:9/v1/payment_intents")
        #expect(request.headers["Authorization"] == "Bearer sk_test_script")
        #expect(request.headers["Stripe-Version"] == "2026-10-28.endive")
        #expect(request.headers["Idempotency-Key"] == "charge:7")
        #expect(request.headers["Content-Type"] == "application/x-www-form-urlencoded")
        #expect(
            script.bodies.first == "amount=1999&currency=usd&customer=cus_1&payment_method=pm_1&off_session=true"
                + "&confirm=true&allowed_payment_method_types%5B%5D=card&metadata%5Battempt_id%5D=attempt-7"
                + "&metadata%5Binvoice%5D=INV%201%2F%C3%A4")
    }

    /// Bodies as the API reference and the page on declines print them.
    private static let card = """
        {"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds",
        "advice_code":"try_again_later","charge":"ch_1","message":"Your card has insufficient funds.","param":"",
        "payment_intent":{"id":"pi_9","status":"requires_payment_method"}}}
        """
    private static let authentication = """
        {"error":{"type":"card_error","code":"authentication_required","decline_code":"authentication_required",
        "message":"Your card was declined. This transaction requires authentication.","payment_intent":{"id":"pi_9"}}}
        """

    @Test(arguments: [
        (StripeExchange.intent("succeeded"), ChargeOutcome.succeeded(reference: "pi_1")),
        (.intent("processing"), .processing(reference: "pi_1")),
        (.intent("requires_action"), .requiresAction(reference: "pi_1")),
        (.intent("canceled"), .declined(code: "payment_intent_canceled", advice: nil, reference: "pi_1")),
        (
            .intent("requires_payment_method"),
            .declined(code: "requires_payment_method", advice: nil, reference: "pi_1")
        ),
        (.answer(402, card), .declined(code: "insufficient_funds", advice: "try_again_later", reference: "pi_9")),
        (.answer(402, authentication), .requiresAction(reference: "pi_9")),
        (
            .answer(402, #"{"error":{"type":"card_error","code":"expired_card","message":"expired"}}"#),
            .declined(code: "expired_card", advice: nil, reference: nil)
        ),
    ])
    func `an answer that says what happened is taken at its word`(
        exchange: StripeExchange, expected: ChargeOutcome
    ) async throws {
        #expect(try await charge(exchange).0 == expected)
    }

    /// The case of an outcome alone.
    enum Kind: String { case succeeded, notProcessed, unknown, misconfigured, other }

    private func kind(_ outcome: ChargeOutcome) -> Kind {
        switch outcome {
        case .succeeded: .succeeded
        case .notProcessed: .notProcessed
        case .unknown: .unknown
        case .misconfigured: .misconfigured
        default: .other
        }
    }

    @Test(arguments: [
        (
            StripeExchange.answer(400, #"{"error":{"type":"invalid_request_error","param":"amount"}}"#),
            Kind.misconfigured
        ),
        (.answer(400, #"{"error":{"type":"idempotency_error","message":"other parameters"}}"#), .misconfigured),
        (.answer(400, #"{"error":{"type":"invalid_request_error","code":"rate_limit"}}"#), .notProcessed),
        (.answer(401, #"{"error":{"type":"invalid_request_error","message":"Invalid API Key"}}"#), .misconfigured),
        (.answer(403, "<html>"), .misconfigured),
        (.answer(404, #"{"error":{"code":"resource_missing","param":"customer"}}"#), .misconfigured),
        (.answer(429, #"{"error":{"code":"lock_timeout"}}"#), .notProcessed),
        (.answer(429, ""), .notProcessed),
        (.answer(409, "{}"), .unknown),
        (.answer(402, "Payment Required"), .unknown),
        (.answer(500, #"{"error":{"type":"api_error"}}"#), .unknown),
        (.answer(502, "<html>"), .unknown),
        (.answer(301, ""), .unknown),
        (.answer(200, ""), .unknown),
        (.answer(200, #"{"id":"pi_1","status":"succeeded"}"#), .unknown),
        (.intent("succeeded", amount: 1998), .unknown),
        (.intent("succeeded", currency: "eur"), .unknown),
        (.intent("requires_capture"), .unknown),
        (.intent("a_status_of_next_year"), .unknown),
        (.noAnswer(reason: "time-out"), .unknown),
        (.notSent(reason: "no certificate", isPassing: false), .notProcessed),
        (.unsendable(reason: "no URL"), .misconfigured),
    ])
    func `what is not certain is unknown and what is certain is not`(exchange: StripeExchange, expected: Kind)
        async throws
    {
        let (outcome, script) = try await charge(exchange)
        #expect(kind(outcome) == expected, "\(outcome)")
        #expect(script.heard.count == 1, "sent again without being asked to")
    }

    /// In turn: nothing was sent; our own request is under way; Stripe's own word on trying again.
    @Test(arguments: [
        ([StripeExchange.refusedConnection, .refusedConnection, .intent("succeeded")], Kind.succeeded, 3),
        ([.refusedConnection, .refusedConnection, .refusedConnection], .notProcessed, 3),
        ([.refusedConnection, .noAnswer(reason: "time-out")], .unknown, 2),
        ([.inUse, .inUse, .intent("succeeded")], .succeeded, 3),
        ([.inUse, .inUse, .inUse, .inUse, .inUse], .unknown, 5),
        ([.inUse, .notSent(reason: "no route", isPassing: false)], .unknown, 2),
        ([.inUse, .answer(429, "")], .unknown, 2),
        ([.inUse, .answer(401, "")], .unknown, 2),
        ([.answer(500, "", retry: true), .intent("succeeded")], .succeeded, 2),
        ([.answer(500, "", retry: true), .refusedConnection, .refusedConnection], .unknown, 3),
        ([.answer(429, "", retry: true), .answer(429, "", retry: false)], .notProcessed, 2),
        ([.answer(409, #"{"error":{"code":"idempotency_key_in_use"}}"#, retry: false)], .unknown, 1),
    ])
    func `a call is sent again only where that is harmless, as the same bytes, and forgets no doubt`(
        exchanges: [StripeExchange], expected: Kind, tries: Int
    ) async throws {
        let script = StripeScript(exchanges)
        let outcome = try await script.gateway().charge(Self.request())
        #expect(kind(outcome) == expected, "\(outcome)")
        #expect(script.heard.count == tries)
        #expect(script.heard.allSatisfy { $0 == script.heard.first })
    }

    @Test func `a reason names the request and never the key`() async throws {
        let body = #"{"error":{"type":"invalid_request_error","message":"No such key: sk_test_script"}}"#
        let (outcome, _) = try await charge(.answer(401, body))
        #expect(
            outcome
                == .misconfigured(
                    reason: "Stripe answered 401: invalid_request_error: No such key: *** (request req_1)"))
    }

    @Test(arguments: ["4242424242424242", "4242 4242 4242 4242", "pm-378282246310005", "tok 12 5555555555554444"])
    func `a card number is not sent`(number: String) async throws {
        let script = StripeScript([])
        let gateway = try script.gateway()
        let key = IdempotencyKey("k")
        let charge = ChargeRequest(
            key: key, amount: Money(minorUnits: 1, .usd), customer: "cus_1", paymentMethod: number, attempt: "a",
            invoice: "i", announcedAt: Self.announced)
        #expect(kind(await gateway.charge(charge)) == .misconfigured)
        #expect(await gateway.attach(number, toCustomer: "cus_1", key: key) == .cardNumberRefused)
        let customer = GatewayCustomer(name: "Card \(number)", email: "a@customer.example", metadata: [:])
        #expect(await gateway.createCustomer(customer, key: key) == .cardNumberRefused)
        #expect(script.heard.isEmpty)
    }

    @Test(arguments: ["pm_1P2q3R4s5T6u7V8w", "4242424242424241", "424242424242", "INV-2026-000017", "+1 555 0100", ""])
    func `what is no card number passes`(text: String) { #expect(!CardNumber.appears(in: text)) }

    @Test(arguments: [
        (1999, "USD", "1999 usd"), (500, "JPY", "500 jpy"), (5, "ISK", "500 isk"), (5, "UGX", "500 ugx"),
        (500, "MGA", "5 mga"), (5120, "KWD", "5120 kwd"),
    ])
    func `an amount is written as Stripe counts its currency`(units: Int64, code: String, expected: String) throws {
        let amount = try StripeAmount(Money(minorUnits: units, Currency(code: code)))
        #expect(amount.description == expected)
    }

    @Test(arguments: [(0, "USD"), (-1, "USD"), (5124, "KWD"), (1, "MGA"), (10_000, "CLF"), (Int64.max, "ISK")])
    func `an amount Stripe has no number for is not charged`(units: Int64, code: String) async throws {
        let script = StripeScript([])
        let outcome = try await script.gateway().charge(Self.request(units, Currency(code: code)))
        #expect(kind(outcome) == .misconfigured)
        #expect(script.heard.isEmpty)
    }
}
