import Dates
import Foundation
import JobKit
import Testing

/// Cron on local clocks, above all while they are changed. Europe/Berlin skips 02:00 to 03:00 at 2026-03-29T01:00Z and
/// repeats it from 2026-10-25T01:00Z; Lord Howe Island changes by half an hour.
@Suite struct TimetableTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let zone: String
        let cron: String
        var policy: Timetable.DaylightSaving?
        let from: String
        let to: String
        let ticks: [String]
        var testDescription: String { "\(zone) \(cron) \(policy?.rawValue ?? "") from \(from)" }
    }

    private static let berlinSpring = ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z")
    private static let berlinAutumn = ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")

    static let timesOfDay = [
        // Skipped: once, at the first instant after the gap; the days beside it as ever.
        Case(
            zone: "Europe/Berlin", cron: "30 2 * * *", from: "2026-03-27T12:00:00Z", to: "2026-03-30T12:00:00Z",
            ticks: ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        Case(
            zone: "America/New_York", cron: "30 2 * * *", from: "2026-03-08T00:00:00Z", to: "2026-03-08T23:00:00Z",
            ticks: ["2026-03-08T07:00:00Z"]),
        Case(
            zone: "Australia/Lord_Howe", cron: "15 2 * * *", from: "2026-10-03T12:00:00Z", to: "2026-10-04T12:00:00Z",
            ticks: ["2026-10-03T15:30:00Z"]),
        // Two in one gap, and what is due at its end anyway, are one tick.
        Case(
            zone: "Europe/Berlin", cron: "0,30 2-3 * * *", from: berlinSpring.0, to: berlinSpring.1,
            ticks: ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
        // A whole day that never was.
        Case(
            zone: "Pacific/Apia", cron: "0 9 * * *", from: "2011-12-29T12:00:00Z", to: "2011-12-31T12:00:00Z",
            ticks: ["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]),
        // Doubled: the first pass only.
        Case(
            zone: "Europe/Berlin", cron: "30 2 * * *", from: "2026-10-24T12:00:00Z", to: "2026-10-26T12:00:00Z",
            ticks: ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        Case(
            zone: "America/New_York", cron: "30 1 * * *", from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z",
            ticks: ["2026-11-01T05:30:00Z"]),
        Case(
            zone: "Australia/Lord_Howe", cron: "45 1 * * *", from: "2026-04-04T12:00:00Z", to: "2026-04-05T12:00:00Z",
            ticks: ["2026-04-04T14:45:00Z"]),
        // Unless told otherwise.
        Case(
            zone: "Europe/Berlin", cron: "30 2 * * *", policy: .everyPass, from: berlinSpring.0, to: berlinSpring.1,
            ticks: []),
        Case(
            zone: "Europe/Berlin", cron: "30 2 * * *", policy: .everyPass, from: berlinAutumn.0, to: berlinAutumn.1,
            ticks: ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
    ]

    static let intervals = [
        // Every real hour.
        Case(
            zone: "Europe/Berlin", cron: "30 * * * *", from: "2026-03-29T00:00:00Z", to: "2026-03-29T02:45:00Z",
            ticks: ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"]),
        Case(
            zone: "Europe/Berlin", cron: "30 * * * *", from: "2026-10-25T00:00:00Z", to: "2026-10-25T02:45:00Z",
            ticks: ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]),
        Case(
            zone: "America/New_York", cron: "0 * * * *", from: "2026-11-01T04:30:00Z", to: "2026-11-01T07:30:00Z",
            ticks: ["2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"]),
        // Whenever clocks show an even hour: 02:00 is skipped in spring and comes twice in autumn.
        Case(
            zone: "Europe/Berlin", cron: "0 */2 * * *", from: "2026-03-28T22:30:00Z", to: "2026-03-29T04:30:00Z",
            ticks: ["2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T04:00:00Z"]),
        Case(
            zone: "Europe/Berlin", cron: "0 */2 * * *", from: "2026-10-24T21:30:00Z", to: "2026-10-25T03:30:00Z",
            ticks: [
                "2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T03:00:00Z",
            ]),
        Case(
            zone: "Australia/Lord_Howe", cron: "*/15 * * * *", from: "2026-04-04T14:20:00Z",
            to: "2026-04-04T15:35:00Z",
            ticks: [
                "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z",
                "2026-04-04T15:30:00Z",
            ]),
        // Clocks there show a full hour ninety minutes after the last.
        Case(
            zone: "Australia/Lord_Howe", cron: "0 * * * *", from: "2026-04-04T13:30:00Z", to: "2026-04-04T16:45:00Z",
            ticks: ["2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"]),
        // Unless told otherwise.
        Case(
            zone: "Europe/Berlin", cron: "30 * * * *", policy: .once, from: "2026-10-25T00:00:00Z",
            to: "2026-10-25T02:45:00Z", ticks: ["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"]),
    ]

    @Test(arguments: timesOfDay + intervals)
    func `ticks while clocks are changed`(_ row: Case) throws {
        let timetable = try Self.timetable(row)
        let (from, to) = (try Instant(parsing: row.from), try Instant(parsing: row.to))
        #expect(timetable.ticks(after: from, through: to, limit: 100).map { "\($0)" } == row.ticks)
        #expect(timetable.latest(after: from, through: to).map { "\($0)" } == row.ticks.last)
        // One after the other gives the same.
        var chain: [String] = []
        var last = from
        while let next = timetable.next(after: last), next <= to {
            chain.append("\(next)")
            last = next
        }
        #expect(chain == row.ticks)
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"])
    func `a time of the day fires once on each date of twenty years`(zone: String) throws {
        let rules = try Self.rules(zone)
        for cron in ["0 0 * * *", "30 1 * * *", "15 2 * * *", "59 23 * * *"] {
            let from = try Instant(parsing: "2005-06-01T12:00:00Z")
            let to = try Instant(parsing: "2025-06-01T12:00:00Z")
            let ticks = Timetable(try Cron(cron), zone: rules).ticks(after: from, through: to, limit: 10_000)
            let days = ticks.map { rules.localDate(of: $0) }
            #expect(Set(days).count == ticks.count && abs(ticks.count - 7305) <= 1, "\(cron): \(ticks.count)")
        }
    }

    private static func timetable(_ row: Case) throws -> Timetable {
        Timetable(try Cron(row.cron), zone: try rules(row.zone), daylightSaving: row.policy)
    }

    private static func rules(_ id: String) throws -> TimeZoneRules {
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(id)")))
        return try TimeZoneRules(id: id, version: "test", tzif: bytes)
    }
}
