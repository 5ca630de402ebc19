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
            .database, .databaseWait, .concurrency, .drainGrace, .health, .logFormat, .logLevel,
        ] + Setting.counterparts,
        discussion: """
            Any number of workers on any number of hosts share one database. Each takes jobs of the kinds it knows, one
            lease a job, and gives itself up when it cannot reach the database for 12 seconds.
            """,
        run: WorkerCommand.run)
    static let scheduler = Command(
        "scheduler", "Fires schedules until SIGTERM. Several may run; each tick fires once.",
        settings: [.database, .databaseWait, .health, .logFormat, .logLevel],
        run: SchedulerCommand.run)
    static let web = Command(
        "web", "Serves health, readiness and metrics until SIGTERM.",
        settings: [.database, .databaseWait, .webHealth, .logFormat, .logLevel],
        run: WebCommand.run)
}

extension Setting {
    static let concurrency = Setting(
        "--concurrency", "N", variable: "BILLWRIGHT_CONCURRENCY", default: "8",
        help: "jobs of one queue that run at a time in this process")
    static let webHealth = Setting(
        "--health", "HOST:PORT", variable: "BILLWRIGHT_HEALTH", default: "127.0.0.1:9464",
        help: "serve /livez, /readyz and /metrics there; port 0 takes a free one")
}

private enum WorkerCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let log = try arguments.log("worker")
        var settings = WorkerSettings(concurrency: try arguments.integer("--concurrency", in: 1...256))
        settings.drainGrace = try arguments.duration("--drain-grace")
        let registry = try arguments.counterparts().registry
        let health = try arguments.listenSettings("--health")
        let configuration = try arguments.database(application: "worker")
        // Before the database is waited for: a SIGTERM meanwhile must end the wait.
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        // A connection for each job that can run, as far as that makes sense, and one a queue for claims.
        let queues = registry.queues.count
        let composition = try await Composition.connect(
            configuration, connections: min(settings.concurrency * 2 + queues, 40),
            wait: try arguments.duration("--database-wait"), log: log)
        let listener = try composition.serveHealth(on: health)
        let worker = Worker(
            store: composition.store, roster: PostgresRoster(control: composition.control), registry: registry,
            clock: composition.clock, settings: settings, release: Program.billwright.version, log: log,
            metrics: composition.metrics)
        await worker.run(until: drain)
        log.info("stopped")
        await listener?.stop()
        await composition.close()
        return 0
    }
}

private enum SchedulerCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let log = try arguments.log("scheduler")
        let health = try arguments.listenSettings("--health")
        let configuration = try arguments.database(application: "scheduler")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let composition = try await Composition.connect(
            configuration, connections: 2, wait: try arguments.duration("--database-wait"), log: log)
        let listener = try composition.serveHealth(on: health)
        // Sellers come and go: the list is read again every minute, and a scheduler run with it.
        while drain.stage == .running {
            let sellers = (try? await Sellers(pool: composition.pool).all()) ?? []
            let scheduler = Scheduler(
                schedules: try sellers.map { try Schedule.renewals(of: $0) }, ticks: composition.store,
                clock: await synchronised(composition), log: log, metrics: composition.metrics)
            await scheduler.run(for: .seconds(60), until: drain)
        }
        log.info("stopped")
        await listener?.stop()
        await composition.close()
        return 0
    }

    /// Keeps business time with the database, as a worker's heartbeat does.
    private static func synchronised(_ composition: Composition) async -> DatabaseClock {
        if let now = try? await QueueInspection(pool: composition.control).databaseTime() {
            composition.clock.synchronise(databaseTime: now)
        }
        return composition.clock
    }
}

extension Schedule {
    /// Every quarter of an hour: somewhere a day begins at each of them.
    static func renewals(of seller: Seller.ID) throws -> Schedule {
        Schedule(name: "renewals/\(seller)", cron: try Cron("*/15 * * * *"), catchUp: .latest) { _ in
            try NewJob(RenewSubscriptions(seller: seller))
        }
    }
}

private enum WebCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let log = try arguments.log("web")
        let health = try arguments.listenSettings("--health")
        let configuration = try arguments.database(application: "web")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let composition = try await Composition.connect(
            configuration, connections: 2, wait: try arguments.duration("--database-wait"), log: log)
        let listener = try composition.serveHealth(on: health)
        if let listener, let health { Terminal.print("listening on http://\(health.address):\(listener.port)") }
        await drain.wait(for: .draining)
        log.info("stopped")
        await listener?.stop()
        await composition.close()
        return 0
    }
}
