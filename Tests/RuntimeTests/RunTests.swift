import JobKit
import QueueStore
import Runtime
import TestSupport
import Testing

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct RunTests {
    @Test func `a worker enqueues a run's follow-up when the last of its jobs has ended`() async throws {
        try await WorkerFixture.with { fixture in
            let events = Events()
            let worker = fixture.worker {
                ErrandHandler { job, context in
                    events.send(job.arguments.name)
                    // Both ways a job completes.
                    return job.arguments.name == "1" ? context.complete() : try await context.complete { _ in }
                }
            }
            try await fixture.running(worker) { _ in
                try await fixture.store.transaction(tenant: .all, now: fixture.clock.now()) { work in
                    let run = try await work.open(
                        NewRun(name: "night", tenant: nil, followUp: try NewJob(Errand(name: "after")))
                    ).id
                    try await work.enqueue(["1", "2", "3"].map { try NewJob(Errand(name: $0)).in(run) })
                    try await work.seal(run)
                }
                let heard = await events.next(4)
                #expect(heard.last == "after" && Set(heard) == ["1", "2", "3", "after"])
            }
        }
    }
}
