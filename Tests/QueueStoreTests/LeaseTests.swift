import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Leases go when their last job has ended, not before; and whoever ends or rescues many waits for nobody for ever.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct LeaseTests {
    @Test func `the table of leases stays as small as what is running`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            for number in 1...100 {
                try await queue.enqueue([number])
                try await queue.complete(try await queue.claimAny(as: worker)[0])
            }
            // The newest keeps its lane's place; the one before it goes with the next claim.
            #expect(try await queue.counted("SELECT count(*) FROM queue.leases") <= 2)
        }
    }

    /// An attempt that was left behind ends a second time when it finds out.
    @Test func `a job that ends twice does not take the lease of the others that were claimed with it`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...2)
            let jobs = try await queue.claimAny(as: worker)
            try await queue.complete(jobs[0])
            for _ in 1...2 { await #expect(throws: StaleLease(jobs[0].lease)) { try await queue.complete(jobs[0]) } }
            // Claims drop what is finished, once their lane has gone on.
            for number in 3...5 {
                try await queue.enqueue([number])
                try await queue.complete(try await queue.claimAny(as: worker)[0])
            }
            try await queue.complete(jobs[1])
            #expect(try await queue.counted("SELECT count(*) FROM queue.history") == 5)
        }
    }

    /// As when the answer to the first completion was late, and in another order: none may wait for the other in a ring.
    @Test func `completions of the same jobs at the same moment end each once and never lock each other out`()
        async throws
    {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            for _ in 1...20 {
                try await queue.enqueue(1...200)
                let jobs = try await queue.claimAny(200, as: worker)
                let orders = [jobs, jobs.reversed(), jobs.sorted { $0.id.number % 7 < $1.id.number % 7 }]
                let ended = try await withThrowingTaskGroup(of: Set<JobID>.self) { group in
                    for order in orders {
                        group.addTask { try await queue.store.complete(order, now: queue.start) }
                    }
                    return try await group.reduce(into: [JobID]()) { $0 += $1 }
                }
                #expect(ended.count == 200 && Set(ended) == Set(jobs.map(\.id)))
            }
        }
    }

    @Test func `a rescue of a whole host comes in pieces, and leaves nothing behind`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...6000)
            for _ in 1...12 { #expect(try await queue.claimAny(500, as: worker).count == 500) }
            try await queue.lose(worker)
            var pieces: [Int] = []
            while pieces.last != 0 { pieces.append(try await queue.rescue().requeued.count) }
            #expect(pieces == [5000, 1000, 0])
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs WHERE rescues = 1") == 6000)
            #expect(try await queue.counted("SELECT count(*) FROM queue.leases WHERE worker IS NOT NULL") == 0)
        }
    }

    @Test func `what one transaction of a job enqueues has a limit, counted over all of its calls`() async throws {
        try await QueueFixture.with { queue in
            let store = PostgresJobStore(
                pool: queue.pool, control: queue.pool, listener: queue.pool.configuration, enqueueLimit: 100
            ) { $0 }
            let worker = try await queue.worker()
            try await queue.enqueue([0])
            let job = try await queue.claimAny(as: worker)[0]
            let fifty = try (1...50).map { try NewJob(Letter(number: $0)) }
            let session = store.session(for: job, now: queue.start)
            await #expect(throws: TooManyJobs.self) {
                try await session.complete { work in
                    for _ in 1...2 { try await work.enqueue(fifty) }
                    try await work.enqueue(Letter(number: 101))
                }
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 1)
            for _ in 1...3 { try await session.transaction { work in try await work.enqueue(fifty + fifty) } }
            // An operator's command is no job.
            try await store.transaction(tenant: .all, now: queue.start) { work in
                for _ in 1...4 { try await work.enqueue(fifty) }
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs WHERE kind = 'letter'") == 500)
        }
    }
}
