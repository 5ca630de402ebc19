import Dates
import JobKit
import Postgres
import TestSupport
import Testing

@testable import QueueStore

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct ClaimPlanTests {
    /// What a claim wants stands behind what is leased. Statistics do not tell that, and by them the first rows of the
    /// table are as good as any.
    @Test(arguments: [true, false])
    func `a claim passes over what is leased by its index, whatever the statistics say`(isHeld: Bool) async throws {
        try await QueueFixture.with { queue in
            let worker = try await queue.worker()
            try await queue.enqueue((1...20_000).map { try NewJob(Count(number: $0)) })
            #expect(try await queue.claim(20_000, as: worker).count == 20_000)
            try await queue.enqueue((1...10).map { try NewJob(Count(number: $0)) })
            try await TestDatabase.current.withPool { pool in
                if !isHeld { _ = try await pool.query("ALTER FUNCTION queue.claim RESET enable_seqscan") }
                _ = try await pool.query("ANALYZE queue.jobs")
            }
            let request = ClaimRequest(worker: worker, queue: .standard, kinds: [Count.kind: 1], limit: 1)
            let (jobs, read) = try await queue.pool.transaction { transaction in
                let jobs = try await transaction.query(QueueSQL.claim(request, token: 9, limit: 1, finished: [])).count
                let read = try await transaction.query(
                    """
                    SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname = 'queue' AND relname = 'jobs'
                    """
                ).only(Int64.self)
                return (jobs, read)
            }
            #expect(jobs == 1)
            if isHeld { #expect(read == 0) } else { #expect(read > 0) }
        }
    }
}
