import Billing
import Chance
import Dates
import Testing

@Suite struct CyclesTests {
    static let intervals: [BillingInterval] = [
        .month, .quarter, .year, .months(2), .months(5), .months(24), .weeks(1), .weeks(3), .days(1), .days(10),
        .days(31),
    ]

    @Test(arguments: intervals)
    func `from each of 366 days, cycles neither overlap nor leave a gap, and none drifts`(interval: BillingInterval)
        throws
    {
        let leapYear = try Sample.date("2024-01-01")
        for offset in 0..<366 {
            let anchor = Anchor(leapYear.adding(days: offset))
            for index in -30..<60 {
                let cycle = anchor.cycle(index, every: interval)
                #expect(cycle.end == anchor.boundary(index + 1, every: interval))
                #expect(anchor.index(of: cycle.start, every: interval) == index)
                #expect(anchor.index(of: cycle.end.adding(days: -1), every: interval) == index)
                if case .months = interval {
                    let (year, month, day) = cycle.start.civil
                    #expect(day == min(anchor.day, LocalDate.daysInMonth(month, of: year)))
                }
            }
        }
    }

    @Test(arguments: [
        ("2026-01-31", BillingInterval.month, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2024-02-29", .year, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2025-11-30", .quarter, ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30", "2026-11-30"]),
        ("2023-06-16", .weeks(1), ["2023-06-16", "2023-06-23", "2023-06-30", "2023-07-07", "2023-07-14"]),
    ])
    func `boundaries are counted from the anchor`(start: String, interval: BillingInterval, boundaries: [String]) throws
    {
        let anchor = try Anchor(Sample.date(start))
        #expect((0..<5).map { anchor.boundary($0, every: interval).description } == boundaries)
    }

    @Test(arguments: [
        ("2011-09-01", 15, "2011-09-15"), ("2011-09-15", 15, "2011-09-15"), ("2011-09-16", 15, "2011-10-15"),
        ("2026-02-10", 31, "2026-02-28"), ("2026-02-28", 31, "2026-02-28"), ("2025-12-31", 30, "2026-01-30"),
        ("2026-01-31", 30, "2026-02-28"),
    ])
    func `a billing day anchors on the first such day, clamped`(start: String, day: Int, anchor: String) throws {
        #expect(try Anchor(billingDay: day, from: Sample.date(start)).date.description == anchor)
    }

    @Test func `a billing day that was clamped at first comes back`() throws {
        let anchor = try Anchor(billingDay: 31, from: Sample.date("2026-02-10"))
        let boundaries = (0..<4).map { anchor.boundary($0, every: .month).description }
        #expect(boundaries == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"])
    }

    @Test func `days before the anchor are part of the cycle that ends there`() throws {
        let start = try Sample.date("2011-09-01")
        let cycles = Cycles(anchor: Anchor(billingDay: 15, from: start), interval: .month, start: start)
        let windows = Array(cycles.windows().prefix(2))
        #expect(
            windows.map(\.period) == [
                try Sample.period("2011-09-01", "2011-09-15"), try Sample.period("2011-09-15", "2011-10-15"),
            ])
        #expect(windows[0].fraction.description == "14/31")
        #expect(windows.map(\.isWhole) == [false, true])
    }

    @Test(arguments: SeededGenerator.seeds)
    func `windows cover start to end once, whatever the billing day`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let origin = try Sample.date("2020-01-01")
        for _ in 0..<200 {
            let start = origin.adding(days: .random(in: 0..<3000, using: &random))
            let end = start.adding(days: .random(in: 1..<2000, using: &random))
            let anchor = Anchor(billingDay: .random(in: 1...31, using: &random), from: start)
            let interval = try #require(Self.intervals.randomElement(using: &random))
            let cycles = Cycles(anchor: anchor, interval: interval, start: start, end: end)
            var reached = start
            for window in cycles.windows() {
                #expect(window.period.start == reached)
                #expect(window.cycle.intersection(window.period) == window.period)
                reached = window.period.end
            }
            #expect(reached == end)
            let day = start.adding(days: .random(in: 0..<start.days(until: end), using: &random))
            #expect(cycles.window(at: day)?.period.contains(day) == true)
            #expect(cycles.window(at: end) == nil)
            #expect(cycles.window(at: start.adding(days: -1)) == nil)
        }
    }
}
