import Chance
import Dates
import Foundation
import Testing

/// The system's own zone files, with Foundation's reading of them as the judge.
@Suite struct TimeZoneRulesTests {
    static let zones = [
        "UTC", "Europe/Paris", "Europe/London", "Europe/Dublin", "America/New_York", "America/Los_Angeles",
        "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tokyo", "Asia/Tehran",
        "Africa/Casablanca", "Africa/Cairo", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia",
        "Pacific/Auckland", "Pacific/Chatham", "America/Godthab", "Antarctica/Troll",
    ]

    static func rules(_ id: String) throws -> TimeZoneRules {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(id)")))
        return try TimeZoneRules(id: id, version: "test", tzif: bytes)
    }

    @Test(arguments: zones)
    func `offsets agree with Foundation every six hours from 1970 to 2037`(id: String) throws {
        let rules = try Self.rules(id)
        let judge = try #require(TimeZone(identifier: id))
        for second in stride(from: 0, to: 2_145_916_800, by: 6 * 3600) {
            let expected = judge.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second)))
            let offset = rules.offset(at: Instant(microseconds: Int64(second) * 1_000_000))
            guard offset == expected else {
                Issue.record("\(id) at \(second): \(offset) instead of \(expected)")
                return
            }
        }
    }

    @Test(arguments: zones)
    func `midnight of a date is that date, and the microsecond before is not`(id: String) throws {
        let rules = try Self.rules(id)
        let first = try LocalDate(parsing: "1970-01-01")
        let skippedDay = try LocalDate(parsing: "2011-12-30")
        for date in (0..<25_000).map({ first.adding(days: $0) }) where id != "Pacific/Apia" || date != skippedDay {
            let midnight = rules.instant(of: date)
            #expect(rules.localDate(of: midnight) == date)
            #expect(rules.localDate(of: Instant(microseconds: midnight.microseconds - 1)) < date)
        }
    }

    static let localTimes: [(id: String, date: String, hour: Int, minute: Int, instant: String)] = [
        // Skipped: moves on by the gap.
        ("America/New_York", "2026-03-08", 2, 30, "2026-03-08T07:30:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", 2, 15, "2026-10-03T15:45:00Z"),
        ("Pacific/Apia", "2011-12-30", 0, 0, "2011-12-30T10:00:00Z"),
        ("Africa/Cairo", "2026-04-24", 0, 0, "2026-04-23T22:00:00Z"),
        // Repeated: its first pass.
        ("America/New_York", "2026-11-01", 1, 30, "2026-11-01T05:30:00Z"),
        ("Europe/Paris", "2026-10-25", 2, 30, "2026-10-25T00:30:00Z"),
        ("Africa/Casablanca", "2026-02-15", 2, 30, "2026-02-15T01:30:00Z"),
        // Plain.
        ("Asia/Kathmandu", "2026-01-31", 9, 0, "2026-01-31T03:15:00Z"),
        ("America/St_Johns", "2026-07-01", 0, 0, "2026-07-01T02:30:00Z"),
        // After the listed transitions, by the rule.
        ("Europe/Paris", "2090-07-01", 0, 0, "2090-06-30T22:00:00Z"),
        ("Pacific/Auckland", "2090-01-01", 0, 0, "2089-12-31T11:00:00Z"),
        ("America/New_York", "2090-03-12", 2, 30, "2090-03-12T07:30:00Z"),
    ]

    @Test(arguments: localTimes)
    func `a local time is found`(id: String, date: String, hour: Int, minute: Int, instant: String) throws {
        let rules = try Self.rules(id)
        #expect(try rules.instant(of: LocalDate(parsing: date), hour: hour, minute: minute).description == instant)
    }

    @Test func `the rule after the last transition repeats the years before it`() throws {
        // 28 years on, dates fall on the same weekdays, so the rule must give the same clock.
        let rules = try Self.rules("America/New_York")
        let cycle = Duration.seconds(Int64(28 * 365 + 7) * 86_400)
        for day in 0..<365 {
            let instant = try LocalDate(parsing: "2030-01-01").adding(days: day)
            let noon = rules.instant(of: instant, hour: 12)
            #expect(rules.offset(at: noon) == rules.offset(at: noon + cycle))
        }
    }

    @Test func `damaged files are refused, never trusted`() throws {
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Paris")))
        for length in stride(from: 0, to: whole.count, by: 7) {
            #expect(throws: DateFault.self) {
                try TimeZoneRules(id: "cut", version: "", tzif: Array(whole[..<length]))
            }
        }
        #expect(throws: DateFault.self) { try TimeZoneRules(id: "text", version: "", tzif: Array("hello".utf8)) }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `flipped bytes never trap`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Paris")))
        for _ in 0..<200 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if let rules = try? TimeZoneRules(id: "flipped", version: "", tzif: bytes) {
                _ = try rules.instant(of: LocalDate(parsing: "2026-03-29"), hour: 2, minute: 30)
            }
        }
    }
}
