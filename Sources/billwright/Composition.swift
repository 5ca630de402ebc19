internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import CustomerMails
internal import Dates
internal import Deliveries
internal import DocumentRendering
internal import DunningEmails
internal import Foundation
internal import GatewayEvents
internal import Gateways
internal import HTTPClient
internal import HTTPServer
internal import InvoiceGeneration
internal import JobKit
internal import Observability
internal import PayLinks
internal import PaymentMethods
internal import PaymentPages
internal import PaymentRetries
internal import Postgres
internal import Proration
internal import QueueStore
internal import Refunds
internal import Renewals
internal import Runtime
internal import Web

/// One process's connections and what is built on them: the only place that sees both sides of every interface.
struct Composition: Sendable {
    typealias Store = PostgresJobStore<any BillingWork>

    /// Every migration of the program, in the order a new database gets them.
    static let migrations = QueueMigrations.all + BooksMigrations.all

    let configuration: PostgresConfiguration
    let pool: PostgresPool
    let control: PostgresPool
    let books: BooksContext
    let clock: any BusinessClock
    let log: Log
    let metrics: Metrics

    /// Connects, waiting up to `wait` for a database that is away and saying so.
    static func connect(
        _ configuration: PostgresConfiguration, connections: Int, wait: Duration, log: Log
    ) async throws -> Composition {
        let pool = PostgresPool(configuration, size: connections)
        let control = PostgresPool(configuration, size: 3)
        let now = try await databaseTime(control, configuration, until: .now + wait, log)
        return Composition(
            configuration, pool: pool, control: control, clock: DatabaseClock(databaseTime: now), log: log)
    }

    init(
        _ configuration: PostgresConfiguration, pool: PostgresPool, control: PostgresPool, clock: any BusinessClock,
        log: Log
    ) {
        let books = BooksContext(zones: HostTimeZones())
        self.configuration = configuration
        self.pool = pool
        self.control = control
        self.books = books
        self.clock = clock
        self.log = log
        metrics = Metrics()
    }

