import Dates
import Foundation
import JobKit
import Observability
import Postgres
import QueueStore
import Runtime
import Synchronization
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct SchedulerTests {
    @Test func `three schedulers that race fire each tick once`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedules = try (1...4).map { try hourly(.all(within: .seconds(86_400)), name: "hourly/\($0)") }
            try await fixture.round(schedules)
            for hours in [3, 4, 9] {
                fixture.clock.set(fixture.start + .seconds(hours * 3600 + 5))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 { group.addTask { try await fixture.round(schedules) } }
                    try await group.waitForAll()
                }
            }
            #expect(try await fixture.counted("SELECT count(*) FROM queue.ticks") == 36)
            #expect(try await fixture.counted("SELECT count(DISTINCT job) FROM queue.ticks") == 36)
            #expect(try await fixture.counted("SELECT count(*) FROM queue.all_jobs") == 36)
        }
    }

    @Test func `a clock that steps back over a fired tick fires nothing again`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.all(within: .seconds(86_400)))
            try await fixture.round([schedule])
            for minutes in [61, 122, 65, 30, 123, 59] {
                fixture.clock.set(fixture.start + .seconds(minutes * 60))
                try await fixture.round([schedule])
            }
            #expect(try await fixture.ticks() == ["01:00 fired", "02:00 backfilled"])
            // Somebody whose reading is older than the last decision changes nothing either.
            let stale = try await fixture.schedules.fire(
                fixture.start + .seconds(3600), of: schedule, now: fixture.start + .seconds(3600))
            #expect(stale == nil)
        }
    }

    @Test func `looking just before a tick fires nothing, at the tick once`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest)
            try await fixture.round([schedule])
            let tick = fixture.start + .seconds(3600)
            fixture.clock.set(tick - .microseconds(1))
            try await fixture.round([schedule])
            #expect(try await fixture.ticks() == [])
            for moment in [tick, tick + .microseconds(1), tick + .seconds(59)] {
                fixture.clock.set(moment)
                try await fixture.round([schedule])
            }
            #expect(try await fixture.ticks() == ["01:00 fired"])
        }
    }

    @Test(arguments: [5, 25])
    func `after downtime the missed ticks within the window are backfilled`(hours: Int) async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.all(within: .seconds(24 * 3600)))
            try await fixture.round([schedule])
            fixture.clock.set(fixture.start + .seconds(hours * 3600 + 30))
            try await fixture.round([schedule])
            let ticks = try await fixture.ticks()
            // The newest is half a minute old: on time.
            #expect(ticks.count == min(hours, 24))
            #expect(ticks.count { $0.hasSuffix("backfilled") } == ticks.count - 1)
            #expect(ticks.last == (hours == 5 ? "05:00 fired" : "01:00 fired"))
        }
    }

    @Test(arguments: [Schedule.CatchUp.none, .latest])
    func `after downtime none or the latest missed tick fires`(catchUp: Schedule.CatchUp) async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(catchUp)
            try await fixture.round([schedule])
            fixture.clock.set(fixture.start + .seconds(5 * 3600 + 1800))
            try await fixture.round([schedule])
            #expect(try await fixture.ticks() == (catchUp == .latest ? ["05:00 backfilled"] : []))
        }
    }

    @Test func `a tick whose job cannot be enqueued is not recorded, and fires when it can`() async throws {
        try await SchedulerFixture.with { fixture in
            // The table refuses version 0.
            let broken = try hourly(.latest, job: NewJob(Unstorable()))
            try await fixture.schedules.register(broken, now: fixture.start)
            fixture.clock.set(fixture.start + .seconds(3600))
            var known: Set<Schedule> = []
            #expect(await fixture.scheduler.round([broken], known: &known) == false)
            #expect(try await fixture.ticks() == [])
            try await fixture.round([try hourly(.latest)])
            #expect(try await fixture.ticks() == ["01:00 fired"])
        }
    }

    @Test(arguments: [Schedule.CatchUp.latest, .all(within: .seconds(86_400))])
    func `a paused schedule fires nothing, and catching up begins at the pause's end`(
        catchUp: Schedule.CatchUp
    ) async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(catchUp)
            try await fixture.round([schedule])
            let operations = ScheduleOperations(pool: fixture.pool)
            #expect(try await operations.pause("hourly", by: "ada", because: "audit", now: fixture.start) == .done)
            #expect(try await operations.pause("hourly", by: "bob", because: "?", now: fixture.start) == .alreadySo)
            fixture.clock.set(fixture.start + .seconds(3600))
            try await fixture.round([schedule])
            // Not even one that was seen due before the pause.
            #expect(
                try await fixture.schedules.fire(fixture.clock.now(), of: schedule, now: fixture.clock.now()) == nil)
            let paused = try #require(await operations.list(limit: 10).first?.pause)
            #expect(paused.person == "ada" && paused.reason == "audit" && paused.at == fixture.start)

            let end = fixture.start + .seconds(3 * 3600 + 600)
            #expect(try await operations.resume("hourly", by: "ada", because: "audited", now: end) == .done)
            #expect(try await operations.resume("hourly", by: "ada", because: "again", now: end) == .alreadySo)
            fixture.clock.set(end)
            try await fixture.round([schedule])
            #expect(try await fixture.ticks() == [])
            fixture.clock.set(fixture.start + .seconds(5 * 3600))
            try await fixture.round([schedule])
            let expected = catchUp == .latest ? ["05:00 fired"] : ["04:00 backfilled", "05:00 fired"]
            #expect(try await fixture.ticks() == expected)
            #expect(
                try await fixture.pool.query("SELECT act || ' ' || reason FROM queue.schedule_acts ORDER BY id")
                    .decode(String.self) == ["paused audit", "resumed audited"])
        }
    }

    @Test func `a tick is skipped while the job before it is live, and the reason is kept`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest, overlap: .skip)
            try await fixture.round([schedule])
            for hour in 1...2 {
                fixture.clock.set(fixture.start + .seconds(hour * 3600))
                try await fixture.round([schedule])
            }
            let job = try await fixture.finish(.complete)
            fixture.clock.set(fixture.start + .seconds(3 * 3600))
            try await fixture.round([schedule])
            // One that is held waits for a person, and nobody waits for it.
            _ = try await fixture.finish(.hold)
            fixture.clock.set(fixture.start + .seconds(4 * 3600))
            try await fixture.round([schedule])
            #expect(try await fixture.ticks() == ["01:00 fired", "02:00 skipped", "03:00 fired", "04:00 fired"])
            let reason = try await fixture.pool.query("SELECT reason FROM queue.ticks WHERE reason IS NOT NULL")
                .only(String.self)
            #expect(reason == "its earlier job \(job) is available")
        }
    }

    @Test func `a tick whose job would repeat a live unique key is skipped`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest, job: NewJob(Chore(key: "books")))
            try await fixture.round([schedule])
            for hour in 1...2 {
                fixture.clock.set(fixture.start + .seconds(hour * 3600))
                try await fixture.round([schedule])
            }
            #expect(try await fixture.ticks() == ["01:00 fired", "02:00 skipped"])
            #expect(try await fixture.counted("SELECT count(*) FROM queue.all_jobs") == 1)
        }
    }

    @Test func `a run by hand has the serial key and the window of its schedule's job`() async throws {
        try await SchedulerFixture.with { fixture in
            let chore = try NewJob(Chore(key: "once", uniqueWindow: .milliseconds(5_400_500), serialKey: "books"))
            let schedule = try hourly(.latest, job: chore)
            try await fixture.round([schedule])
            guard
                case .enqueued(let job) = try await ScheduleOperations(pool: fixture.pool)
                    .runNow("hourly", by: "ada", now: fixture.start)
            else {
                Issue.record("nothing is in its way")
                return
            }
            let stored = try await fixture.pool.query(
                """
                SELECT j.serial_key, j.state, extract(epoch FROM u.expires_at - j.enqueued_at)::text
                  FROM queue.all_jobs AS j JOIN queue.unique_keys AS u ON u.job = j.id WHERE j.id = \(job.number)
                """
            ).only(String.self, String.self, String.self)
            #expect(stored == ("books", "blocked", "5400.500000"))
            // And what differs in them is written: a scheduler with another window or key is believed.
            for (window, key) in [(Duration.seconds(60), "books"), (.seconds(60), "other")] {
                try await fixture.schedules.register(
                    hourly(.latest, job: NewJob(Chore(key: "once", uniqueWindow: window, serialKey: key))),
                    now: fixture.start)
                let known = try await fixture.pool.query("SELECT unique_window, serial_key FROM queue.schedules")
                    .only(Int64.self, String.self)
                #expect(known == (60_000_000, key))
            }
        }
    }

    @Test func `a run by hand enqueues the stored job, even while paused, and is no tick`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest, overlap: .skip, job: NewJob(Chore(key: "by hand")))
            try await fixture.round([schedule])
            let operations = ScheduleOperations(pool: fixture.pool)
            _ = try await operations.pause("hourly", by: "ada", because: "audit", now: fixture.start)
            guard case .enqueued(let job) = try await operations.runNow("hourly", by: "ada", now: fixture.start) else {
                Issue.record("nothing is in its way")
                return
            }
            let stored = try await fixture.pool.query(
                "SELECT kind, unique_key, arguments->>'key' FROM queue.all_jobs WHERE id = \(job.number)"
            ).only(String.self, String.self, String.self)
            #expect(stored == ("chore", "by hand", "by hand"))
            #expect(
                try await operations.runNow("hourly", by: "ada", now: fixture.start)
                    == .refused(reason: "its earlier job \(job) is available"))
            #expect(try await operations.runNow("other", by: "ada", now: fixture.start) == .unknownSchedule)
            #expect(try await fixture.ticks() == [])
            #expect(
                try await fixture.pool.query("SELECT acted_by, job FROM queue.schedule_acts WHERE act = 'run'")
                    .only(String.self, Int64.self) == ("ada", job.number))
        }
    }

    @Test func `registering again writes only what differs, and a new timetable owes nothing from before`()
        async throws
    {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest)
            try await fixture.schedules.register(schedule, now: fixture.start)
            let row: SQL = "SELECT xmin::text || ' ' || ctid::text FROM queue.schedules"
            let before = try await fixture.pool.query(row).only(String.self)
            let later = fixture.start + .seconds(9000)
            try await fixture.schedules.register(schedule, now: later)
            #expect(try await fixture.pool.query(row).only(String.self) == before)

            let other = Schedule(
                name: "hourly", timetable: Timetable(try Cron("*/5 * * * *")),
                catchUp: .all(within: .seconds(86_400)), job: schedule.job)
            try await fixture.schedules.register(other, now: later)
            let standing = try #require(await fixture.schedules.standings(of: ["hourly"])["hourly"])
            #expect(standing.owedAfter == later && other.ticksDue(standing, at: later) == [])
        }
    }

    @Test func `a running scheduler fires, wakes the queue and obeys the order to stop`() async throws {
        try await SchedulerFixture.with { fixture in
            let schedule = try hourly(.latest)
            try await fixture.round([schedule])
            fixture.clock.set(fixture.start + .seconds(3600))
            let drain = Drain()
            var wakeUps = fixture.store.wakeUps().makeAsyncIterator()
            _ = await wakeUps.next()  // Listening.
            let life = Task { await fixture.scheduler.run({ [schedule] }, until: drain) }
            while let queue = await wakeUps.next(), queue != .standard {}
            drain.advance()
            await life.value
            #expect(try await fixture.ticks() == ["01:00 fired"])
        }
    }

    private func hourly(
        _ catchUp: Schedule.CatchUp, name: String = "hourly", overlap: Schedule.Overlap = .allow, job: NewJob? = nil
    ) throws -> Schedule {
        Schedule(
            name: name, timetable: Timetable(try Cron("0 * * * *")), catchUp: catchUp, overlap: overlap,
            job: try job ?? NewJob(Chore()))
    }
}

