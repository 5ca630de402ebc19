import BillingPorts
import Dates
import Foundation
import Gateways
import HTTPClient
import JSONText
import JobKit
import Money
import Sandboxes
import Testing

/// The gateway against our stand-in, which charges, remembers keys and fails on command as Stripe does.
@Suite(.timeLimit(.minutes(15))) struct StripeSandboxTests {
    /// A sandbox with one customer who has one card.
    private struct Scene {
        let sandbox: StripeSandbox
        let gateway: StripeGateway
        /// The same with time for a busy machine, for all but the call that is never answered.
        let patient: StripeGateway
        let customer: String
        let card: String
        let journal: String

        init(card token: String = "pm_card_visa", timeout: Duration = .seconds(20)) async throws {
            journal = NSTemporaryDirectory() + "stripe-\(UUID().uuidString).journal"
            sandbox = try StripeSandbox(StripeSandbox.Settings(journal: journal))
            var settings = HTTPClient.Settings()
            settings.totalTimeout = timeout
            let base = "http://127.0.0.1:\(sandbox.port)"
            gateway = try StripeGateway(secretKey: "sk_test_1", apiBase: base, client: HTTPClient(settings))
            patient = try StripeGateway(secretKey: "sk_test_1", apiBase: base, client: HTTPClient())
            let made = await patient.createCustomer(
                GatewayCustomer(name: "Jörg & Co", email: "j@customer.example", metadata: ["seller": "1"]),
                key: IdempotencyKey("customer"))
            customer = try #require(made.reference, "\(made)")
            let attached = await patient.attach(token, toCustomer: customer, key: IdempotencyKey("card"))
            card = try #require(attached.reference, "\(attached)")
        }

        func end() async throws {
            await sandbox.stop()
            try FileManager.default.removeItem(atPath: journal)
        }

        func request(_ minorUnits: Int64 = 29_900) -> ChargeRequest {
            ChargeRequest(
                key: IdempotencyKey("charge:1"), amount: Money(minorUnits: minorUnits, .usd), customer: customer,
                paymentMethod: card, attempt: "attempt-1", invoice: "INV-1",
                announcedAt: Instant(microseconds: Int64(Date().timeIntervalSince1970) * 1_000_000))
        }

        func fail(_ fault: String) async throws {
            let url = "http://127.0.0.1:\(sandbox.port)/_sandbox/faults"
            let plan = #"{"kind":"\#(fault)","next":1}"#
            let answer = try await HTTPClient().send(HTTPRequest(method: "POST", url: url, body: Array(plan.utf8)))
            #expect(answer.status == 200)
        }

        /// How many charges moved money.
        func charged() async throws -> Int64 {
            let url = "http://127.0.0.1:\(sandbox.port)/_sandbox/stats"
            let stats = try JSONNode(parsing: try await HTTPClient().send(HTTPRequest(url: url)).body)
            return try stats.required("succeeded").integer()
        }
    }

    @Test func `the same key charges once, and the second answer is the first`() async throws {
        let scene = try await Scene()
        #expect(await scene.gateway.findCharge(scene.request()) == .notFound)
        let first = await scene.gateway.charge(scene.request())
        #expect(await scene.gateway.charge(scene.request()) == first)
        let reference = try #require(first.succeeded, "\(first)")
        #expect(await scene.gateway.findCharge(scene.request()) == .found(.succeeded(reference: reference)))
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    @Test(arguments: ["timeout_after_charging", "500_after"])
    func `a charge whose answer is lost is unknown, and the search knows it`(fault: String) async throws {
        let scene = try await Scene(timeout: .seconds(5))
        try await scene.fail(fault)
        let outcome = await scene.gateway.charge(scene.request())
        #expect(outcome.isUnknown, "\(outcome)")
        guard case .found(.succeeded) = await scene.patient.findCharge(scene.request()) else {
            Issue.record("the charge is not found")
            return
        }
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    @Test(arguments: ["timeout_before_charging", "500_before"])
    func `a charge that never happened is unknown too, is not found, and can be sent again`(fault: String) async throws
    {
        let scene = try await Scene(timeout: .seconds(5))
        try await scene.fail(fault)
        let outcome = await scene.gateway.charge(scene.request())
        #expect(outcome.isUnknown, "\(outcome)")
        #expect(await scene.patient.findCharge(scene.request()) == .notFound)
        let again = await scene.patient.charge(scene.request())
        #expect(again.succeeded != nil, "\(again)")
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    /// On a kept connection libcurl itself sends the same key and bytes again.
    @Test(arguments: ["reset_before", "reset_after"])
    func `a connection cut before or after the charge leaves one charge`(fault: String) async throws {
        let scene = try await Scene()
        try await scene.fail(fault)
        let outcome = await scene.gateway.charge(scene.request())
        #expect(outcome.succeeded != nil || outcome.isUnknown, "\(outcome)")
        let again = await scene.gateway.charge(scene.request())
        #expect(again.succeeded != nil, "\(again)")
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    @Test func `a limited call was not processed`() async throws {
        let scene = try await Scene()
        try await scene.fail("429")
        guard case .notProcessed = await scene.gateway.charge(scene.request()) else {
            Issue.record("expected notProcessed")
            return
        }
        #expect(await scene.gateway.findCharge(scene.request()) == .notFound)
        try await scene.end()
    }

    @Test func `the same key with another amount charges nothing and says so`() async throws {
        let scene = try await Scene()
        _ = await scene.gateway.charge(scene.request())
        guard case .misconfigured = await scene.gateway.charge(scene.request(100)) else {
            Issue.record("expected misconfigured")
            return
        }
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    @Test func `our own slow request is waited for, not doubled`() async throws {
        let scene = try await Scene()
        try await scene.fail("slow")
        async let first = scene.gateway.charge(scene.request())
        async let second = scene.gateway.charge(scene.request())
        let outcomes = await [first, second]
        #expect(outcomes[0].succeeded != nil && outcomes[0] == outcomes[1], "\(outcomes)")
        #expect(try await scene.charged() == 1)
        try await scene.end()
    }

    @Test func `a declined card keeps its codes in the answer and in the search`() async throws {
        let scene = try await Scene(card: "pm_card_visa_chargeDeclinedInsufficientFunds")
        let outcome = await scene.gateway.charge(scene.request())
        guard case .declined("insufficient_funds", _, .some) = outcome else {
            Issue.record("expected a decline, got \(outcome)")
            return
        }
        #expect(await scene.gateway.findCharge(scene.request()) == .found(outcome))
        try await scene.end()
    }

    @Test func `a card that needs its owner says so`() async throws {
        let scene = try await Scene(card: "pm_card_authenticationRequired")
        let outcome = await scene.gateway.charge(scene.request())
        guard case .requiresAction(.some) = outcome else {
            Issue.record("expected an action, got \(outcome)")
            return
        }
        #expect(await scene.gateway.findCharge(scene.request()) == .found(outcome))
        try await scene.end()
    }
}

extension ChargeOutcome {
    fileprivate var succeeded: String? {
        guard case .succeeded(let reference) = self else { return nil }
        return reference
    }

    fileprivate var isUnknown: Bool {
        guard case .unknown = self else { return false }
        return true
    }
}

extension SetupOutcome {
    fileprivate var reference: String? {
        guard case .done(let reference) = self else { return nil }
        return reference
    }
}
