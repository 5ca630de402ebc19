import Dates
import Foundation
import Glibc
import JobKit
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// What a handler must not do, done in a real worker: it costs that job, and nobody beside it.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct MisdeedTests {
    @Test func `a job that takes its process down is held after three, and its neighbours complete`() async throws {
        try await MisdeedFixture.with { fixture in
            let (fall, go) = (fixture.file("fall"), fixture.file("go"))
            try await fixture.enqueue(
                [Misdeed(deed: "trap", file: fall)] + Array(repeating: Misdeed(deed: "none", file: go), count: 6))
            // The first worker has all of them in hand when it falls.
            let first = try await fixture.worker()
            try await fixture.wait("(SELECT count(*) FROM queue.all_jobs WHERE state = 'running') = 7")
            try fixture.make(fall)
            try await fixture.fall(of: first)
            try fixture.make(go)
            for _ in 2...3 { try await fixture.fall(of: try await fixture.worker()) }
            let last = try await fixture.worker()
            try await fixture.wait("NOT EXISTS (SELECT FROM queue.all_jobs WHERE state NOT IN ('held', 'completed'))")
            #expect(await fixture.stop(last) == .code(0), "\(last.everything)")
            let jobs = try await fixture.pool.query("SELECT state, rescues FROM queue.all_jobs ORDER BY id")
                .decode(String.self, Int32.self).map { "\($0.0) \($0.1)" }
            #expect(jobs == ["held 3"] + Array(repeating: "completed 1", count: 6))
            let reason = try await fixture.pool.query("SELECT held_reason FROM queue.waiting").only(String.self)
            #expect(reason == "its worker was lost 3 times")
            let losses = try await fixture.pool.query(
                "SELECT count(*) FROM queue.failures WHERE error LIKE 'worker % was lost'"
            ).only(Int.self)
            #expect(losses == 3 + 6)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let deed: String
        let state: String
        var error = ""
        /// Jobs that it leaves behind.
        var stored = 0

        var testDescription: String { deed }
    }

    @Test(arguments: [
        Case(
            deed: "million", state: "discarded",
            error:
                "one transaction of a job may enqueue 1500 jobs: commit them in steps, or enqueue one job that goes on"),
        Case(deed: "stream", state: "completed", stored: 3000),
        Case(
            deed: "hugeArguments", state: "discarded",
            error:
                "arguments of bench_misdeed are 50000025 bytes, over the limit of 65536: store the data, enqueue its id"
        ),
        Case(
            deed: "longError", state: "discarded",
            error: String(repeating: "x", count: 4000) + "… (cut, 50000000 bytes)"),
        Case(deed: "longResult", state: "completed"), Case(deed: "print", state: "completed"),
    ])
    func `too much of anything is refused or cut, written down, and the worker goes on`(_ misdeed: Case) async throws {
        try await MisdeedFixture.with { fixture in
            let worker = try await fixture.worker("--enqueue-limit", "1500")
            try await fixture.enqueue([Misdeed(deed: misdeed.deed)])
            try await fixture.wait("EXISTS (SELECT FROM queue.history)")
            try await fixture.expectAtWork()
            #expect(await fixture.stop(worker) == .code(0), "\(worker.errors)")
            #expect(worker.errors.allSatisfy { $0.utf8.count < 20_000 })
            let (state, attempts) = try await fixture.pool.query(
                "SELECT state, attempt FROM queue.history ORDER BY id LIMIT 1"
            ).only(String.self, Int32.self)
            #expect(state == misdeed.state)
            let errors = try await fixture.pool.query("SELECT error FROM queue.failures ORDER BY attempt")
                .decode(String.self)
            #expect(errors == (misdeed.error.isEmpty ? [] : [misdeed.error, misdeed.error]))
            #expect(attempts == (misdeed.error.isEmpty ? 1 : 2))
            #expect(try await fixture.count("SELECT count(*) FROM queue.waiting") == misdeed.stored)
            let results = try await fixture.pool.query(
                "SELECT (result->>'cut')::boolean, (result->>'bytes')::bigint, length(result->>'beginning') FROM queue.effects"
            ).decode(Bool.self, Int64.self, Int32.self)
            #expect(results.map { "\($0)" } == (misdeed.deed == "longResult" ? ["(true, 50000002, 1024)"] : []))
        }
    }

    @Test func `a handler that blocks its thread for good loses its attempt, and the worker goes on`() async throws {
        try await MisdeedFixture.with { fixture in
            let worker = try await fixture.worker()
            try await fixture.enqueue([Hang()])
            try await fixture.wait("EXISTS (SELECT FROM queue.history)")
            let error = try await fixture.pool.query("SELECT error FROM queue.failures").only(String.self)
            #expect(error == "ran longer than 1.0 seconds")
            #expect(try await fixture.count("SELECT count(*) FROM queue.history WHERE state = 'discarded'") == 1)
            try await fixture.expectAtWork()
            worker.send(.kill)
        }
    }

    @Test func `a handler that returns after its lease ended commits nothing`() async throws {
        try await MisdeedFixture.with { fixture in
            let go = fixture.file("go")
            try await fixture.enqueue([Misdeed(deed: "dawdle", file: go)])
            let first = try await fixture.worker()
            try await fixture.wait("EXISTS (SELECT FROM queue.all_jobs WHERE state = 'running')")
            first.send(.stop)
            try await fixture.lose(first)
            let second = try await fixture.worker()
            try await fixture.wait("EXISTS (SELECT FROM queue.all_jobs WHERE state = 'running' AND rescues = 1)")
            try fixture.make(go)
            try await fixture.wait("EXISTS (SELECT FROM queue.history)")
            first.send(.resume)
            let notice = await first.line { $0.contains("no longer held") || $0.contains("declared lost") }
            #expect(notice != nil, "\(first.everything)")
            #expect(await fixture.stop(first) == .code(0))
            #expect(await fixture.stop(second) == .code(0))
            #expect(
                try await fixture.count("SELECT count(*) FROM queue.all_jobs WHERE arguments->>'deed' = 'none'") == 1)
            let attempts = try await fixture.pool.query(
                "SELECT attempt FROM queue.history WHERE arguments->>'deed' = 'dawdle'"
            ).decode(Int32.self)
            #expect(attempts == [2])
        }
    }

    /// Deeper than a reader that calls itself should follow.
    private static let nested = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)

    @Test(arguments: ["{}", #"{"deed":"unheard of"}"#, "[1]", #"{"deed":NESTED}"#])
    func `arguments that do not decode are tried again later, then discarded`(arguments: String) async throws {
        try await MisdeedFixture.with { fixture in
            try await fixture.enqueue(
                NewJob(
                    stored: Misdeed.kind, version: 1, queue: Misdeed.queue, priority: .normal, tenant: nil,
                    uniqueKey: nil, uniqueWindow: nil, serialKey: nil,
                    arguments: Array(arguments.replacing("NESTED", with: Self.nested).utf8)))
            let worker = try await fixture.worker()
            try await fixture.wait("EXISTS (SELECT FROM queue.history)")
            try await fixture.expectAtWork()
            #expect(await fixture.stop(worker) == .code(0))
            let failures = try await fixture.pool.query("SELECT error, failed_at FROM queue.failures ORDER BY attempt")
                .decode(String.self, Instant.self)
            #expect(failures.count == 2)
            #expect(
                failures.allSatisfy { $0.0.hasPrefix("arguments of bench_misdeed version 1 do not decode: ") },
                "\(failures)")
            #expect(failures.count == 2 && failures[1].1 - failures[0].1 >= .milliseconds(50))
            let state = try await fixture.pool.query("SELECT state FROM queue.history ORDER BY id LIMIT 1").only(
                String.self)
            #expect(state == "discarded")
        }
    }

    @Test func `a kind that nobody knows is left alone, and shown`() async throws {
        try await MisdeedFixture.with { fixture in
            try await fixture.enqueue(
                NewJob(
                    stored: "from_the_future", version: 1, queue: Misdeed.queue, priority: .normal, tenant: nil,
                    uniqueKey: nil, uniqueWindow: nil, serialKey: nil, arguments: Array("{}".utf8)))
            let worker = try await fixture.worker()
            try await fixture.expectAtWork()
            #expect(await fixture.stop(worker) == .code(0))
            let (status, list) = try await Run.finish(
                ["jobs", "list", "--state", "available"], environment: ["DATABASE_URL": fixture.database])
            #expect(status == .code(0))
            #expect(list.output.contains { $0.contains("from_the_future") }, "\(list.everything)")
            let (_, stats) = try await Run.finish(["jobs", "stats"], environment: ["DATABASE_URL": fixture.database])
            #expect(stats.output.contains { $0.contains("from_the_future") }, "\(stats.everything)")
        }
    }
}

