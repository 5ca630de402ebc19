import Chance
import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Housekeeping makes room and takes nothing that is still needed; nobody waits for it.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct HousekeepingTests {
    /// The worker's role may read the parent alone.
    private static let inDay: SQL =
        "SELECT count(*) FROM queue.history WHERE tableoid::regclass::text = 'queue.history_20261121'"

    @Test func `a week of days is made ahead, by one of many that look, and what ends goes into its day`() async throws
    {
        try await QueueFixture.with { queue in
            let passes = try await withThrowingTaskGroup(of: HousePass?.self) { group in
                for _ in 1...8 { group.addTask { try await queue.house.keepHouse(now: queue.start) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let done = passes.compactMap(\.self)
            #expect(done.count == 1)
            #expect(done.first?.madeDays == (21...28).map { "2026-11-\($0)" })
            try await queue.enqueue(1...3)
            #expect(try await queue.finishAll(as: queue.worker()).count == 3)
            #expect(try await queue.counted(Self.inDay) == 3)
            // A day has every index of the whole.
            #expect(
                try await queue.counted(
                    """
                    SELECT count(DISTINCT ofDays) FROM (
                        SELECT c.relname, count(*) AS ofDays FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
                         WHERE c.relname ~ '^history' AND c.relnamespace = 'queue'::regnamespace GROUP BY 1) AS counted
                    """) == 1)
            // The next day another is made, and only it.
            let next = try await queue.keepHouse(now: queue.start + .seconds(86_400))
            #expect(next.madeDays == ["2026-11-29"] && next.droppedDays == [] && next.removed == [:])
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `rows that fell into the default partition are moved into their days, whichever they are`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed: seed)
        let instants = (1...60).map { _ in Int64.random(in: -20 * 86_400...40 * 86_400, using: &random) }
        try await QueueFixture.with { queue in
            if Bool.random(using: &random) { _ = try await queue.keepHouse(now: queue.start) }
            for (number, offset) in instants.enumerated() {
                try await queue.history(number, endedAt: queue.start + .seconds(offset))
            }
            // Ten strange days a pass.
            for _ in 1...7 { _ = try await queue.keepHouse(now: queue.start) }
            #expect(try await queue.counted("SELECT count(*) FROM queue.history_rest") == 0)
            #expect(try await queue.counted("SELECT count(DISTINCT id) FROM queue.history") == instants.count)
            let astray = try await queue.counted(
                """
                SELECT count(*) FROM queue.history AS h
                 WHERE h.tableoid::regclass::text
                       <> 'queue.history_' || to_char(h.ended_at AT TIME ZONE 'UTC', 'YYYYMMDD')
                """)
            #expect(astray == 0)
        }
    }

    @Test func `too many rows of today stay in the default partition and keep no other day from being made`()
        async throws
    {
        try await QueueFixture.with { queue in
            _ = try await queue.pool.query(
                """
                INSERT INTO queue.history (id, version, priority, attempt, rescues, snoozes, enqueued_at, due_at, ended_at,
                                           state, kind, queue, arguments)
                SELECT n, 1, 0, 1, 0, 0, \(queue.start), \(queue.start), \(queue.start), 'completed', 'count', 'default', '{}'
                  FROM generate_series(1, 50001) AS n
                """)
            let pass = try await queue.keepHouse(now: queue.start)
            #expect(pass.crowdedDays == ["2026-11-21"] && pass.madeDays.first == "2026-11-22" && pass.putOff == [])
            // Once the day is over nobody writes to it, and it may take longer.
            #expect(
                try await queue.keepHouse(now: queue.start + .seconds(86_400)).madeDays == ["2026-11-21", "2026-11-29"])
            #expect(try await queue.counted(Self.inDay) == 50_001)
        }
    }

    @Test func `days that have outlived their time are dropped whole, younger ones never, and none when kept for ever`()
        async throws
    {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            for day in 0...40 { try await queue.history(day, endedAt: now - .seconds(Int64(day) * 86_400)) }
            try await Retention(pool: queue.pool).keep(.history, days: nil, by: "me", because: "an audit")
            for _ in 1...5 { _ = try await queue.keepHouse(now: now) }
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 41)
            try await Retention(pool: queue.pool).keep(.history, days: 30, by: "me", because: "audited")
            let pass = try await queue.keepHouse(now: now)
            #expect(pass.droppedDays.count == 10)
            // Thirty days ago has not ended thirty days ago.
            #expect(try await queue.counted("SELECT max(id) FROM queue.history") == 30)
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 31)
        }
    }

    @Test func `a caller whose clock runs years ahead hastens nothing`() async throws {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            for day in 0...20 { try await queue.history(day, endedAt: now - .seconds(Int64(day) * 86_400)) }
            _ = try await queue.pool.query("INSERT INTO queue.acts (actor, act, reason) VALUES ('me', 'x', 'y')")
            for _ in 1...3 { _ = try await queue.keepHouse(now: now) }
            let pass = try await queue.keepHouse(now: now + .seconds(3000 * 86_400))
            #expect(pass.droppedDays == [] && pass.removed == [:])
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 21)
        }
    }

    @Test
    func `a reader of history keeps a day from being dropped, and neither it nor the pass keeps a job from ending`()
        async throws
    {
        try await QueueFixture.with { queue in
            let now = try await queue.serverTime()
            try await queue.history(1, endedAt: now - .seconds(40 * 86_400))
            // As a first pass in those days would have made it.
            _ = try await queue.keepHouse(now: now - .seconds(40 * 86_400))
            try await queue.store.transaction(tenant: .all, now: now) { work in
                _ = try await work.transaction.query("SELECT count(*) FROM queue.history")
                try await queue.enqueue(1...200)
                async let pass = queue.keepHouse(now: now)
                #expect(try await Self.finishImpatiently(queue) == 200)
                // Making a day locks the default partition, dropping one the parent: the reader has both.
                let putOff = try await pass.putOff
                #expect(putOff.contains("drop a day") && putOff.count >= 9, "\(putOff)")
                #expect(try await !queue.hasEndedTurn())
            }
            let pass = try await queue.keepHouse(now: now)
            #expect(pass.droppedDays.count == 8 && pass.putOff == [], "\(pass)")
            #expect(try await queue.hasEndedTurn())
        }
    }

    /// On connections that wait for a lock only a third as long as the pass would, were it as patient as others.
    private static func finishImpatiently(_ queue: QueueFixture) async throws -> Int {
        var configuration = queue.pool.configuration
        configuration.sessionLimits?.lock = .seconds(3)
        let pool = PostgresPool(configuration, size: 2)
        let store = PostgresJobStore(pool: pool, control: pool, listener: configuration) { $0 }
        let impatient = QueueFixture(store: store, roster: queue.roster, pool: pool, start: queue.start)
        let finished = try await impatient.finishAll(10, as: impatient.worker())
        await pool.close()
        return finished.count
    }

    @Test func `hot tables are vacuumed after thousands of dead rows, not after a share of what they hold`()
        async throws
    {
        try await QueueFixture.with { queue in
            let tuned = try await queue.pool.query(
                """
                SELECT relname::text FROM pg_class
                 WHERE relnamespace = 'queue'::regnamespace
                   AND reloptions @> ARRAY['autovacuum_vacuum_scale_factor=0'] ORDER BY 1
                """
            ).decode(String.self)
            #expect(tuned == ["effects", "heads", "jobs", "leases", "unique_keys", "waiting", "workers"])
        }
    }
}

extension QueueFixture {
    var house: PostgresHousekeeping { PostgresHousekeeping(pool: pool) }

    /// A pass, as if it were due.
    func keepHouse(now: Instant) async throws -> HousePass {
        _ = try await pool.query("UPDATE queue.housekeeping SET due_at = '-infinity', kept_at = NULL")
        return try #require(try await house.keepHouse(now: now))
    }

    func hasEndedTurn() async throws -> Bool {
        try await pool.query("SELECT kept_at IS NOT NULL FROM queue.housekeeping").only(Bool.self)
    }

    func serverTime() async throws -> Instant { try await pool.query("SELECT clock_timestamp()").only(Instant.self) }

    /// A job that ended then.
    func history(_ id: Int, endedAt: Instant) async throws {
        _ = try await pool.query(
            """
            INSERT INTO queue.history (id, version, priority, attempt, rescues, snoozes, enqueued_at, due_at, ended_at,
                                       state, kind, queue, arguments)
            VALUES (\(Int64(id)), 1, 0, 1, 0, 0, \(endedAt), \(endedAt), \(endedAt), 'completed', 'count', 'default', '{}')
            """)
    }
}
