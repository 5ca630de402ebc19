import BillingPorts
import HTTPClient
import HTTPTypes
import JobKit
import Testing

@testable import Gateways

@Suite struct StripeSetupTests {
    private static let key = IdempotencyKey("setup:1")

    @Test func `a customer is made with what there is, metadata in order of its keys`() async throws {
        let script = StripeScript([.answer(200, #"{"id":"cus_1","object":"customer"}"#)])
        let customer = GatewayCustomer(
            name: "Müller & Söhne", email: "", metadata: ["seller": "s1", "customer": "c=1"])
        let outcome = try await script.gateway().createCustomer(customer, key: Self.key)
        #expect(outcome == .done(reference: "cus_1"))
        #expect(
            script.bodies == [
                "name=M%C3%BCller%20%26%20S%C3%B6hne&metadata%5Bcustomer%5D=c%3D1&metadata%5Bseller%5D=s1"
            ])
    }

    @Test func `an attached payment method has the id answered and becomes the default under a key of its own`()
        async throws
    {
        let script = StripeScript([.answer(200, #"{"id":"pm_new"}"#), .answer(200, #"{"id":"cus_1"}"#)])
        let outcome = try await script.gateway().attach("pm_card_visa", toCustomer: "cus_1", key: Self.key)
        #expect(outcome == .done(reference: "pm_new"))
        #expect(
            script.heard.map(\.url) == [
                "http://127.0.0.1:9/v1/payment_methods/pm_card_visa/attach", "http://127.0.0.1:9/v1/customers/cus_1",
            ])
        #expect(script.bodies == ["customer=cus_1", "invoice_settings%5Bdefault_payment_method%5D=pm_new"])
        #expect(script.heard.map { $0.headers["Idempotency-Key"] } == ["setup:1", "setup:1:default"])
    }

    @Test func `a token cannot leave its place in the path`() async throws {
        let script = StripeScript([.answer(404, "{}")])
        _ = try await script.gateway().attach("../customers?x=#", toCustomer: "cus_1", key: Self.key)
        #expect(script.heard.first?.url.hasSuffix("/payment_methods/..%2Fcustomers%3Fx%3D%23/attach") == true)
    }

    enum Kind { case done, refused, misconfigured, unavailable }

    @Test(arguments: [
        (StripeExchange.answer(402, #"{"error":{"type":"card_error","code":"card_declined"}}"#), Kind.refused),
        (.answer(400, #"{"error":{"type":"invalid_request_error","param":"payment_method"}}"#), .refused),
        (.answer(404, #"{"error":{"code":"resource_missing","param":"payment_method"}}"#), .refused),
        (.answer(404, #"{"error":{"code":"resource_missing","param":"customer"}}"#), .misconfigured),
        (.answer(400, #"{"error":{"code":"rate_limit"}}"#), .unavailable),
        (.answer(401, "{}"), .misconfigured), (.answer(403, "{}"), .misconfigured), (.answer(429, ""), .unavailable),
        (.answer(500, ""), .unavailable), (.answer(200, "[]"), .unavailable), (.noAnswer(reason: ""), .unavailable),
        (.notSent(reason: "", isPassing: false), .unavailable), (.unsendable(reason: ""), .misconfigured),
    ])
    func `a refusal is the customer's, ours, or the moment's`(exchange: StripeExchange, expected: Kind) async throws {
        let gateway = try StripeScript([exchange]).gateway()
        let kind: Kind =
            switch await gateway.attach("pm_card_visa", toCustomer: "cus_1", key: Self.key) {
            case .done: .done
            case .refused: .refused
            case .misconfigured: .misconfigured
            case .unavailable: .unavailable
            }
        #expect(kind == expected)
    }

    @Test(arguments: [
        ("sk_test_1", "https://api.stripe.com", false, nil),
        ("sk_test_1", "http://127.0.0.1:8080/", false, nil),
        ("rk_test_1", "http://[::1]:1", false, nil),
        ("sk_test_1", "http://localhost", false, nil),
        ("sk_live_1", "https://api.stripe.com", true, nil),
        ("rk_live_1", "https://API.stripe.com:443/", true, nil),
        ("sk_live_1", "https://api.stripe.com", false, StripeSettingsFault.liveKeyNotAllowed),
        ("sk_live_1", "https://127.0.0.1", true, .liveKeyElsewhere(host: "127.0.0.1")),
        ("rk_live_1", "http://api.stripe.com", true, .liveKeyElsewhere(host: "api.stripe.com")),
        ("sk_live_1", "https://api.stripe.com:8443", true, .liveKeyElsewhere(host: "api.stripe.com")),
        ("sk_test_1", "http://stripe.example", false, .plainText(host: "stripe.example")),
        ("sk_test_1", "http://127.0.0.1.example", false, .plainText(host: "127.0.0.1.example")),
        ("pk_test_1", "https://api.stripe.com", false, .notASecretKey),
        ("sk_test_", "https://api.stripe.com", false, .notASecretKey),
        ("sk_test_1\n", "https://api.stripe.com", false, .notASecretKey),
        ("sk_test_1", "https://a@b", false, .notABaseURL("https://a@b")),
        ("sk_test_1", "https://host/v1", false, .notABaseURL("https://host/v1")),
        ("sk_test_1", "https://host:0", false, .notABaseURL("https://host:0")),
        ("sk_test_1", "ftp://host", false, .notABaseURL("ftp://host")),
        ("sk_test_1", "", false, .notABaseURL("")),
    ])
    func `a key goes only where it belongs`(key: String, base: String, live: Bool, expected: StripeSettingsFault?) {
        var fault: StripeSettingsFault?
        do throws(StripeSettingsFault) {
            _ = try StripeAccess(secretKey: key, apiBase: base, allowsLive: live)
        } catch {
            fault = error
        }
        #expect(fault == expected)
    }
}
