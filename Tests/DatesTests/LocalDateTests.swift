import Chance
import Dates
import Testing

@Suite struct LocalDateTests {
    @Test func `every day of 4,000 years follows the one before it and keeps its parts`() throws {
        var expected = (year: 1, month: 1, day: 1)
        var date = LocalDate.earliest
        while expected.year <= 4000 {
            guard date.civil == expected else {
                Issue.record("\(date.civil) instead of \(expected)")
                return
            }
            #expect(LocalDate(year: expected.year, month: expected.month, day: expected.day) == date)
            expected.day += 1
            if expected.day > LocalDate.daysInMonth(expected.month, of: expected.year) {
                expected.day = 1
                expected.month += 1
            }
            if expected.month > 12 {
                expected.month = 1
                expected.year += 1
            }
            date = date.adding(days: 1)
        }
    }

    @Test(arguments: [
        ("1970-01-01", 0, Weekday.thursday), ("1969-12-31", -1, .wednesday), ("2000-02-29", 11016, .tuesday),
        ("2026-11-21", 20778, .saturday), ("0001-01-01", -719_162, .monday), ("9999-12-31", 2_932_896, .friday),
    ])
    func `known dates have their day number and weekday`(text: String, days: Int32, weekday: Weekday) throws {
        let date = try LocalDate(parsing: text)
        #expect(date.daysSinceEpoch == days)
        #expect(date.weekday == weekday)
        #expect(date.description == text)
    }

    @Test(arguments: [
        "", "2026", "2026-1-01", "2026-01-1", "2026-13-01", "2026-00-10", "2026-01-00", "2025-02-29", "1900-02-29",
        "2026-04-31", "0000-01-01", "2026-01-01T00:00:00Z", " 2026-01-01", "2026/01/01", "+2026-01-01", "२०२६-01-01",
    ])
    func `text that is no date is refused and named`(text: String) {
        #expect(throws: DateFault.notADate(text)) { try LocalDate(parsing: text) }
    }

    @Test(arguments: [
        ("2026-01-31", 1, "2026-02-28"), ("2026-01-31", 2, "2026-03-31"), ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"), ("2024-02-29", 48, "2028-02-29"), ("2026-03-15", -3, "2025-12-15"),
        ("2026-12-31", 2, "2027-02-28"), ("2026-01-01", -13, "2024-12-01"),
    ])
    func `months are added to the anchor day and clamped`(start: String, months: Int, end: String) throws {
        #expect(try LocalDate(parsing: start).adding(months: months).description == end)
    }

    @Test func `an anchor day brings a clamped date back`() throws {
        let clamped = try LocalDate(parsing: "2026-02-28")
        #expect(clamped.adding(months: 1, anchorDay: 31).description == "2026-03-31")
        #expect(clamped.adding(months: 2, anchorDay: 31).description == "2026-04-30")
    }

    @Test(arguments: SeededGenerator.seeds)
    func `days until undoes adding days`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let date = LocalDate(daysSinceEpoch: .random(in: -700_000...2_900_000, using: &random))
            let days = Int.random(in: -10_000...10_000, using: &random)
            #expect(date.days(until: date.adding(days: days)) == days)
        }
    }
}

@Suite struct PeriodTests {
    private func period(_ start: String, _ end: String) throws -> Period {
        try #require(Period(checking: LocalDate(parsing: start), LocalDate(parsing: end)))
    }

    @Test func `a period has its first day and not its end`() throws {
        let month = try period("2026-02-01", "2026-03-01")
        #expect(month.days == 28)
        #expect(try month.contains(LocalDate(parsing: "2026-02-01")))
        #expect(try month.contains(LocalDate(parsing: "2026-02-28")))
        #expect(try !month.contains(LocalDate(parsing: "2026-03-01")))
    }

    @Test func `an empty period cannot be made`() throws {
        let day = try LocalDate(parsing: "2026-02-01")
        #expect(Period(checking: day, day) == nil)
        #expect(Period(checking: day.adding(days: 1), day) == nil)
    }

    @Test func `neighbours share a boundary and no day`() throws {
        let january = try period("2026-01-01", "2026-02-01")
        let february = try period("2026-02-01", "2026-03-01")
        #expect(january.intersection(february) == nil)
        #expect(!january.overlaps(february))
        let across = try period("2026-01-20", "2026-02-10")
        #expect(january.intersection(across) == (try period("2026-01-20", "2026-02-01")))
        #expect(january.overlaps(across))
        #expect(january < february)
    }
}