    private static func databaseTime(
        _ pool: PostgresPool, _ configuration: PostgresConfiguration, until deadline: ContinuousClock.Instant,
        _ log: Log
    ) async throws -> Instant {
        while true {
            do {
                // A short try, so that waiting is told about while it lasts.
                return try await QueueInspection(pool: pool).databaseTime(deadline: .now + .seconds(2))
            } catch let error as PostgresError where error.mayRetry == .yes && ContinuousClock.now < deadline {
                log.warning("the database is away; waiting", ["database": "\(configuration)", "error": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// The store as handlers see it.
    func store(enqueueLimit: Int) -> Store {
        Store(pool: pool, control: control, listener: configuration, enqueueLimit: enqueueLimit) { [books] in
            PostgresBooks($0, books)
        }
    }

    /// The store with the books' own type of transaction, for what is no job.
    var booksStore: PostgresJobStore<PostgresBooks> {
        PostgresJobStore(pool: pool, control: control, listener: configuration) { [books] in PostgresBooks($0, books) }
    }

    func close() async {
        await pool.close()
        await control.close()
    }

    /// Serves health where asked to. The listener lives as long as the returned value.
    func serveHealth(on settings: HTTPServer.Settings?) throws -> HTTPServer? {
        guard let settings else { return nil }
        ProcessMetrics.declare(in: metrics)
        metrics.set("billwright_build_info", ["version": Program.billwright.version], to: 1)
        let service = HealthService(
            metrics: metrics,
            readiness: { [control] in
                do {
                    _ = try await control.query("SELECT 1", deadline: .now + .seconds(2))
                    return nil
                } catch { return "\(error)" }
            },
            refresh: { [control, metrics, clock] in
                let depths = try await QueueInspection(pool: control).depths()
                ProcessMetrics.show(depths, at: clock.now(), in: metrics)
                ProcessMetrics.show(try await QueuePauses(pool: control).list(limit: 1000), in: metrics)
            })
        let server = try service.start(on: settings)
        log.info("serving health and metrics", ["address": settings.address, "port": "\(server.port)"])
        return server
    }
}

/// What handlers are given beside the books.
struct Counterparts: Sendable {
    let gateway: any PaymentGateway & HostedPages
    let news: any GatewayNews
    let refunds: any RefundGateway
    let setups: any SetupGateway
    let events: any EventPost
    var limits = CallLimits()
    let mailer: any Mailer
    let writer: any MailWriter
    let mailDomain: String
    let reconcileAfter: Duration
    /// Nil: mails have no links to pay by.
    var links: PayLinks?
    /// What documents are made with, and where they are kept.
    var printer: any DocumentRenderer = NoDocuments()
    var documents: any DocumentStore = NoDocuments()

    /// Every kind this program runs.
    var registry: JobRegistry<any BillingWork> { registry(finalising: FinaliseInvoicesHandler()) }

    func registry<Finalisation: JobHandler>(finalising: Finalisation) -> JobRegistry<any BillingWork>
    where Finalisation.Work == any BillingWork {
        JobRegistry {
            RenewalsHandler()
            ProrationHandler()
            InvoiceGenerationHandler()
            finalising
            CollectPaymentsHandler(gateway: gateway, reconcileAfter: reconcileAfter)
            RemindCustomerHandler()
            RegisterPaymentMethodHandler(gateway: gateway)
            SendMailHandler(mailer: mailer, writer: writer, domain: mailDomain)
            OpenPaymentPageHandler(gateway: gateway) { [links] customer, invoice, key, instant in
                links.map { "\($0.link(customer, invoice: invoice, at: instant))/return?page=\(key)" }
            }
            FinishPaymentPageHandler(gateway: gateway)
            ReactToGatewayEventHandler(news: news)
            RefundPaymentHandler(gateway: refunds)
            DetachPaymentMethodHandler(gateway: setups)
            DeliverEventHandler(post: events)
            SweepGatewayEventsHandler(gateway: StripeGateway.name, news: news)
            RenderDocumentHandler(renderer: printer, store: documents)
        }
    }
}

extension Setting {
    static let stripeKey = Setting(
        "--stripe-key", "KEY", variable: "STRIPE_SECRET_KEY", help: "the secret key of the Stripe account")
    static let stripeURL = Setting(
        "--stripe-url", "URL", variable: "BILLWRIGHT_STRIPE_URL", default: "https://api.stripe.com",
        help: "where Stripe, or a stand-in for it, answers")
    static let stripeLive = Setting(
        "--stripe-live", "yes|no", variable: "BILLWRIGHT_STRIPE_LIVE", default: "no",
        help: "whether a live key is accepted and real money moved")
    static let stripeMinimal = Setting(
        "--stripe-minimal", "yes|no", variable: "BILLWRIGHT_STRIPE_MINIMAL", default: "no",
        help: "send only what simple stand-ins for Stripe understand")
    static let smtpURL = Setting(
        "--smtp-url", "URL", variable: "BILLWRIGHT_SMTP_URL",
        help: "the mail server: smtp://[USER:PASSWORD@]HOST:PORT (STARTTLS; plain on loopback) or smtps://…")
    static let mailFrom = Setting(
        "--mail-from", "ADDRESS", variable: "BILLWRIGHT_MAIL_FROM", default: "billing@billwright.example",
        help: "the sender of mails")
    static let mailTemplates = Setting(
        "--mail-templates", "FOLDER", variable: "BILLWRIGHT_MAIL_TEMPLATES",
        help: "files in the place of the program's own; 'billwright mail templates FOLDER' writes those")
    static let webURL = Setting(
        "--web-url", "URL", variable: "BILLWRIGHT_WEB_URL",
        help: "where customers reach the web process: https://billing.example; without it mails have no links to pay by"
    )
    static let linkKeys = Setting(
        "--link-keys", "SECRETS", variable: "BILLWRIGHT_LINK_KEYS",
        help: "secrets of 32 characters or more, apart by commas: the first signs payment links, all are known")
    static let payLinks = [webURL, linkKeys]
    static let reconcileAfter = Setting(
        "--reconcile-after", "TIME", variable: "BILLWRIGHT_RECONCILE_AFTER", default: "5m",
        help: "how long a charge without an answer may still be on its way before the gateway is asked")

    static let counterparts =
        [
            stripeKey, stripeURL, stripeLive, stripeMinimal, smtpURL, mailFrom, mailTemplates, reconcileAfter,
            privateEndpoints,
        ] + payLinks + documentStore
}
