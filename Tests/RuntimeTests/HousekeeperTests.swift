import JobKit
import Observability
import Postgres
import QueueStore
import Runtime
import TestSupport
import Testing

/// Housekeeping beside the work of a process.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct HousekeeperTests {
    @Test func `a process keeps house as soon as it runs, says what it did, and ends with the order to stop`()
        async throws
    {
        try await WorkerFixture.with { fixture in
            let (lines, continuation) = AsyncStream.makeStream(of: String.self)
            let keeper = Housekeeper(
                house: PostgresHousekeeping(pool: fixture.pool), clock: fixture.clock,
                log: Log(component: "test") { continuation.yield($0) }, metrics: fixture.metrics)
            let drain = Drain()
            let life = Task { await keeper.run(until: drain) }
            let line = await lines.first { $0.contains("kept house") }
            #expect(line?.contains(#""made":"20"#) == true, "\(line ?? "nothing")")
            // The one that waits for its next turn is told at once.
            drain.advance()
            await life.value
        }
    }

    @Test func `a pass that fails is told, counted and tried again`() async throws {
        try await WorkerFixture.with { fixture in
            let owner = try await PostgresConnection.connect(TestDatabase.current.configuration)
            _ = try await owner.query("ALTER TABLE queue.housekeeping RENAME TO elsewhere")
            await owner.close()
            let (lines, continuation) = AsyncStream.makeStream(of: String.self)
            let keeper = Housekeeper(
                house: PostgresHousekeeping(pool: fixture.pool), clock: fixture.clock,
                log: Log(component: "test") { continuation.yield($0) }, metrics: fixture.metrics)
            let drain = Drain()
            let life = Task { await keeper.run(until: drain) }
            let line = await lines.first { _ in true }
            #expect(line?.contains("housekeeping failed; trying again") == true, "\(line ?? "nothing")")
            #expect(fixture.metrics.total("billwright_housekeeping_failures_total") == 1)
            drain.advance()
            await life.value
        }
    }
}
