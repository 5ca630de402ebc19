import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// One live job a unique key, decided by the database.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct UniqueKeyTests {
    private func live(_ queue: QueueFixture) async throws -> Int {
        try await queue.counted("SELECT count(*) FROM queue.all_jobs WHERE ended_at IS NULL")
    }

    @Test func `of identical jobs enqueued at once one is stored, and nobody fails`() async throws {
        try await QueueFixture.with { queue in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        for key in 0..<20 { try await queue.enqueue([NewJob(Count(number: key, key: "\(key)"))]) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await live(queue) == 20)
            try await queue.enqueue((0..<3).map { _ in try NewJob(Count(number: 99, key: "99")) })
            #expect(try await live(queue) == 21)
        }
    }

    @Test func `a key whose transaction rolls back goes to the one that waited`() async throws {
        struct Stop: Error {}
        try await QueueFixture.with { queue in
            let job = try NewJob(Count(number: 1, key: "once"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                await #expect(throws: Stop.self) {
                    try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                        try await work.enqueue([job])
                        group.addTask { try await queue.enqueue([job]) }
                        // It waits for this transaction's end now, or will find that it has ended.
                        throw Stop()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await live(queue) == 1)
        }
    }

    @Test func `a running job keeps its key, a retried one too, and its end frees it`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let job = try NewJob(Count(number: 1, key: "once"))
            for ending in [AttemptEnding.retried(due: queue.start, error: "no"), .snoozed(due: queue.start), .released]
            {
                try await queue.enqueue([job, job])
                let claimed = try await queue.claimAny(as: worker)
                #expect(claimed.count == 1)
                try await queue.enqueue([job])
                try await queue.store.end(claimed[0], as: ending, now: queue.start)
                try await queue.enqueue([job])
                #expect(try await live(queue) == 1)
            }
            let last = try await queue.claimAny(as: worker)
            try await queue.store.end(last[0], as: .discarded(error: "never"), now: queue.start)
            try await queue.enqueue([job])
            #expect(try await queue.claimAny(as: worker).map(\.attempt) == [1])
        }
    }

    @Test func `a window outlives the job, and no longer than it says`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let job = try NewJob(Bulletin(key: "news"))
            try await queue.enqueue([job])
            try await queue.complete(queue.claimAny(as: worker)[0])
            try await queue.enqueue([job])
            #expect(try await live(queue) == 0)
            for (seconds, count) in [(3599, 0), (3600, 1)] {
                try await queue.store.transaction(tenant: .all, now: queue.start + .seconds(seconds)) { work in
                    try await work.enqueue([job])
                }
                #expect(try await live(queue) == count)
            }
        }
    }

    @Test func `a job whose window was taken over frees nothing when it ends`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let job = try NewJob(Bulletin(key: "news"))
            try await queue.enqueue([job])
            let first = try await queue.claimAny(as: worker)[0]
            try await queue.store.transaction(tenant: .all, now: queue.start + .seconds(3600)) { work in
                try await work.enqueue([job])
            }
            try await queue.complete(first)
            try await queue.store.transaction(tenant: .all, now: queue.start + .seconds(3601)) { work in
                try await work.enqueue([job])
            }
            #expect(try await live(queue) == 1)
        }
    }

    @Test func `a held job is released again once a window that followed it is over`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let job = try NewJob(Bulletin(key: "news"))
            try await queue.enqueue([job])
            let held = try await queue.claimAny(as: worker)[0]
            try await queue.store.end(held, as: .held(reason: "look"), now: queue.start)
            try await queue.enqueue([job])
            try await queue.complete(queue.claimAny(as: worker)[0])
            let operations = QueueOperations(pool: queue.pool)
            let early = try await operations.act(
                .init(.release, by: "ops", because: "early"), on: held.id.number, now: queue.start)
            #expect(early.refusal != nil)
            let late = try await operations.act(
                .init(.release, by: "ops", because: "late"), on: held.id.number, now: queue.start + .seconds(3601))
            #expect(late.refusal == nil)
        }
    }

    @Test func `a late worker's batch does not free the unique key that its job still has`() async throws {
        try await QueueFixture.with { queue in
            let job = try NewJob(Count(number: 1, key: "once"))
            try await queue.enqueue([job])
            let late = try await queue.worker()
            let stale = try await queue.claimAny(as: late)
            try await queue.lose(late)
            _ = try await queue.rescue()
            #expect(try await queue.store.complete(stale, now: queue.start).isEmpty)
            try await queue.enqueue([job])
            let stored = try await live(queue)
            #expect(stored == 1)
        }
    }
}
