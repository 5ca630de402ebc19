import Dates
import JobKit
import Postgres
import QueueStore
import Runtime
import TestSupport
import Testing

/// A worker that is told to stop leaves nothing half-taken behind.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct ShutdownTests {
    /// No job is running, none lost an attempt, and nobody is left in the roster or holds a lease.
    private func expectNothingLeft(_ fixture: WorkerFixture) async throws {
        let states = Set(try await fixture.states())
        #expect(states.isSubset(of: ["completed", "available"]))
        let (workers, leases, tried) = try await fixture.pool.query(
            """
            SELECT (SELECT count(*) FROM queue.workers),
                   (SELECT count(*) FROM queue.leases WHERE worker IS NOT NULL),
                   (SELECT count(*) FROM queue.all_jobs WHERE state = 'available' AND attempt + rescues > 0)
            """
        ).only(Int.self, Int.self, Int.self)
        #expect(workers == 0)
        #expect(leases == 0)
        #expect(tried == 0)
    }

    @Test func `no job is left running, though jobs are enqueued all the time`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let worker = fixture.worker {
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    return context.complete()
                }
            }
            let inserting = Task {
                while !Task.isCancelled {
                    try await fixture.store.transaction(tenant: .all, now: fixture.clock.now()) { work in
                        try await work.enqueue((0..<20).map { _ in try NewJob(Errand(name: "more")) })
                    }
                }
            }
            try await fixture.running(worker) { _ in
                #expect(await events.next(300).count == 300)
            }
            inserting.cancel()
            try await inserting.value
            try await expectNothingLeft(fixture)
        }
    }

    @Test func `jobs that were claimed ahead and never started go back as if nobody had had them`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let gate = AsyncStream<Void>.makeStream()
            try await fixture.store.transaction(tenant: .all, now: fixture.clock.now()) { work in
                try await work.enqueue((1...2000).map { try NewJob(Errand(name: "\($0)")) })
            }
            let worker = fixture.worker(settings: WorkerSettings(concurrency: 2)) {
                // Quick at first, so that the worker claims ahead; then it hangs.
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    if Int(job.arguments.name) ?? 0 > 400 { for await _ in gate.stream {} }
                    return context.complete()
                }
            }
            try await fixture.running(worker) { drain in
                #expect(await events.next(402).count == 402)
                drain.advance()
                try await fixture.until { try await fixture.states().filter { $0 == "running" }.count == 2 }
                gate.continuation.finish()
            }
            try await expectNothingLeft(fixture)
            let states = try await fixture.states()
            #expect(states.count == 2000 && states.filter { $0 == "completed" }.count == 402)
        }
    }

    @Test func `a job that takes longer than the grace goes back, its attempt not counted`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            var settings = WorkerSettings()
            settings.drainGrace = .milliseconds(50)
            let worker = fixture.worker(settings: settings) {
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    try await Task.sleep(for: .seconds(3600))
                    return context.complete()
                }
            }
            try await fixture.enqueue(Errand(name: "long"))
            try await fixture.running(worker) { _ in
                #expect(await events.next() == ["long"])
            }
            #expect(try await fixture.states() == ["available"])
            try await expectNothingLeft(fixture)
        }
    }
}
