import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import Foundation
import GatewayEvents
import Gateways
import HTTPClient
import HTTPServer
import HTTPTypes
import JobKit
import JudgeSupport
import Money
import Observability
import PaymentMethods
import PaymentRetries
import Postgres
import Refunds
import Sandboxes
import TestSupport
import Testing
import Web

/// Our Stripe sandbox, which sends signed events, and everything that takes them in: listener, store, jobs.
struct SandboxStory: Sendable {
    private static let secret = "whsec_sandbox_story"

    let fixture: BillingFixture
    let seller: SampleSeller
    let gateway: StripeGateway
    let sandbox: StripeSandbox
    let metrics: Metrics
    private let client = HTTPClient()

    var customer: CustomerKey { seller.customer() }

    /// One customer with an open invoice of 118.00, whose card is registered. The books must agree in the end.
    static func with(token: String = "pm_card_visa", _ body: (SandboxStory) async throws -> Void) async throws {
        try await BillingFixture.with { fixture in
            let folder = try TemporaryFolder()
            let web = PostgresPool(try await TestDatabase.current.configuration(as: "billwright_web"), size: 2)
            let inbox = GatewayInbox(web)
            let metrics = Metrics()
            let service = WebhookService(
                secrets: [secret], isLive: false, metrics: metrics, log: Log(component: "test", threshold: .error),
                now: { Int64(Date().timeIntervalSince1970) },
                store: { arrival in
                    try await inbox.take(
                        GatewayEventArrival(
                            gateway: StripeGateway.name, reference: arrival.reference, type: arrival.type,
                            isLive: arrival.isLive, madeAt: Instant(microseconds: arrival.madeAt * 1_000_000),
                            body: arrival.body, isActedOn: StripeGateway.actedOn.contains(arrival.type)),
                        deadline: .now + .seconds(20))
                })
            var router = Router()
            service.add(to: &router)
            let routes = router
            let listener = try HTTPServer { await routes.respond(to: $0) }
            var settings = StripeSandbox.Settings(journal: folder.path("stripe.jsonl"))
            settings.webhook = StripeSandbox.Webhook(
                url: "http://127.0.0.1:\(listener.port)/webhooks/stripe", secret: secret)
            let sandbox = try StripeSandbox(settings)
            let story = SandboxStory(
                fixture: fixture, seller: try await fixture.load([SampleCustomer(token: token)]),
                gateway: try StripeGateway(
                    secretKey: "sk_test_story", apiBase: "http://127.0.0.1:\(sandbox.port)", client: HTTPClient()),
                sandbox: sandbox, metrics: metrics)
            try await fixture.bill(story.seller)
            // Events come when the story lets them.
            try await story.trouble(#"{"hold": true}"#)
            try await story.drain()
            try await body(story)
            try await fixture.expectBalancedBooks(of: story.seller.id)
            await sandbox.stop()
            await listener.stop()
            await web.close()
        }
    }

    /// What happens to the events from now on.
    func trouble(_ plan: String) async throws { _ = try await post("/_sandbox/webhooks", plan, isForm: false) }

    /// What was held is delivered, the last first; then all jobs run that are due.
    func release() async throws {
        _ = try await post("/_sandbox/webhooks/release", "", isForm: false)
        try await drain()
    }

    @discardableResult
    func post(_ path: String, _ body: String, isForm: Bool = true) async throws -> [String: Any] {
        var request = HTTPRequest(
            method: "POST", url: "http://127.0.0.1:\(sandbox.port)\(path)", body: Array(body.utf8))
        request.headers["Authorization"] = "Bearer sk_test_story"
        if isForm { request.headers["Content-Type"] = "application/x-www-form-urlencoded" }
        let response = try await client.send(request)
        #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
        return try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any] ?? [:]
    }

    /// Registers, charges, and works events off.
    @discardableResult
    func drain() async throws -> [String] {
        try await fixture.drain(from: fixture.start) {
            RegisterPaymentMethodHandler(gateway: gateway)
            CollectPaymentsHandler(gateway: gateway)
            ReactToGatewayEventHandler(news: gateway)
            SweepGatewayEventsHandler(gateway: StripeGateway.name, news: gateway)
            RefundPaymentHandler(gateway: gateway)
            DetachPaymentMethodHandler(gateway: gateway)
        }.endings
    }

    var standing: String {
        get async throws {
            let account = try await fixture.account(customer)
            let invoice = account.invoices[0]
            return "\(invoice.state.rawValue) paid \(invoice.paid.minorUnits) refunded \(invoice.refunded.minorUnits) "
                + "back \(invoice.chargedBack.minorUnits) credit \(account.credit.minorUnits)"
        }
    }

    /// The gateway's id of the one payment.
    var payment: String {
        get async throws {
            try #require(
                try await fixture.query(
                    "SELECT gateway_reference FROM books.payment_attempts WHERE number > 0", of: seller.id
                ).decode(String.self).first)
        }
    }

    func delivered(_ outcome: WebhookService.Outcome) -> Int {
        metrics.total("billwright_webhook_deliveries_total", ["outcome": outcome.rawValue])
    }
}
