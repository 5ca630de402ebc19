internal import Dates
internal import JobKit
public import Observability
public import Postgres
internal import QueueStore
public import Runtime

/// The real worker over the real store, with kinds that bill nobody.
public struct BenchWorker: Sendable {
    public struct Settings: Sendable {
        public var database: PostgresConfiguration
        /// Where the counterpart answers.
        public var counterpart: String
        /// Where gated jobs wait.
        public var gate: String?
        public var worker: WorkerSettings
        /// How long a call to the counterpart may take; well short of `reconcileAfter`.
        public var callTimeout = Duration.seconds(2)
        public var reconcileAfter = Duration.seconds(6)
        /// How far ahead its business clock is. The wall clock of its host is never read, so this is the only clock of
        /// its own that could be wrong.
        public var clockOffset = Duration.zero
        public var announces = true
        public var enqueueLimit = 10_000

        public init(database: PostgresConfiguration, counterpart: String, worker: WorkerSettings) {
            self.database = database
            self.counterpart = counterpart
            self.worker = worker
        }
    }

    private let settings: Settings

    public init(_ settings: Settings) { self.settings = settings }

    /// Works until `drain` says stop, through losses of the database, one at the start included.
    public func run(until drain: Drain, log: Log) async {
        let pool = PostgresPool(settings.database, size: settings.worker.concurrency * 2 + 1)
        let control = PostgresPool(settings.database, size: 3)
        if let now = await databaseTime(control, until: drain) {
            let counterpart = CounterpartClient(base: settings.counterpart, timeout: settings.callTimeout)
            let registry = JobRegistry<PostgresWork> {
                BenchEffectHandler(
                    counterpart: counterpart, reconcileAfter: settings.reconcileAfter, announces: settings.announces)
                BenchBookingHandler(gate: settings.gate.map(GateClient.init))
                MisdeedHandler()
                HangHandler()
            }
            let store = PostgresJobStore<PostgresWork>(
                pool: pool, control: control, listener: settings.database, enqueueLimit: settings.enqueueLimit
            ) { $0 }
            let worker = Worker(
                store: store, roster: PostgresRoster(control: control), registry: registry,
                clock: DatabaseClock(databaseTime: now + settings.clockOffset), settings: settings.worker,
                release: "bench", log: log, metrics: Metrics())
            await worker.run(until: drain)
        }
        await pool.close()
        await control.close()
    }

    private func databaseTime(_ pool: PostgresPool, until drain: Drain) async -> Instant? {
        while drain.stage == .running {
            if let now = try? await QueueInspection(pool: pool).databaseTime(deadline: .now + .seconds(2)) {
                return now
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }
}
