import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// What workers are told of, and when.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct WakeUpTests {
    private struct Elsewhere: JobArguments {
        static let kind: JobKind = "elsewhere"
        static let queue: QueueName = "elsewhere"
    }

    @Test func `nobody hears of a job before its transaction has committed`() async throws {
        try await QueueFixture.with { queue in
            var wakeUps = queue.store.wakeUps().makeAsyncIterator()
            _ = await wakeUps.next()
            var first: QueueName??
            try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.enqueue(Count(number: 1))
                try await queue.enqueue([NewJob(Elsewhere())])
                first = await wakeUps.next()
            }
            #expect(first == .some(.some("elsewhere")))
            #expect(await wakeUps.next() == .some(.standard))
        }
    }

    @Test func `a worker that sleeps until its next job is due hears of one that is due before`() async throws {
        try await QueueFixture.with { queue in
            var wakeUps = queue.store.wakeUps().makeAsyncIterator()
            _ = await wakeUps.next()
            try await queue.enqueue([NewJob(Count(number: 1), dueAt: queue.start + .seconds(1))])
            try await queue.enqueue([NewJob(Elsewhere())])
            let first = await wakeUps.next()
            #expect(first == .some(.standard))
        }
    }
}
