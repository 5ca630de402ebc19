internal import JobKit
public import Observability
public import Postgres
internal import QueueStore
public import Runtime

/// The real worker at its defaults, with the kinds whose speed is measured.
public struct SpeedWorker: Sendable {
    private let database: PostgresConfiguration
    private let settings: WorkerSettings

    public init(database: PostgresConfiguration, settings: WorkerSettings) {
        self.database = database
        self.settings = settings
    }

    public func run(until drain: Drain, log: Log) async throws {
        let pool = PostgresPool(database, size: settings.concurrency * 2 + 1)
        let control = PostgresPool(database, size: 3)
        let now = try await QueueInspection(pool: control).databaseTime()
        let registry = JobRegistry<PostgresWork> {
            NoopHandler()
            BookedHandler()
            PickupHandler()
        }
        let worker = Worker(
            store: PostgresJobStore<PostgresWork>(pool: pool, control: control, listener: database) { $0 },
            roster: PostgresRoster(control: control), registry: registry, clock: DatabaseClock(databaseTime: now),
            settings: settings, release: "bench", log: log, metrics: Metrics())
        await worker.run(until: drain)
        await pool.close()
        await control.close()
    }
}