private struct Chore: JobArguments {
    static let kind: JobKind = "chore"
    var key: String?
    var uniqueWindow: Duration?
    var serialKey: String?
    var uniqueKey: String? { key }

    private enum CodingKeys: CodingKey { case key }
}

private struct Unstorable: JobArguments {
    static let kind: JobKind = "chore"
    static let version = 0
}

/// Business time as a test sets it.
private final class SetClock: BusinessClock {
    private let time: Mutex<Instant>

    init(_ start: Instant) { time = Mutex(start) }

    func now() -> Instant { time.withLock { $0 } }
    func set(_ now: Instant) { time.withLock { $0 = now } }
}

private struct SchedulerFixture: Sendable {
    let pool: PostgresPool
    let store: PostgresJobStore<PostgresWork>
    let schedules: PostgresSchedules
    let clock: SetClock
    let scheduler: Scheduler
    let start: Instant

    static func with(_ body: (SchedulerFixture) async throws -> Void) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 6)
        let start = try Instant(parsing: "2026-11-21T00:00:00Z")
        let clock = SetClock(start)
        let schedules = PostgresSchedules(pool: pool, control: pool)
        let fixture = SchedulerFixture(
            pool: pool, store: PostgresJobStore(pool: pool, control: pool, listener: configuration) { $0 },
            schedules: schedules, clock: clock,
            scheduler: Scheduler(
                ticks: schedules, clock: clock, log: Log(component: "test", threshold: .error) { _ in },
                metrics: Metrics()), start: start)
        // After the tick at the start, which a new schedule owes.
        clock.set(start + .seconds(61))
        do { try await body(fixture) } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    /// One round of a scheduler that has just started.
    func round(_ list: [Schedule]) async throws {
        var known: Set<Schedule> = []
        let isWell = await scheduler.round(list, known: &known)
        try #require(isWell)
    }

    /// `01:00 fired`, oldest first.
    func ticks() async throws -> [String] {
        try await pool.query(
            """
            SELECT to_char(tick AT TIME ZONE 'UTC', 'HH24:MI') || ' ' || outcome FROM queue.ticks ORDER BY schedule, tick
            """
        ).decode(String.self)
    }

    func counted(_ text: SQL) async throws -> Int { try await pool.query(text).only(Int.self) }

    enum Ending { case complete, hold }

    /// Runs the one job there is.
    func finish(_ ending: Ending) async throws -> JobID {
        let worker = WorkerID(UUID())
        try await PostgresRoster(control: pool).register(
            WorkerDescription(id: worker, host: "test", processID: 1, release: "test", queues: [.standard]))
        let now = clock.now()
        let request = ClaimRequest(worker: worker, queue: .standard, kinds: [Chore.kind: 1], limit: 1)
        let job = try #require(await store.claim(request, now: now).first)
        switch ending {
        case .complete: try await store.session(for: job, now: now).complete { _ in }
        case .hold: try await store.end(job, as: .held(reason: "look"), now: now)
        }
        return job.id
    }
}