/// As `Bench` declares it: whoever enqueues needs no more.
private struct Misdeed: JobArguments {
    static let kind: JobKind = "bench_misdeed"
    static let queue: QueueName = "bench"
    var deed: String
    var file: String?
}

private struct Hang: JobArguments {
    static let kind: JobKind = "bench_hang"
    static let queue: QueueName = "bench"
}

/// A database with a queue, and worker processes on it.
private struct MisdeedFixture: Sendable {
    /// As `--database` takes it.
    let database: String
    let pool: PostgresPool
    private let store: PostgresJobStore<PostgresWork>
    private let folder: String

    static func with(_ body: (MisdeedFixture) async throws -> Void) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let url = try #require(try CommandTests.database()["DATABASE_URL"])
        let pool = PostgresPool(configuration, size: 4)
        let fixture = MisdeedFixture(
            database: "\(url) user=billwright_worker", pool: pool,
            store: PostgresJobStore(pool: pool, control: pool, listener: configuration) { $0 }, folder: folder)
        do { try await body(fixture) } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    func file(_ name: String) -> String { "\(folder)/\(name)" }

    func make(_ file: String) throws { try Data().write(to: URL(filePath: file)) }

    func enqueue(_ jobs: [some JobArguments]) async throws { try await enqueue(jobs.map { try NewJob($0) }) }

