import Dates
import JobKit
import Testing

@Suite struct CronTests {
    private func ticks(_ expression: String, _ from: String, _ to: String) throws -> [String] {
        try Timetable(Cron(expression))
            .ticks(after: Instant(parsing: from), through: Instant(parsing: to), limit: 10).map { "\($0)" }
    }

    @Test func `ticks lie after the start and up to the end`() throws {
        #expect(
            try ticks("*/15 * * * *", "2026-11-21T03:00:00Z", "2026-11-21T03:45:00Z") == [
                "2026-11-21T03:15:00Z", "2026-11-21T03:30:00Z", "2026-11-21T03:45:00Z",
            ])
    }

    @Test func `fields are lists of numbers and ranges with steps`() throws {
        #expect(
            try ticks("0 8-10/2,20 * 2 *", "2028-02-28T12:00:00Z", "2028-03-05T00:00:00Z") == [
                "2028-02-28T20:00:00Z", "2028-02-29T08:00:00Z", "2028-02-29T10:00:00Z", "2028-02-29T20:00:00Z",
            ])
    }

    @Test func `two restricted day fields mean either`() throws {
        // 13 November 2026 is a Friday; Mondays are the 9th and 16th.
        #expect(
            try ticks("0 0 13 11 1", "2026-11-08T00:00:00Z", "2026-11-17T00:00:00Z") == [
                "2026-11-09T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-16T00:00:00Z",
            ])
    }

    @Test func `sunday is 0 and 7`() throws {
        let sunday = try Instant(parsing: "2026-11-22T00:00:00Z")
        let before = try Instant(parsing: "2026-11-21T10:00:00Z")
        #expect(try Timetable(Cron("0 0 * * 0")).next(after: before) == sunday)
        #expect(try Timetable(Cron("0 0 * * 7")).next(after: before) == sunday)
    }

    @Test func `a date that never comes has no next tick`() throws {
        #expect(try Timetable(Cron("0 0 30 2 *")).next(after: Instant(parsing: "2026-01-01T00:00:00Z")) == nil)
    }

    @Test(arguments: ["* * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *", "0 0 0 * *"])
    func `malformed expressions are refused`(_ expression: String) {
        #expect(throws: CronFault.self) { try Cron(expression) }
    }
}

@Suite struct BackoffTests {
    @Test func `waits double up to the longest, less at most half`() {
        let backoff = Backoff(first: .seconds(2), longest: .seconds(60))
        for job in 1...200 {
            for (attempt, full) in [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (90, 60)] {
                let delay = backoff.delay(after: attempt, of: JobID(Int64(job)))
                #expect(delay <= .seconds(full) && delay >= .seconds(full) / 2)
            }
        }
    }

    @Test func `two jobs that fail together do not come back together`() {
        let backoff = Backoff(first: .seconds(100), longest: .seconds(100))
        let delays = Set((1...100).map { backoff.delay(after: 1, of: JobID($0)) })
        #expect(delays.count > 80)
    }
}
