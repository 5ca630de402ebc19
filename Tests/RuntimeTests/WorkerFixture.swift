import Dates
import Foundation
import JobKit
import Observability
import Postgres
import QueueStore
import Runtime
import Synchronization
import TestSupport

/// A worker process in miniature on a database of its own.
struct WorkerFixture: Sendable {
    let store: PostgresJobStore<PostgresWork>
    let pool: PostgresPool
    let roster: PostgresRoster
    let clock: DatabaseClock
    let metrics = Metrics()

    static func with(_ body: (WorkerFixture) async throws -> Void) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 8)
        let control = PostgresPool(configuration, size: 3)
        let now = try await pool.query("SELECT clock_timestamp()").only(Instant.self)
        let fixture = WorkerFixture(
            store: PostgresJobStore(pool: pool, control: control, listener: configuration) { $0 }, pool: pool,
            roster: PostgresRoster(control: control), clock: DatabaseClock(databaseTime: now))
        do { try await body(fixture) } catch {
            await pool.close()
            await control.close()
            throw error
        }
        await pool.close()
        await control.close()
    }

    func worker(
        roster: (any WorkerRoster)? = nil, settings: WorkerSettings = WorkerSettings(),
        @JobRegistryBuilder<PostgresWork> _ handlers: () -> [JobRegistration<PostgresWork>]
    ) -> Worker<PostgresJobStore<PostgresWork>> {
        Worker(
            store: store, roster: roster ?? self.roster, registry: JobRegistry(handlers), clock: clock,
            settings: settings, release: "test", log: silent,
            metrics: metrics)
    }

    /// Runs `worker` while `body` does, then drains it.
    func running(
        _ worker: Worker<PostgresJobStore<PostgresWork>>, _ body: (Drain) async throws -> Void
    ) async throws {
        let drain = Drain()
        let life = Task { await worker.run(until: drain) }
        do { try await body(drain) } catch {
            drain.advance()
            drain.advance()
            await life.value
            throw error
        }
        drain.advance()
        await life.value
    }

    func enqueue(_ arguments: some JobArguments) async throws {
        try await store.transaction(tenant: .all, now: clock.now()) { work in try await work.enqueue(arguments) }
    }

    var silent: Log { Log(component: "test", threshold: .error) { _ in } }

    func states() async throws -> [String] {
        try await pool.query("SELECT state FROM queue.all_jobs ORDER BY id").decode(String.self)
    }
}

/// What a handler reports to its test: events in order, awaited without polling.
final class Events: Sendable {
    private let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func send(_ event: String) { continuation.yield(event) }

    /// The next `count` events.
    func next(_ count: Int = 1) async -> [String] {
        var events: [String] = []
        for await event in stream {
            events.append(event)
            if events.count == count { break }
        }
        return events
    }
}

struct Errand: JobArguments {
    static let kind: JobKind = "errand"
    var name: String
}

/// Runs whatever the test wants.
struct ErrandHandler: JobHandler {
    typealias Work = PostgresWork
    // The limit is far away: a slow machine must not end an attempt that a test still needs.
    static let policy = JobPolicy(
        maxAttempts: 2, timeout: .seconds(50), backoff: Backoff(first: .milliseconds(10), longest: .milliseconds(10)))
    let body: @Sendable (Job<Errand>, JobContext<PostgresWork>) async throws -> JobOutcome

    func run(_ job: Job<Errand>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        try await body(job, context)
    }
}

/// The same with a limit that is soon reached, for handlers that hang.
struct ImpatientErrandHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy(
        maxAttempts: 2, timeout: .milliseconds(200),
        backoff: Backoff(first: .milliseconds(10), longest: .milliseconds(10)))
    let body: @Sendable (Job<Errand>, JobContext<PostgresWork>) async throws -> JobOutcome

    func run(_ job: Job<Errand>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        try await body(job, context)
    }
}
