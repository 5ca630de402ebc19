import Dates
import JobKit
import Testing

@Suite struct ScheduleTests {
    private struct Tick: JobArguments {
        static let kind: JobKind = "tick"
    }

    private static let start = "2026-11-21T00:00:00Z"

    private func due(
        _ catchUp: Schedule.CatchUp, last: String?, owed: String = start, isPaused: Bool = false, now: String
    ) throws -> [String] {
        let schedule = Schedule(
            name: "s", timetable: Timetable(try Cron("0 * * * *")), catchUp: catchUp, job: try NewJob(Tick()))
        let standing = ScheduleStanding(
            lastTick: try last.map { try Instant(parsing: $0) }, owedAfter: try Instant(parsing: owed),
            isPaused: isPaused)
        return try schedule.ticksDue(standing, at: Instant(parsing: now)).map { "\($0)" }
    }

    @Test func `downtime is caught up as the schedule says`() throws {
        let last = "2026-11-21T01:00:00Z"
        let now = "2026-11-21T04:30:00Z"
        #expect(try due(.none, last: last, now: now) == [])
        #expect(try due(.latest, last: last, now: now) == ["2026-11-21T04:00:00Z"])
        #expect(
            try due(.all(within: .seconds(2 * 3600)), last: last, now: now) == [
                "2026-11-21T03:00:00Z", "2026-11-21T04:00:00Z",
            ])
    }

    static let policies: [Schedule.CatchUp] = [.none, .latest, .all(within: .seconds(86_400))]

    @Test(arguments: policies)
    func `a clock that stepped back fires nothing again`(_ catchUp: Schedule.CatchUp) throws {
        #expect(try due(catchUp, last: "2026-11-21T04:00:00Z", now: "2026-11-21T03:00:30Z") == [])
    }

    @Test(arguments: policies)
    func `a paused schedule owes nothing, and afterwards nothing from before the pause's end`(
        _ catchUp: Schedule.CatchUp
    ) throws {
        let last = "2026-11-21T01:00:00Z"
        #expect(try due(catchUp, last: last, isPaused: true, now: "2026-11-21T04:00:10Z") == [])
        #expect(try due(catchUp, last: last, owed: "2026-11-21T04:00:05Z", now: "2026-11-21T04:00:10Z") == [])
        #expect(
            try due(catchUp, last: last, owed: "2026-11-21T04:00:05Z", now: "2026-11-21T05:00:10Z") == [
                "2026-11-21T05:00:00Z"
            ])
    }

    @Test func `a schedule that has never fired owes what came after it began`() throws {
        #expect(try due(.latest, last: nil, owed: "2026-11-21T03:30:00Z", now: "2026-11-21T03:59:59Z") == [])
        #expect(
            try due(.latest, last: nil, owed: "2026-11-21T03:30:00Z", now: "2026-11-21T06:10:00Z") == [
                "2026-11-21T06:00:00Z"
            ])
    }

    @Test func `missed are the ticks nobody has seen to once their minute is over`() throws {
        let timetable = Timetable(try Cron("0 * * * *"))
        func missed(_ now: String, isPaused: Bool = false) throws -> Int {
            let standing = ScheduleStanding(
                lastTick: try Instant(parsing: "2026-11-21T01:00:00Z"), owedAfter: try Instant(parsing: Self.start),
                isPaused: isPaused)
            return standing.ticksMissed(of: timetable, at: try Instant(parsing: now))
        }
        #expect(try missed("2026-11-21T02:00:30Z") == 0)
        #expect(try missed("2026-11-21T02:01:00Z") == 1)
        #expect(try missed("2026-11-21T05:30:00Z") == 4)
        #expect(try missed("2026-11-21T05:30:00Z", isPaused: true) == 0)
    }
}
