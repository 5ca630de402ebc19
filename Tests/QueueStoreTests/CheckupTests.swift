import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A checkup finds nothing wrong in a queue that works, and each fault by its name.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct CheckupTests {
    private static func faults(_ queue: QueueFixture, patience: Duration = .seconds(900)) async throws -> [String] {
        try await QueueCheckup(pool: queue.pool, patience: patience).findings(now: queue.serverTime())
            .filter { $0.grade == .fault }.map { "\($0.subject): \($0.detail)" }
    }

    /// A worker that lives, a pass done, and a job in each place.
    private static func prepare(_ queue: QueueFixture) async throws -> WorkerID {
        let (worker, now) = (try await queue.worker(), try await queue.serverTime())
        _ = try await queue.keepHouse(now: now)
        try await queue.store.transaction(tenant: .all, now: now) { work in
            try await work.enqueue((1...6).map { try NewJob(Parcel(number: $0, serialKey: $0 > 3 ? "key" : nil)) })
        }
        let jobs = try await queue.claimAny(2, as: worker, now: now)
        #expect(try await queue.store.complete([jobs[0]], now: now).count == 1)
        return worker
    }

    @Test func `a queue that works has no fault, also while jobs run, wait and block each other`() async throws {
        try await QueueFixture.with { queue in
            _ = try await Self.prepare(queue)
            #expect(try await Self.faults(queue) == [])
            let grades = try await QueueCheckup(pool: queue.pool, patience: .seconds(900))
                .findings(now: queue.serverTime()).map(\.advice.isEmpty)
            #expect(!grades.contains(false))
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let subject: String
        let contains: String
        let cause: SQL
        var testDescription: String { "\(subject): \(contains)" }
    }

    private static let faults: [Fault] = [
        Fault(
            subject: "serial keys", contains: "default/lost by job 4711",
            cause: "INSERT INTO queue.heads VALUES ('default', 'lost', 4711)"),
        Fault(
            subject: "unique keys", contains: "count/lost by job 4711",
            cause: "INSERT INTO queue.unique_keys VALUES ('count', 'lost', 4711, NULL)"),
        Fault(
            subject: "workers", contains: "silent for 30 seconds and not rescued: test 1 (",
            cause: "UPDATE queue.workers SET beat_at = beat_at - interval '1 hour'"),
        Fault(subject: "workers", contains: "1 leases of workers nobody knows", cause: "DELETE FROM queue.workers"),
        Fault(
            subject: "waiting jobs of standard/parcel", contains: "due for 60 min",
            cause: "UPDATE queue.jobs SET due_at = due_at - interval '1 hour'"),
        // An older transaction than any whose rows were claimed, and none that a lease knows to have been under way.
        Fault(
            subject: "stranded jobs", contains: "nobody claims them: 4712",
            cause: """
                INSERT INTO queue.jobs (id, xid, version, priority, due_at, enqueued_at, kind, queue, arguments)
                SELECT 4712, '3', version, priority, due_at, enqueued_at, kind, queue, arguments
                  FROM queue.jobs WHERE serial_key IS NULL ORDER BY position LIMIT 1
                """),
        Fault(
            subject: "history", contains: "1 rows in the default partition",
            cause: """
                INSERT INTO queue.history (id, version, priority, attempt, rescues, snoozes, enqueued_at, due_at,
                                           ended_at, state, kind, queue, arguments)
                VALUES (1, 1, 0, 1, 0, 0, now(), now(), now() - interval '9 days', 'completed', 'count', 'default', '{}')
                """),
        Fault(
            subject: "history", contains: "last done 2 h ago",
            cause: "UPDATE queue.housekeeping SET kept_at = kept_at - interval '2 hours'"),
        Fault(
            subject: "runs", contains: "nobody ends them: nightly",
            cause: """
                INSERT INTO queue.runs (name, opened_at, sealed_at)
                VALUES ('nightly', now() - interval '1 day', now() - interval '2 minutes'), ('tonight', now(), NULL)
                """),
        Fault(
            subject: "queue's cluster", contains: "restored from another cluster",
            cause: "UPDATE queue.cluster SET system_identifier = 1"),
    ]

    @Test(arguments: faults) func `each fault is found, and nothing else`(_ fault: Fault) async throws {
        try await QueueFixture.with { queue in
            _ = try await Self.prepare(queue)
            _ = try await queue.pool.query(fault.cause)
            let found = try await Self.faults(queue)
            #expect(found.count == 1, "\(found)")
            let first = try #require(found.first)
            #expect(first.hasPrefix("\(fault.subject): ") && first.contains(fault.contains), "\(found)")
        }
    }

    @Test func `what a person paused is a note, and so is a held job that others wait for`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await Self.prepare(queue)
            let now = try await queue.serverTime()
            _ = try await QueuePauses(pool: queue.pool).pause(.everything, by: "me", because: "the audit", now: now)
            let claimed = try await queue.pool.query("SELECT count(*) FROM queue.heads").only(Int.self)
            try #require(claimed == 1)
            _ = try await QueuePauses(pool: queue.pool).resume(.everything, by: "me", because: "audited", now: now)
            let jobs = try await queue.claimAny(as: worker, now: now)
            let head = try #require(jobs.first { $0.serialKey != nil })
            try await queue.store.end(head, as: .held(reason: "look"), now: now)
            _ = try await QueuePauses(pool: queue.pool).pause(.everything, by: "me", because: "the audit", now: now)
            try await queue.store.transaction(tenant: .all, now: now - .seconds(7200)) { work in
                try await work.enqueue([try NewJob(Letter(number: 1))])
            }
            let notes = try await QueueCheckup(pool: queue.pool, patience: .seconds(900)).findings(now: now)
            #expect(notes.filter { $0.grade == .fault } == [])
            let subjects = notes.filter { $0.grade == .note }.map(\.subject)
            #expect(subjects == ["waiting jobs of standard/letter", "held jobs", "serial keys' order"], "\(notes)")
        }
    }

    @Test func `what waits in a stopped run is a note, what waits beside it is not`() async throws {
        try await QueueFixture.with { queue in
            _ = try await Self.prepare(queue)
            let now = try await queue.serverTime()
            let run = try await queue.store.transaction(tenant: .all, now: now - .seconds(7200)) { work in
                let run = try await work.open(NewRun(name: "nightly", tenant: nil)).id
                try await work.enqueue([NewJob(Letter(number: 1)).in(run)])
                return run
            }
            #expect(try await Self.faults(queue).map { $0.hasPrefix("waiting jobs of standard/letter") } == [true])
            _ = try await QueueRuns(pool: queue.pool).stop(run, by: "me", because: "wrong prices", now: now)
            #expect(try await Self.faults(queue) == [])
            try await queue.store.transaction(tenant: .all, now: now - .seconds(3600)) { work in
                try await work.enqueue([NewJob(Letter(number: 2))])
            }
            #expect(try await Self.faults(queue).map { $0.hasPrefix("waiting jobs of standard/letter") } == [true])
        }
    }

    @Test func `a stranded job is mended as the advice says`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await Self.prepare(queue)
            let now = try await queue.serverTime()
            let stranded = try #require(Self.faults.first { $0.subject == "stranded jobs" })
            _ = try await queue.pool.query(stranded.cause)
            let act = QueueOperations.Act(.reschedule(to: now), by: "me", because: "stranded")
            #expect(try await QueueOperations(pool: queue.pool).act(act, on: 4712, now: now).refusal == nil)
            #expect(try await Self.faults(queue) == [])
            let jobs = try await queue.claimAny(as: worker, now: now) + queue.claimAny(as: worker, now: now)
            #expect(jobs.contains { $0.id == JobID(4712) })
        }
    }

    @Test func `a session that keeps a snapshot is named, in this database only`() async throws {
        try await QueueFixture.with { queue in
            _ = try await Self.prepare(queue)
            let checkup = QueueCheckup(pool: queue.pool, patience: .seconds(900), snapshotPatience: .zero)
            let elsewhere = try await PostgresConnection.connect(TestCluster.configuration())
            let reader = try await PostgresConnection.connect(queue.pool.configuration)
            for connection in [elsewhere, reader] {
                _ = try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
                _ = try await connection.query("SELECT 1")
            }
            let pid = try await reader.query("SELECT pg_backend_pid()").only(Int32.self)
            let found = try await checkup.findings(now: queue.serverTime()).filter { $0.subject == "old snapshot" }
            #expect(found.count == 1 && found[0].detail.hasPrefix("session \(pid) (billwright_worker"), "\(found)")
            await reader.close()
            await elsewhere.close()
        }
    }

    @Test func `a table with more dead rows than live ones is named`() async throws {
        try await QueueFixture.with { queue in
            _ = try await Self.prepare(queue)
            let owner = try await PostgresConnection.connect(TestDatabase.current.configuration)
            _ = try await owner.query("ALTER TABLE queue.heads SET (autovacuum_enabled = false)")
            _ = try await owner.query("BEGIN")
            _ = try await owner.query(
                "INSERT INTO queue.heads SELECT 'default', 'key ' || n, n FROM generate_series(1, 110000) AS n")
            _ = try await owner.query("ROLLBACK")
            _ = try await owner.query("SELECT pg_stat_force_next_flush()")
            await owner.close()
            let found = try await Self.faults(queue)
            #expect(found.count == 1 && found[0].hasPrefix("dead rows: queue.heads "), "\(found)")
        }
    }
}
