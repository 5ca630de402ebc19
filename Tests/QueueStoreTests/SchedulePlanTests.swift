import Dates
import JobKit
import Postgres
import TestSupport
import Testing

@testable import QueueStore

@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct SchedulePlanTests {
    private static let statements: [(name: String, sql: SQL)] = [
        ("how far a schedule has come", ScheduleSQL.standings(of: ["s"])),
        ("whether a tick is owed", ScheduleSQL.isOwed(Instant(microseconds: 0), of: "s")),
        ("the job in a tick's way", ScheduleSQL.liveJob(of: "s")),
    ]

    /// The tables are empty, where reading them from end to end is right; so it is forbidden, and whoever has no index
    /// shows.
    @Test func `what is asked at every tick has its index`() async throws {
        try await QueueFixture.with { queue in
            for (name, sql) in Self.statements {
                let plan = try await queue.pool.transaction { transaction in
                    _ = try await transaction.query("SET LOCAL enable_seqscan = off")
                    return try await transaction.query("EXPLAIN \(sql)").decode(String.self)
                }
                #expect(!plan.contains { $0.contains("Seq Scan") }, "\(name):\n\(plan.joined(separator: "\n"))")
            }
        }
    }
}