    func enqueue(_ jobs: NewJob...) async throws { try await enqueue(jobs) }

    private func enqueue(_ jobs: [NewJob]) async throws {
        let now = try await pool.query("SELECT clock_timestamp()").only(Instant.self)
        try await store.transaction(tenant: .all, now: now) { work in try await work.enqueue(jobs) }
    }

    func worker(_ words: String...) async throws -> Run {
        try await Run.start(
            [
                "bench", "worker", "--database", database, "--counterpart", "http://127.0.0.1:9", "--rescue", "100ms",
            ] + words, limit: .seconds(200))
    }

    /// Waits for the process to go down, and declares it lost as twenty seconds of silence would.
    func fall(of worker: Run) async throws {
        let ending = await worker.ended()
        #expect([.signal(SIGTRAP), .signal(SIGILL)].contains(ending), "\(ending) \(worker.everything)")
        try await lose(worker)
    }

    func lose(_ worker: Run) async throws {
        let lost = try await pool.query(
            "UPDATE queue.workers SET beat_at = beat_at - interval '1 hour' WHERE process_id = \(worker.id)")
        #expect(lost.affectedRows == 1)
    }

    func stop(_ worker: Run) async -> Ending {
        worker.send(.terminate)
        return await worker.ended()
    }

    /// A job that comes now is done.
    func expectAtWork() async throws {
        try await enqueue([Misdeed(deed: "none")])
        let newest = try await pool.query("SELECT max(id) FROM queue.all_jobs").only(Int64.self)
        try await wait("EXISTS (SELECT FROM queue.history WHERE id = \(newest) AND state = 'completed')")
    }

    /// Until `condition` is true of the database; the suite's limit is the limit.
    func wait(_ condition: SQL) async throws {
        while try await !pool.query("SELECT \(condition)").only(Bool.self) { await Task.yield() }
    }

    func count(_ sql: SQL) async throws -> Int { try await pool.query(sql).only(Int.self) }
}
