internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import HTTPServer
internal import JobKit
internal import Observability
internal import Postgres
internal import QueueStore
internal import Runtime

extension Command {
    static let worker = Command(
        "worker", "Runs jobs until SIGTERM; a second SIGTERM gives running jobs back at once.",
        settings: [
            .database, .databaseWait, .concurrency, .enqueueLimit, .drainGrace, .health, .logFormat, .logLevel,
        ] + Setting.counterparts + Setting.limits,
        discussion: """
            Any number of workers on any number of hosts share one database. Each takes jobs of the kinds it knows, one
            lease a job, and gives itself up when it cannot reach the database for 12 to 17 seconds.
            """,
        run: WorkerCommand.run)
    static let scheduler = Command(
        "scheduler", "Fires schedules until SIGTERM. Several may run; each tick fires once.",
        settings: [.database, .databaseWait, .health, .logFormat, .logLevel],
        run: SchedulerCommand.run)
    static let web = Command(
        "web",
        "Serves webhooks and the pages on which invoices are paid, health and metrics beside them, until SIGTERM.",
        settings: [.database, .databaseWait, .webHealth, .listen, .logFormat, .logLevel, .mailTemplates]
            + Setting.payLinks + Setting.webhooks,
        discussion: """
            Both are served where --listen says, behind a proxy that speaks TLS and is reached at --web-url. The login needs
            no more rights than billwright_web has. Keep request lines of /pay/ out of the proxy's logs: a link is a key.
            """,
        run: WebCommand.run)
}

extension Setting {
    static let concurrency = Setting(
        "--concurrency", "N", variable: "BILLWRIGHT_CONCURRENCY", default: "8",
        help: "jobs of one queue that run at a time in this process")
    static let enqueueLimit = Setting(
        "--enqueue-limit", "N", variable: "BILLWRIGHT_ENQUEUE_LIMIT", default: "10000",
        help: "jobs that one transaction of a job may enqueue")
    static let webHealth = Setting(
        "--health", "HOST:PORT", variable: "BILLWRIGHT_HEALTH", default: "127.0.0.1:9464",
        help: "serve /livez, /readyz and /metrics there; port 0 takes a free one")
}

/// What a worker is told, beside what every service is.
struct WorkerPlan: Sendable {
    let settings: WorkerSettings
    let registry: JobRegistry<any BillingWork>
    let limits: CallLimits
    let enqueueLimit: Int

    init(_ arguments: Arguments) throws(UsageError) {
        var settings = WorkerSettings(concurrency: try arguments.integer("--concurrency", in: 1...256))
        settings.drainGrace = try arguments.duration("--drain-grace")
        let counterparts = try arguments.counterparts()
        registry = counterparts.registry
        limits = counterparts.limits
        let kinds = registry.registrations
        settings.breakers = try arguments.breakers(for: kinds.map(\.kind))
        settings.rates = try arguments.rates(
            for: Dictionary(
                kinds.compactMap { kind in kind.policy.gateway.map { ($0, kind.policy.callsPerAttempt) } },
                uniquingKeysWith: max))
        self.settings = settings
        enqueueLimit = try arguments.integer("--enqueue-limit", in: 1...1_000_000)
    }

    /// A connection for each job that can run, as far as that makes sense, and one a queue for claims.
    var connections: Int { min(settings.concurrency * 2 + registry.queues.count, 40) }
}

private enum WorkerCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let plan = try WorkerPlan(arguments)
        return try await Service.run(arguments, as: "worker", connections: plan.connections) { service in
            let composition = service.composition
            plan.limits.serve(composition)
            // Whatever else is wrong may pass, and registering tells.
            do { try await QueueCluster(pool: composition.control).requireHome() } catch let error as PostgresError {
                service.log.warning("cannot tell whose cluster this is", ["error": "\(error)"])
            }
            let worker = Worker(
                store: composition.store(enqueueLimit: plan.enqueueLimit),
                roster: PostgresRoster(control: composition.control), registry: plan.registry,
                clock: composition.clock, settings: plan.settings, release: Program.billwright.version,
                log: service.log,
                metrics: composition.metrics)
            async let _ = service.keepHouse()
            await worker.run(until: service.drain)
        }
    }
}

private enum SchedulerCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        try await Service.run(arguments, as: "scheduler", connections: 2) { service in
            let composition = service.composition
            let scheduler = Scheduler(
                ticks: PostgresSchedules(pool: composition.pool, control: composition.control),
                clock: composition.clock, log: service.log, metrics: composition.metrics)
            async let _ = service.keepHouse()
            // Sellers come and go; the clock is set whenever they are read.
            await scheduler.run(
                {
                    let sellers = try await Sellers(pool: composition.pool).all()
                    composition.clock.synchronise(
                        databaseTime: try await QueueInspection(pool: composition.control).databaseTime())
                    return try sellers.map { try Schedule.renewals(of: $0) } + [.sweepOfGatewayEvents()]
                }, until: service.drain)
        }
    }
}

extension Schedule {
    /// Every quarter of an hour: somewhere a day begins at each of them. One run moves everything on to today, so what
    /// was missed needs one run, and none while another is under way.
    static func renewals(of seller: Seller.ID) throws -> Schedule {
        Schedule(
            name: "renewals/\(seller)", timetable: Timetable(try Cron("*/15 * * * *")), catchUp: .latest,
            overlap: .skip,
            job: try NewJob(RenewSubscriptions(seller: seller)))
    }
}

extension Schedule {
    /// Often enough that an event that was lost is hardly later than one that was delivered again.
    static func sweepOfGatewayEvents() throws -> Schedule {
        Schedule(
            name: "gateway-events/sweep", timetable: Timetable(try Cron("*/10 * * * *")), catchUp: .latest,
            overlap: .skip, job: try NewJob(SweepGatewayEvents()))
    }
}

private enum WebCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let site = try WebSite(arguments)
        return try await Service.run(arguments, as: "web", connections: 8) { service in
            let listener = try site.serve(service.composition)
            await service.drain.wait(for: .draining)
            await listener?.stop()
        }
    }
}
