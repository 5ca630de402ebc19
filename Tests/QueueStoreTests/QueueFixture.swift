import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport

/// A queue of its own for one test, reached as the worker's role.
struct QueueFixture: Sendable {
    let store: PostgresJobStore<PostgresWork>
    let roster: PostgresRoster
    let pool: PostgresPool
    let start: Instant

    static func with(_ body: (QueueFixture) async throws -> Void) async throws {
        let database = try TestDatabase.current
        let configuration = try await database.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 8)
        let control = PostgresPool(configuration, size: 2)
        let fixture = QueueFixture(
            store: PostgresJobStore(pool: pool, control: control, listener: configuration) { $0 },
            roster: PostgresRoster(control: control), pool: pool,
            start: try Instant(parsing: "2026-11-21T00:00:00Z"))
        do { try await body(fixture) } catch {
            await pool.close()
            await control.close()
            throw error
        }
        await pool.close()
        await control.close()
    }

    func enqueue(_ jobs: [NewJob]) async throws {
        try await store.transaction(tenant: .all, now: start) { work in try await work.enqueue(jobs) }
    }

    /// A registered worker.
    func worker(kinds: [KindDescription] = []) async throws -> WorkerID {
        let id = WorkerID(UUID())
        try await roster.register(
            WorkerDescription(
                id: id, host: "test", processID: 1, release: "test", queues: [.standard], kinds: kinds))
        return id
    }

    func claim(
        _ limit: Int = 10, as worker: WorkerID, kinds: [JobKind: Int] = [Count.kind: 1], now: Instant? = nil
    ) async throws -> [ClaimedJob] {
        let request = ClaimRequest(worker: worker, queue: .standard, kinds: kinds, limit: limit)
        return try await store.claim(request, now: now ?? start)
    }

    /// Declares a worker lost, as twenty seconds of silence would.
    func lose(_ worker: WorkerID) async throws {
        _ = try await pool.query(
            "UPDATE queue.workers SET beat_at = beat_at - interval '1 hour' WHERE id = \(worker.uuid)")
    }

    func rescue(budget: Int = 3) async throws -> Rescue {
        try await roster.rescueLost(expiry: .seconds(20), budget: budget, now: start)
    }

    func state(of job: JobID) async throws -> String? {
        try await pool.query("SELECT state FROM queue.all_jobs WHERE id = \(job.number)").first(String.self)
    }

    /// Returns when a session of this database waits for a lock.
    func somebodyWaits() async throws {
        var waiting = 0
        while waiting == 0 {
            waiting = try await counted(
                """
                SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                 WHERE NOT granted AND datname = current_database()
                """)
        }
    }

    func counted(_ text: SQL) async throws -> Int { try await pool.query(text).only(Int.self) }
}

struct Count: JobArguments {
    static let kind: JobKind = "count"
    var number: Int
    var key: String?
    var uniqueKey: String? { key }
}

struct Newer: JobArguments {
    static let kind: JobKind = "count"
    static let version = 2
    var number: Int
}
