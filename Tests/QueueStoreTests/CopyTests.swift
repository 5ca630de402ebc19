import Dates
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Large batches go another way into the tables than small ones, and nobody can tell.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct CopyTests {
    private struct Stop: Error {}

    /// Each fifth in `run`.
    private static func jobs(_ count: Int, in run: RunID? = nil) throws -> [NewJob] {
        try (1...count).map { number in
            let job =
                try number % 3 == 0
                ? NewJob(Letter(number: number), priority: .urgent)
                : NewJob(Parcel(number: number, tenant: number % 2 == 0 ? 7 : nil), trace: number == 1 ? "a" : nil)
            return number % 5 == 0 ? job.in(run) : job
        }
    }

    /// What is stored of the first 249 jobs, in the order in which claims take them, but for who put them there.
    private static let stored: SQL = """
        SELECT md5(string_agg((to_jsonb(j) - '{xid,position}'::text[])::text, ',' ORDER BY position))
          FROM queue.jobs AS j WHERE id <= 249
        """

    @Test func `a large batch is stored as a small one is`() async throws {
        try await QueueFixture.with { queue in
            let run = try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                try await work.open(NewRun(name: "nightly", tenant: nil)).id
            }
            var found: [String] = []
            for count in [249, 250, 25_000] {
                try await TestDatabase.current.withPool(size: 1) { pool in
                    _ = try await pool.query("TRUNCATE queue.jobs")
                    _ = try await pool.query("ALTER SEQUENCE queue.job_ids RESTART")
                }
                try await queue.enqueue(Self.jobs(count, in: run))
                #expect(try await QueueRuns(pool: queue.pool).progress(of: run).total == count / 5)
                #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == count)
                found.append(try await queue.pool.query(Self.stored).only(String.self))
            }
            #expect(Set(found).count == 1)
        }
    }

    @Test(arguments: [250, 249])
    func `a batch is stored with its transaction or not at all`(count: Int) async throws {
        try await QueueFixture.with { queue in
            await #expect(throws: Stop.self) {
                try await queue.store.transaction(tenant: .all, now: queue.start) { work in
                    try await work.enqueue(Self.jobs(count))
                    throw Stop()
                }
            }
            let stored = try await queue.counted("SELECT count(*) FROM queue.jobs")
            #expect(stored == 0)
        }
    }

    @Test func `keys are minded however large the batch`() async throws {
        try await QueueFixture.with { queue in
            let jobs = try (1...1200).map { try NewJob(Count(number: $0, key: "\($0 % 600)")) }
            try await queue.enqueue(jobs)
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 600)
        }
    }
}
