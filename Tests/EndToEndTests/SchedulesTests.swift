import Dates
import Foundation
import JobKit
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// What a person does to schedules at the terminal, without any scheduler running.
@Suite(.database(migrations: QueueMigrations.all), .timeLimit(.minutes(15))) struct SchedulesTests {
    private struct Nightly: JobArguments {
        static let kind: JobKind = "nightly"
        var books = "all"
    }

    private struct Listed: Decodable {
        struct Pause: Decodable {
            let by: String
            let reason: String
        }
        struct Firing: Decodable { let job: Int }

        let name: String
        let zone: String
        let next: [String]
        let missed: Int
        let paused: Pause?
        let last_fired: Firing?
    }

    private static func register() async throws {
        let berlin = TimeZoneRules(id: "Europe/Berlin", version: "", initialOffset: 3600)
        let schedule = Schedule(
            name: "nightly", timetable: Timetable(try Cron("30 2 * * *"), zone: berlin), catchUp: .latest,
            overlap: .skip, job: try NewJob(Nightly()))
        try await TestDatabase.current.withPool { pool in
            let schedules = PostgresSchedules(pool: pool, control: pool)
            try await schedules.register(schedule, now: Instant(parsing: "2026-01-01T00:00:00Z"))
            _ = try await schedules.fire(
                Instant(parsing: "2026-01-01T01:30:00Z"), of: schedule, now: Instant(parsing: "2026-01-01T01:30:00Z"))
        }
    }

    private func list(_ environment: [String: String]) async throws -> Listed {
        let (status, run) = try await Run.finish(["schedules", "list", "--json"], environment: environment)
        try #require(status == .code(0), "\(run.everything)")
        return try #require(JSONDecoder().decode([Listed].self, from: Data(run.output.joined().utf8)).first)
    }

    @Test func `a schedule is listed, paused with a reason and resumed`() async throws {
        try await Self.register()
        let environment = try CommandTests.database()
        let before = try await list(environment)
        #expect(before.name == "nightly" && before.zone == "Europe/Berlin" && before.next.count == 3)
        #expect(before.last_fired?.job == 1 && before.missed > 0 && before.paused == nil)

        let (refused, usage) = try await Run.finish(["schedules", "pause", "nightly"], environment: environment)
        #expect(refused == .code(2) && usage.errors == ["billwright: --reason must be set"])
        let pause = ["schedules", "pause", "nightly", "--reason", "the audit"]
        let (first, paused) = try await Run.finish(pause, environment: environment)
        #expect(first == .code(0) && paused.output == ["paused nightly"], "\(paused.everything)")
        let (second, again) = try await Run.finish(pause, environment: environment)
        #expect(second == .code(1) && again.errors == ["billwright: nightly is paused already"])
        let during = try await list(environment)
        #expect(during.paused?.reason == "the audit" && during.next == [] && during.missed == 0)

        let (third, resumed) = try await Run.finish(
            ["schedules", "resume", "nightly", "--reason", "audited", "--json"], environment: environment)
        #expect(third == .code(0) && resumed.output == [#"{"schedule":"nightly","act":"resumed"}"#])
        let after = try await list(environment)
        #expect(after.paused == nil && after.missed == 0 && after.next.count == 3)
    }

    @Test func `a schedule is run by hand unless its last job is still live`() async throws {
        try await Self.register()
        let environment = try CommandTests.database()
        let run = ["schedules", "run-now", "nightly"]
        let (refused, inTheWay) = try await Run.finish(run, environment: environment)
        #expect(refused == .code(1))
        #expect(inTheWay.errors == ["billwright: nightly was not run: its earlier job 1 is available"])
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("UPDATE queue.ticks SET job = NULL")
        }
        let (done, enqueued) = try await Run.finish(run, environment: environment)
        #expect(done == .code(0) && enqueued.output == ["enqueued job 2"], "\(enqueued.everything)")
        let (unknown, complaint) = try await Run.finish(["schedules", "run-now", "x"], environment: environment)
        #expect(unknown == .code(1) && complaint.errors[0].contains("there is no schedule 'x'"))
    }
}
