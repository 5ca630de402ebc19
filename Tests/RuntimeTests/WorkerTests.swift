import Dates
import JobKit
import Observability
import Postgres
import QueueStore
import Runtime
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct WorkerTests {
    @Test func `a job enqueued while the worker sleeps runs and its follow-up after it`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let worker = fixture.worker {
                ErrandHandler { job, context in
                    let outcome = try await context.complete { work in
                        if job.arguments.name == "first" { try await work.enqueue(Errand(name: "second")) }
                    }
                    events.send(job.arguments.name)
                    return outcome
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "first"))
                #expect(await events.next(2) == ["first", "second"])
            }
            let states = try await fixture.states()
            #expect(states == ["completed", "completed"])
            #expect(
                fixture.metrics.total("billwright_jobs_completed_total", ["queue": "standard", "kind": "errand"]) == 2)
        }
    }

    @Test func `a failing job is tried as often as its policy says, then discarded with its errors`() async throws {
        struct Refusal: Error {}
        try await WorkerFixture.with { fixture in
            let events = Events()
            let worker = fixture.worker {
                ErrandHandler { job, _ in
                    events.send("attempt \(job.attempt)")
                    throw Refusal()
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "doomed"))
                #expect(await events.next(2) == ["attempt 1", "attempt 2"])
            }
            let states = try await fixture.states()
            #expect(states == ["discarded"])
            let errors = try await fixture.pool.query("SELECT error FROM queue.failures ORDER BY attempt").decode(
                String.self)
            #expect(errors == ["Refusal()", "Refusal()"])
        }
    }

    @Test func `a handler that hangs and ignores cancellation loses its slot and its lease`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let never = AsyncStream<Void>.makeStream()
            var settings = WorkerSettings(concurrency: 1)
            settings.cancelGrace = .milliseconds(50)
            let worker = fixture.worker(settings: settings) {
                ImpatientErrandHandler { job, context in
                    guard job.attempt == 1 else { return .discarded(reason: "the first never ended") }
                    do {
                        // An unstructured task does not see the attempt's cancellation.
                        return try await Task {
                            for await _ in never.stream {}
                            return try await context.complete { _ in }
                        }.value
                    } catch {
                        events.send("\(type(of: error))")
                        throw error
                    }
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "hangs"))
                var discarded = false
                while !discarded { discarded = try await fixture.states() == ["discarded"] }
                never.continuation.finish()
                #expect(await events.next() == ["StaleLease"])
            }
            let states = try await fixture.states()
            #expect(states == ["discarded"])
        }
    }

    @Test func `arguments that do not decode back off and are discarded, never a crash loop`() async throws {
        try await WorkerFixture.with { fixture in
            let worker = fixture.worker { ErrandHandler { _, context in context.complete() } }
            _ = try await fixture.pool.query(
                """
                INSERT INTO queue.jobs (kind, version, queue, priority, due_at, enqueued_at, arguments)
                VALUES ('errand', 1, 'standard', 50, clock_timestamp(), clock_timestamp(), '{"nom": 1}')
                """)
            try await fixture.running(worker) { _ in
                var states: [String] = []
                while states != ["discarded"] { states = try await fixture.states() }
            }
            let error = try await fixture.pool.query("SELECT error FROM queue.failures LIMIT 1").only(String.self)
            #expect(error.contains("arguments of errand version 1 do not decode"))
        }
    }

    @Test func `the first order to stop lets running jobs finish and starts no other`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let gate = AsyncStream<Void>.makeStream()
            let worker = fixture.worker(settings: WorkerSettings(concurrency: 1)) {
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    for await _ in gate.stream { break }
                    return context.complete()
                }
            }
            try await fixture.enqueue(Errand(name: "runs"))
            try await fixture.enqueue(Errand(name: "waits"))
            try await fixture.running(worker) { drain in
                #expect(await events.next() == ["runs"])
                drain.advance()
                gate.continuation.yield()
            }
            let states = try await fixture.states()
            #expect(states == ["completed", "available"])
        }
    }

    @Test func `the second order gives running jobs back, their attempt not counted`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let worker = fixture.worker {
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    try await Task.sleep(for: .seconds(3600))
                    return context.complete()
                }
            }
            try await fixture.enqueue(Errand(name: "long"))
            try await fixture.running(worker) { drain in
                #expect(await events.next() == ["long"])
                drain.advance()
                drain.advance()
            }
            let (state, attempt) = try await fixture.pool.query("SELECT state, attempt FROM queue.all_jobs").only(
                String.self, Int32.self)
            #expect(state == "available" && attempt == 0)
            let workers = try await fixture.pool.query("SELECT count(*) FROM queue.workers").only(Int.self)
            #expect(workers == 0)
        }
    }

    @Test func `a worker declared lost begins a new life and leaves what it ran to the fence`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            var settings = WorkerSettings()
            settings.beatInterval = .milliseconds(20)
            settings.rescueInterval = .milliseconds(20)
            settings.cancelGrace = .milliseconds(50)
            let worker = fixture.worker(settings: settings) {
                ErrandHandler { job, context in
                    events.send("attempt \(job.attempt)")
                    if job.attempt == 1 { try await Task.sleep(for: .seconds(3600)) }
                    let outcome = try await context.complete { _ in }
                    events.send("done")
                    return outcome
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.enqueue(Errand(name: "survives"))
                #expect(await events.next() == ["attempt 1"])
                _ = try await fixture.pool.query("DELETE FROM queue.workers")
                // How often it is lost on the way depends on who notices first; in the end it is done, by a later attempt.
                var last = ""
                while last != "done" { last = await events.next().first ?? "done" }
            }
            let attempt = try await fixture.pool.query("SELECT attempt FROM queue.all_jobs").only(Int32.self)
            #expect(attempt >= 2)
            let states = try await fixture.states()
            #expect(states == ["completed"])
        }
    }
}
