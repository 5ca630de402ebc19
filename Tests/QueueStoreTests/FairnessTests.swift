import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Who comes first when there is more to do than workers.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct FairnessTests {
    @Test func `five thousand jobs of one tenant do not delay ten of another`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...5000, tenant: 1)
            try await queue.enqueue(9001...9010, tenant: 2)
            var names: [Int] = []
            for _ in 1...2 { names += try await queue.claimAny(10, as: worker).map { try $0.name } }
            #expect(names.filter { $0 > 9000 } == Array(9001...9010))
            #expect(names.filter { $0 <= 5000 } == Array(1...10))
        }
    }

    @Test func `a tenant that comes when the backlog is being worked off has its turn too`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...500, tenant: 1)
            _ = try await queue.claimAny(10, as: worker)
            try await queue.enqueue([9001], tenant: 2)
            let jobs = try await queue.claimAnew(as: worker)
            #expect(try jobs.map { try $0.name }.contains(9001))
        }
    }

    @Test func `kinds have their turns, whatever waits in front`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...1000)
            try await queue.enqueue((2001...2050).map { try NewJob(Letter(number: $0)) })
            let jobs = try await queue.claimAny(10, as: worker)
            let letters = jobs.filter { $0.kind == Letter.kind }.count
            #expect(jobs.count == 10 && letters > 0)
            #expect(letters == 5)
        }
    }

    @Test func `a kind with little to do leaves its share to the others`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...100)
            try await queue.enqueue([NewJob(Letter(number: 2001))])
            #expect(try await queue.claimAny(20, as: worker).count == 20)
        }
    }

    @Test func `what is urgent comes first, whoever has waited longer`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            for (number, priority) in [(1, JobPriority.background), (2, .normal), (3, .urgent)] {
                let numbers = (0..<20).map { number * 100 + $0 }
                try await queue.enqueue(numbers.map { try NewJob(Parcel(number: $0), priority: priority) })
            }
            var order: [Int] = []
            while true {
                let jobs = try await queue.claimAny(7, as: worker)
                if jobs.isEmpty { break }
                order += try jobs.map { try $0.name / 100 }
            }
            #expect(order == [3, 2, 1].flatMap { Array(repeating: $0, count: 20) })
        }
    }

    @Test func `of jobs that come due together the urgent one comes first`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            let due = queue.start + .seconds(60)
            try await queue.enqueue([
                NewJob(Parcel(number: 1), dueAt: due, priority: .background),
                NewJob(Parcel(number: 2), dueAt: due, priority: .urgent),
            ])
            let first = try await queue.claim(1, as: worker, kinds: everyKind, now: due).map { try $0.name }
            #expect(first == [2])
        }
    }

    @Test func `a job that was tried before does not wait behind all new ones`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue(1...500)
            let job = try await queue.claimAny(1, as: worker)[0]
            try await queue.store.end(job, as: .retried(due: queue.start, error: "no"), now: queue.start)
            let jobs = try await queue.claimAnew(as: worker)
            #expect(jobs.map(\.id).contains(job.id))
        }
    }

    @Test func `a thousand jobs of unknown kinds and newer versions hinder nobody in their queue`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue((1...500).map { try NewJob(Letter(number: $0), priority: .urgent) })
            try await queue.enqueue((501...1000).map { try NewJob(Newer(number: $0), priority: .urgent) })
            try await queue.enqueue((2001...2005).map { try NewJob(Count(number: $0)) })
            let jobs = try await queue.claim(10, as: worker)
            #expect(try jobs.map { try $0.name } == Array(2001...2005))
            #expect(try await queue.claim(10, as: worker).isEmpty)
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 1005)
        }
    }

    @Test func `claiming a hundred of a hundred thousand reads a few rows and scans no table`() async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            for tenant in 1...4 {
                let numbers = (0..<25_000).map { tenant * 100_000 + $0 }
                try await queue.enqueue(numbers, tenant: Int64(tenant))
            }
            // The first claim meets the lanes; the one that is measured has a session of its own.
            _ = try await queue.claimAny(4, as: worker)
            let before = try await Self.reads(queue)
            let request = ClaimRequest(worker: worker, queue: .standard, kinds: everyKind, limit: 100)
            let pool = PostgresPool(queue.pool.configuration, size: 1)
            let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
            #expect(try await store.claim(request, now: queue.start).count == 100)
            // A session tells what it read when it ends.
            await pool.close()
            var after = try await Self.reads(queue)
            while after.fetched == before.fetched { after = try await Self.reads(queue) }
            #expect(after.scans == before.scans)
            #expect(after.fetched - before.fetched <= 4 * 100)
        }
    }

    private static func reads(_ queue: QueueFixture) async throws -> (scans: Int, fetched: Int) {
        try await queue.pool.query(
            "SELECT seq_scan, idx_tup_fetch FROM pg_stat_user_tables WHERE relid = 'queue.jobs'::regclass"
        ).only(Int.self, Int.self)
    }
}
