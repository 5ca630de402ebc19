import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// A job whose worker is lost goes on elsewhere, once, and whoever had it before cannot speak for it.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct RescueTests {
    @Test func `a job rescued while its handler runs ends once, by its new holder, and promotes nobody twice`()
        async throws
    {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...3, serialKey: "k")
            let late = try await queue.worker()
            let stale = try await queue.claimAny(as: late)[0]
            try await queue.lose(late)
            _ = try await queue.rescue()
            await #expect(throws: StaleLease(stale.lease)) { try await queue.complete(stale) }
            let worker = try await queue.worker()
            #expect(try await queue.finishAll(as: worker) == [1, 2, 3])
            await #expect(throws: StaleLease(stale.lease)) { try await queue.complete(stale) }
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 3)
        }
    }

    @Test func `a job that was finished first is no rescuer's, though its worker is lost`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...2)
            let worker = try await queue.worker()
            let jobs = try await queue.claimAny(as: worker)
            try await queue.complete(jobs[0])
            try await queue.lose(worker)
            #expect(try await queue.rescue().requeued == [jobs[1].id])
            #expect(try await queue.state(of: jobs[0].id) == "completed")
            #expect(
                try await queue.counted("SELECT count(*) FROM queue.failures WHERE job = \(jobs[0].id.number)") == 0)
        }
    }

    @Test func `a rescue that comes while a job is being finished leaves it alone`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([1])
            let worker = try await queue.worker()
            let job = try await queue.claimAny(as: worker)[0]
            try await queue.lose(worker)
            try await Self.finishing(job, queue) {
                let rescue = try await queue.rescue()
                #expect(rescue.requeued.isEmpty)
            }
            #expect(try await queue.rescue().requeued.isEmpty)
            #expect(try await queue.state(of: job.id) == "completed")
            #expect(try await queue.counted("SELECT count(*) FROM queue.all_jobs") == 1)
        }
    }

    /// The statements of a completion, with `body` before the commit.
    private static func finishing(
        _ job: ClaimedJob, _ queue: QueueFixture, _ body: () async throws -> Void
    ) async throws {
        try await queue.pool.transaction { transaction in
            let ended = try await transaction.query(
                """
                SELECT queue.finish(ARRAY[\(job.id.number)], ARRAY[\(job.lease.position)], ARRAY[\(job.lease.number)],
                                    \(job.lease.worker.uuid), \(queue.start))
                """
            ).only(Int64.self)
            #expect(ended == job.id.number)
            try await body()
        }
    }

    @Test func `a completion that comes while its job is being rescued waits, and commits nothing`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue([1])
            let worker = try await queue.worker()
            let job = try await queue.claimAny(as: worker)[0]
            try await queue.lose(worker)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await queue.pool.transaction { rescue in
                    let rescued = try await rescue.query(
                        "SELECT job FROM queue.rescue(interval '20 seconds', 3, \(queue.start))"
                    ).only(Int64.self)
                    #expect(rescued == job.id.number)
                    group.addTask {
                        await #expect(throws: StaleLease(job.lease)) { try await queue.complete(job) }
                    }
                    try await queue.somebodyWaits()
                }
                try await group.waitForAll()
            }
            #expect(try await queue.state(of: job.id) == "available")
        }
    }

    @Test func `a worker that beats keeps its jobs, however long they take`() async throws {
        try await QueueFixture.with { queue in
            try await queue.enqueue(1...3)
            let worker = try await queue.worker()
            let jobs = try await queue.claimAny(as: worker)
            _ = try await queue.pool.query("UPDATE queue.leases SET leased_at = leased_at - interval '91 days'")
            try await queue.lose(worker)
            #expect(try await queue.roster.beat(worker).isRegistered)
            #expect(try await queue.rescue().requeued.isEmpty)
            for job in jobs { try await queue.complete(job) }
        }
    }

    @Test func `jobs of workers nobody remembers are found, also behind a hundred leases that cannot be taken`()
        async throws
    {
        try await QueueFixture.with { queue in
            let stuck = try await queue.worker()
            try await queue.enqueue(1...120)
            var busy: [Int64] = []
            for _ in 1...120 { busy.append(try await queue.claimAny(1, as: stuck)[0].id.number) }
            let forgotten = try await queue.worker()
            try await queue.enqueue([999])
            let job = try await queue.claimAny(as: forgotten)[0]
            _ = try await queue.pool.query("DELETE FROM queue.workers")
            var rescued: [JobID] = []
            try await queue.pool.transaction { holder in
                // As a hundred and twenty completions under way would hold them.
                _ = try await holder.query("SELECT FROM queue.jobs WHERE id = ANY (\(busy)) FOR SHARE")
                for _ in 1...3 { rescued += try await queue.rescue().requeued }
            }
            #expect(rescued == [job.id])
            for _ in 1...3 { rescued += try await queue.rescue().requeued }
            #expect(Set(rescued).count == 121 && rescued.count == 121)
        }
    }

    @Test func `a job that is gone does not keep the rest of its batch from being completed`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...5)
            let jobs = try await queue.claimAny(as: worker)
            _ = try await queue.pool.query("DELETE FROM queue.jobs WHERE id = \(jobs[2].id.number)")
            let completed = try await queue.store.complete(jobs, now: queue.start)
            #expect(completed == Set(jobs.map(\.id)).subtracting([jobs[2].id]))
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 0)
        }
    }

    @Test func `a claim whose answer was lost is given back, and its worker's other jobs run on`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...6)
            let heard = try await queue.claimAny(2, as: worker)
            let unheard = try await queue.claimAny(4, as: worker)
            try await queue.store.giveBackStrays(of: worker, in: .standard, running: Set(heard.map(\.id)))
            await #expect(throws: StaleLease(unheard[0].lease)) { try await queue.complete(unheard[0]) }
            let again = try await queue.claimAny(as: queue.worker())
            #expect(try again.map { try $0.name } == [3, 4, 5, 6])
            #expect(again.allSatisfy { $0.attempt == 1 && $0.rescues == 0 })
            for job in heard { try await queue.complete(job) }
        }
    }

    @Test func `a snooze costs no attempt and is counted`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue([1])
            for _ in 1...3 {
                let job = try await queue.claimAny(as: worker)[0]
                #expect(job.attempt == 1)
                try await queue.store.end(job, as: .snoozed(due: queue.start), now: queue.start)
            }
            try await queue.complete(queue.claimAny(as: worker)[0])
            #expect(try await queue.counted("SELECT snoozes::bigint FROM queue.history") == 3)
            #expect(try await queue.counted("SELECT attempt::bigint FROM queue.history") == 1)
        }
    }
}
