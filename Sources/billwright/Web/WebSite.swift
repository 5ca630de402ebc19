internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import Gateways
internal import HTTPServer
internal import InvoicePages
internal import Mails
internal import Observability
internal import PayLinks
internal import Runtime
internal import Web

/// What `billwright web` serves to the outside, apart from health and metrics, which are nobody's business there.
struct WebSite: Sendable {
    private let address: HTTPServer.Settings?
    private let secrets: [String]
    private let isLive: Bool
    private let links: PayLinks?
    private let templates: MailTemplates

    /// Throws `UsageError` for settings that cannot be.
    init(_ arguments: Arguments) throws(UsageError) {
        address = try arguments.listenSettings("--listen")
        secrets = try arguments.webhookSecrets()
        isLive = try arguments.choice("--stripe-live", YesOrNo.self) == .yes
        links = try arguments.payLinks()
        templates = try arguments.mailTemplates()
        if address == nil, !secrets.isEmpty {
            throw UsageError("--stripe-webhook-secret: webhooks are taken where --listen says, and it says nothing")
        }
    }

    private enum YesOrNo: String, CaseIterable { case yes, no }

    /// Starts listening; nil: nothing is to be served. The listener lives as long as the returned value.
    func serve(_ composition: Composition) throws -> HTTPServer? {
        guard var settings = address else { return nil }
        // More than a webhook may have, so that what is too much is counted, and little more.
        settings.bodyLimit = WebhookService.bodyLimit * 2
        var router = Router()
        if !secrets.isEmpty { webhooks(composition).add(to: &router) }
        if let links { pages(links, composition).add(to: &router) }
        let routes = router
        let server = try HTTPServer(settings) { request in await routes.respond(to: request) }
        composition.log.info("serving the web", ["address": settings.address, "port": "\(server.port)"])
        Terminal.print("serving on http://\(settings.address):\(server.port)")
        return server
    }

    private func pages(_ links: PayLinks, _ composition: Composition) -> InvoicePageService {
        let clock = composition.clock
        return InvoicePageService(
            links: links, books: WebBooks(composition.pool, composition.books), templates: templates,
            log: composition.log, now: { clock.now() })
    }

    private func webhooks(_ composition: Composition) -> WebhookService {
        let inbox = GatewayInbox(composition.pool)
        let clock = composition.clock
        return WebhookService(
            secrets: secrets, isLive: isLive, metrics: composition.metrics, log: composition.log,
            now: { clock.now().seconds },
            store: { arrival in
                // Stripe gives up after 20 seconds, and sends it again.
                try await inbox.take(GatewayEventArrival(arrival), deadline: .now + .seconds(5))
            })
    }
}

extension GatewayEventArrival {
    fileprivate init(_ arrival: WebhookService.Arrival) {
        self.init(
            gateway: StripeGateway.name, reference: arrival.reference, type: arrival.type, isLive: arrival.isLive,
            madeAt: Instant(microseconds: arrival.madeAt * 1_000_000), body: arrival.body,
            isActedOn: StripeGateway.actedOn.contains(arrival.type))
    }
}

extension Setting {
    static let listen = Setting(
        "--listen", "HOST:PORT", variable: "BILLWRIGHT_LISTEN",
        help: "serve webhooks and payment pages there; nothing is served unless set; port 0 takes a free one")
    static let webhookSecrets = Setting(
        "--stripe-webhook-secret", "SECRET,…", variable: "STRIPE_WEBHOOK_SECRET",
        help: "whsec_… of the endpoint at Stripe; while one is being rolled both, separated by a comma")

    static let webhooks = [webhookSecrets, stripeLive]
}

extension Arguments {
    fileprivate func webhookSecrets() throws(UsageError) -> [String] {
        guard let text = text("--stripe-webhook-secret") else { return [] }
        let secrets = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard secrets.count <= 5, secrets.allSatisfy({ $0.hasPrefix("whsec_") && $0.utf8.count > 10 }) else {
            throw fault("--stripe-webhook-secret", "…", "one to five secrets as Stripe shows them, whsec_…")
        }
        return secrets
    }
}
