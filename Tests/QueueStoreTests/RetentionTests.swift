import Chance
import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// What housekeeping removes row by row, and what it must leave.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct RetentionTests {
    @Test func `failures stay as long as their job can be looked at`() async throws {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            try await queue.enqueue([1, 2])
            try await queue.history(100, endedAt: now)
            let old = now - .seconds(31 * 86_400)
            for job in [1, 2, 100, 101, 102] { try await Self.failure(of: job, at: old, queue) }
            try await Self.failure(of: 103, at: now, queue)
            #expect(try await queue.keepHouse(now: now).removed == ["failures": 2])
            let left = try await queue.pool.query("SELECT job FROM queue.failures ORDER BY job").decode(Int64.self)
            #expect(left == [1, 2, 100, 103])
        }
    }

    private static func failure(of job: Int, at instant: Instant, _ queue: QueueFixture) async throws {
        _ = try await queue.pool.query(
            """
            INSERT INTO queue.failures (job, attempt, kind, failed_at, error)
            VALUES (\(Int64(job)), 1, 'count', \(instant), 'x')
            """)
    }

    @Test func `a cancellation stays while its job lives, and a unique key until a day after its window`() async throws
    {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            try await queue.enqueue([1])
            for job in [1, 50] {
                _ = try await queue.pool.query(
                    """
                    INSERT INTO queue.cancellations VALUES (\(Int64(job)), \(now - .seconds(31 * 86_400)), 'me', 'because')
                    """)
            }
            for (key, hours) in [("for life", nil), ("running", -1), ("just over", 1), ("over", 25)]
                as [(String, Int64?)]
            {
                _ = try await queue.pool.query(
                    """
                    INSERT INTO queue.unique_keys VALUES ('count', \(key), 1, \(hours.map { now - .seconds($0 * 3600) }))
                    """)
            }
            #expect(try await queue.keepHouse(now: now).removed == ["cancellations": 1, "unique_keys": 1])
            let keys = try await queue.pool.query("SELECT key FROM queue.unique_keys ORDER BY key").decode(String.self)
            #expect(keys == ["for life", "just over", "running"])
            #expect(try await queue.counted("SELECT job FROM queue.cancellations") == 1)
        }
    }

    @Test func `ticks go but for the newest of each schedule and the newest with a job`() async throws {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            for (days, job) in [(200, 1), (150, 2), (120, nil), (100, nil)] as [(Int64, Int64?)] {
                _ = try await queue.pool.query(
                    """
                    INSERT INTO queue.ticks (schedule, tick, fired_at, job, outcome, reason)
                    VALUES ('nightly', \(now - .seconds(days * 86_400)), \(now), \(job),
                            \(job == nil ? "skipped" : "fired"), \(job == nil ? "because" : nil))
                    """)
            }
            #expect(try await queue.keepHouse(now: now).removed == ["ticks": 2])
            let left = try await queue.pool.query("SELECT job FROM queue.ticks ORDER BY tick").decode(Int64?.self)
            #expect(left == [2, nil])
        }
    }

    @Test func `acts go after three years, and an act says so`() async throws {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            for days in [1000, 1095, 1098, 2000] as [Int64] {
                _ = try await queue.pool.query(
                    """
                    INSERT INTO queue.acts (acted_at, actor, act, reason)
                    VALUES (\(now - .seconds(days * 86_400)), 'me', 'retry', 'because')
                    """)
            }
            #expect(try await queue.keepHouse(now: now).removed == ["acts": 2])
            #expect(try await queue.keepHouse(now: now).removed == [:])
            let said = try await queue.pool.query(
                "SELECT actor, (before ->> 'acts')::bigint FROM queue.acts WHERE act = 'remove acts'"
            ).decode(String.self, Int64.self)
            #expect(said.map(\.0) == ["housekeeping"] && said.map(\.1) == [2])
        }
    }

    @Test func `a run that has ended stays as long as a job of it, and its name longer`() async throws {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            for (name, days) in [("open", nil), ("old", 1097), ("kept", 1097), ("young", 1000)] as [(String, Int64?)] {
                let ended = days.map { now - .seconds($0 * 86_400) }
                _ = try await queue.pool.query(
                    """
                    INSERT INTO queue.runs (name, opened_at, sealed_at, ended_at)
                    VALUES (\(name), \(now - .seconds(2000 * 86_400)), \(ended), \(ended))
                    """)
            }
            try await queue.history(1, endedAt: now)
            _ = try await queue.pool.query(
                """
                INSERT INTO queue.history (id, version, priority, attempt, rescues, snoozes, enqueued_at, due_at, ended_at,
                                           state, kind, queue, arguments, run)
                SELECT 2, 1, 0, 1, 0, 0, \(now), \(now), \(now), 'discarded', 'count', 'default', '{}', id
                  FROM queue.runs WHERE name = 'kept'
                """)
            #expect(try await queue.keepHouse(now: now).removed == ["runs": 1])
            let left = try await queue.pool.query("SELECT name FROM queue.runs ORDER BY id").decode(String.self)
            #expect(left == ["open", "kept", "young"])
        }
    }

    @Test func `what limits were counted by goes, but for the newest grant of a gateway and look at a kind`()
        async throws
    {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            let breaker = Breaker(window: .seconds(600), failedPercent: 50)
            let limits = KindLimits(kind: Count.kind, gateway: "bank", callsPerAttempt: 1, breaker: breaker)
            try await queue.store.limit([limits], ["bank": CallRate(calls: 1, per: .seconds(60), burst: 1000)])
            for minutes in [200, 130, 90, 65] as [Int64] {
                let then = now - .seconds(minutes * 60)
                for statement: SQL in [
                    "INSERT INTO queue.grants VALUES ('bank', \(then.microseconds), 1, \(then))",
                    "INSERT INTO queue.looks (kind, looked_at, counted_to, amounts) VALUES ('count', \(then), 0, '{}')",
                    "INSERT INTO queue.tallies VALUES ('count', \(then), 1)",
                ] { _ = try await queue.pool.query(statement) }
            }
            #expect(try await queue.keepHouse(now: now).removed == ["grants": 3, "looks": 3, "tallies": 3])
            // Seventy minutes' worth is not saved up because it was forgotten what was spent.
            #expect(try await queue.counted("SELECT queue.calls_left('bank')") == 65)
        }
    }

    @Test func `what is kept for less than a day, or acts for less than a year, is refused and nothing is changed`()
        async throws
    {
        try await QueueFixture.with { queue in
            let retention = Retention(pool: queue.pool)
            for (subject, days) in [(.history, 0), (.acts, 30), (.lanes, nil)] as [(Retention.Subject, Int?)] {
                await #expect(throws: PostgresError.self) {
                    try await retention.keep(subject, days: days, by: "me", because: "a slip")
                }
            }
            let kept = try await retention.days().map { "\($0.subject) \($0.days ?? 0)" }
            #expect(kept == ["acts 1096", "history 30", "lanes 7", "runs 1096", "ticks 90"])
            #expect(try await queue.counted("SELECT count(*) FROM queue.acts") == 0)
        }
    }

    /// Random turns of enqueueing (some transactions stay open), claiming, completing, losing and forgetting.
    @Test(arguments: SeededGenerator.seeds)
    func `lanes are forgotten at any moment and each job is still claimed once`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            var (next, forgotten, running, seen) = (0, 0, [ClaimedJob](), [Int]())
            var open: [PostgresConnection] = []
            for _ in 1...120 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    try await queue.enqueue(next..<next + 2, tenant: Int64.random(in: 1...3, using: &random))
                    next += 2
                case 1 where open.count < 3:
                    let connection = try await PostgresConnection.connect(queue.pool.configuration)
                    _ = try await connection.query("BEGIN")
                    _ = try await connection.query(Self.parcel(next, tenant: Int64.random(in: 1...3, using: &random)))
                    open.append(connection)
                    next += 1
                case 2 where !open.isEmpty:
                    let connection = open.remove(at: Int.random(in: open.indices, using: &random))
                    _ = try await connection.query("COMMIT")
                    await connection.close()
                case 3: running += try await queue.claimAny(Int.random(in: 1...4, using: &random), as: worker)
                case 4:
                    let jobs = running
                    running = []
                    #expect(try await queue.store.complete(jobs, now: queue.start).count == jobs.count)
                    seen += try jobs.map { try $0.name }
                default: forgotten += try await Self.forget(queue)
                }
            }
            for connection in open {
                _ = try await connection.query("COMMIT")
                await connection.close()
            }
            #expect(try await queue.store.complete(running, now: queue.start).count == running.count)
            seen += try running.map { try $0.name }
            seen += try await queue.finishAll(as: worker) + queue.finishAll(as: worker)
            #expect(seen.sorted() == Array(0..<next))
            #expect(forgotten > 0)
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 0)
        }
    }

    private static func parcel(_ number: Int, tenant: Int64) -> SQL {
        """
        INSERT INTO queue.jobs (version, priority, tenant, due_at, enqueued_at, kind, queue, arguments)
        VALUES (1, 0, \(tenant), now(), now(), 'parcel', 'standard',
                json_build_object('number', \(Int64(number))))
        """
    }

    /// As if a month had passed since the last claim.
    private static func forget(_ queue: QueueFixture) async throws -> Int {
        _ = try await queue.pool.query("UPDATE queue.leases SET leased_at = leased_at - interval '31 days'")
        _ = try await queue.rescue()
        return try await queue.counted("SELECT queue.forget_lanes(100)")
    }

    @Test func `a worker's life that is over is not remembered`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue([1])
            let jobs = try await queue.claimAny(as: worker)
            try await queue.complete(try #require(jobs.first))
            // What is remembered would be dropped with the next claim.
            queue.store.forget(worker)
            try await queue.enqueue([2])
            #expect(try await queue.claimAny(as: worker).count == 1)
            #expect(try await queue.counted("SELECT count(*) FROM queue.leases") == 2)
        }
    }
}
