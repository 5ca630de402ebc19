import Billing
import Chance
import Dates
import Money
import Testing

@testable import Accounts

@Suite struct RecognitionTests {
    @Test func `a year paid in advance is deferred and earned day by day`() throws {
        var books = Books()
        try books.issue("2019-01-01", books.time(36_500, "2019-01-01", "2020-01-01"))
        let months = (1...12).map { $0 < 10 ? "2019-0\($0)" : "2019-\($0)" }
        let earned: [Int64] = [3100, 2800, 3100, 3000, 3100, 3000, 3100, 3100, 3000, 3100, 3000, 3100]
        let left: [Int64] = [33400, 30600, 27500, 24500, 21400, 18400, 15300, 12200, 9200, 6100, 3100, 0]
        #expect(try books.recognized() == Dictionary(uniqueKeysWithValues: zip(months, earned)))
        #expect(try books.deferred() == Dictionary(uniqueKeysWithValues: zip(months, left)))
    }

    @Test func `a note takes back what was earned in its own month, never in an earlier one`() throws {
        var books = Books()
        try books.issue("2026-01-01", books.time(9000, "2026-01-01", "2026-04-01"))
        try books.note("2026-02-01", [0: 4500])
        #expect(try books.recognized() == ["2026-01": 3100, "2026-02": -150, "2026-03": 1550])
        #expect(try books.deferred() == ["2026-01": 5900, "2026-02": 1550, "2026-03": 0])
    }

    @Test func `what a contract is sold for is allocated to its obligations and earned over each one's time`() throws {
        var books = Books()
        let year = Period(start: try Books.date("2026-01-01"), end: try Books.date("2027-01-01"))
        try books.issue(
            "2026-01-01", Books.oneOff("machine", 100_000, Obligation(standalone: Books.cents(75_000))),
            Books.oneOff("installation", 0, Obligation(standalone: Books.cents(14_000))),
            Books.oneOff("warranty", 0, Obligation(standalone: Books.cents(20_000), period: year)))
        let earned: [Int64] = [83209, 1408, 1558, 1509, 1558, 1508, 1559, 1558, 1508, 1558, 1509, 1558]
        #expect(try books.account.recognition().months.map(\.recognized.minorUnits) == earned)
        // The whole of it given back leaves nothing, whichever line the note names.
        try books.note("2026-03-10", [0: 100_000])
        let after = try books.account.recognition().months.map(\.recognized.minorUnits)
        #expect(after == [83209, 1408, -84617] + Array(repeating: 0, count: 9))
    }

    @Test func `usage is earned when its period ends, a late difference in the month of its invoice`() throws {
        var books = Books()
        try books.issue("2026-01-01", books.time(3100, "2026-01-01", "2026-02-01"))
        try books.issue(
            "2026-02-01", books.time(3100, "2026-02-01", "2026-03-01"), books.usage(4000, "2026-01-01", "2026-02-01"))
        try books.issue(
            "2026-03-01", books.time(3100, "2026-03-01", "2026-04-01"),
            books.usage(1000, "2026-01-01", "2026-02-01", billed: 4000))
        #expect(try books.recognized() == ["2026-01": 7100, "2026-02": 3100, "2026-03": 4100])
        #expect(try books.deferred() == ["2026-01": -4000, "2026-02": 0, "2026-03": 0])
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let lines: @Sendable (Books) throws -> (date: String, lines: [InvoiceLine])
        let recognized: [String: Int64]
    }

    static let lines: [Case] = [
        Case(
            testDescription: "billed in advance after it began: the past falls to the invoice's month",
            lines: { ("2026-03-10", [try $0.time(9000, "2026-01-01", "2026-04-01")]) },
            recognized: ["2026-03": 9000]),
        Case(
            testDescription: "billed in arrears: as earned, before the invoice",
            lines: { ("2026-04-01", [try $0.time(9000, "2026-01-01", "2026-04-01", timing: .inArrears)]) },
            recognized: ["2026-01": 3100, "2026-02": 2800, "2026-03": 3100, "2026-04": 0]),
        Case(
            testDescription: "after its discounts",
            lines: { ("2026-01-01", [try $0.time(9000, "2026-01-01", "2026-04-01", off: 4500)]) },
            recognized: ["2026-01": 1550, "2026-02": 1400, "2026-03": 1550]),
        Case(
            testDescription: "time given back: by its days, never before the invoice's month",
            lines: {
                (
                    "2026-02-10",
                    [try $0.credit(6200, "2026-01-15", "2026-03-18", of: LineReference(invoice: 0, line: 0))]
                )
            }, recognized: ["2026-02": -4500, "2026-03": -1700]),
        Case(
            testDescription: "an amount once: at issue", lines: { _ in ("2026-01-31", [Books.setUp(5000)]) },
            recognized: ["2026-01": 5000]),
        Case(
            testDescription: "a one-off without an obligation: at issue",
            lines: { _ in ("2026-01-20", [Books.oneOff("work", 5000)]) }, recognized: ["2026-01": 5000]),
        Case(
            testDescription: "a period that leaves a month in the middle",
            lines: { ("2026-01-17", [try $0.time(3100, "2026-01-17", "2026-02-17")]) },
            recognized: ["2026-01": 1500, "2026-02": 1600]),
        Case(
            testDescription: "a minimum: when its period ends",
            lines: { ("2026-02-01", [try $0.minimum(700, "2026-01-01", "2026-02-01")]) },
            recognized: ["2026-01": 700, "2026-02": 0]),
        Case(
            testDescription: "a minimum corrected later: in the month of that invoice",
            lines: { ("2026-03-01", [try $0.minimum(-200, "2026-01-01", "2026-02-01", billed: 700)]) },
            recognized: ["2026-03": -200]),
    ]

    @Test(arguments: lines)
    func `each sort of line has its own time`(sample: Case) throws {
        var books = Books()
        let (date, lines) = try sample.lines(books)
        try books.issue(date, lines)
        #expect(try books.recognized() == sample.recognized)
    }

    @Test func `a void takes back what notes have left, in its own month at the earliest`() throws {
        var books = Books()
        try books.issue("2026-01-01", books.time(9000, "2026-01-01", "2026-04-01"))
        try books.note("2026-01-10", [0: 900])
        try books.void(0, on: "2026-02-05")
        #expect(try books.recognized() == ["2026-01": 2790, "2026-02": -2790, "2026-03": 0])
        #expect(try books.deferred() == ["2026-01": 5310, "2026-02": 0, "2026-03": 0])
    }

    @Test(arguments: [("2026-02-04", "2026-01"), ("2026-02-05", "2026-02"), ("2026-03-01", "2026-03")])
    func `usage of split time is on time until its cycle ends`(issued: String, month: String) throws {
        var books = Books()
        // The cycle is that from the 4th to the 4th; a change cuts it on 20 January.
        books.account.subscriptions = [try Sample.subscription("s1", start: "2026-01-04", plan: Sample.plan())]
        try books.issue(issued, books.usage(100, "2026-01-04", "2026-01-20"))
        #expect(try books.recognized()[month] == 100)
    }

    @Test func `usage of ended time is late after the end, and of a time that is cut after the cut`() throws {
        var books = Books()
        var subscription = try Sample.subscription("s1", start: "2026-01-04", plan: Sample.plan(every: .year))
        let instant = books.account.calendar.midnight(try Books.date("2026-02-20"))
        subscription.changes.append(
            Change(.end(givesBack: true), effective: books.account.calendar.moment(instant), recorded: instant))
        books.account.subscriptions = [subscription]
        try books.issue("2026-03-05", books.usage(100, "2026-01-04", "2026-01-20", every: .year))
        #expect(try books.recognized()["2026-03"] == 100)
        // As people knew it on 15 February the year ran on, so a later end does not move what was on time.
        books.account.invoices = []
        try books.issue("2026-02-15", books.usage(100, "2026-01-04", "2026-01-20", every: .year))
        #expect(try books.recognized()["2026-01"] == 100)
    }

    @Test(arguments: SeededGenerator.seeds)
    func `whatever is billed and taken back, all of it is earned in the end`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            let books = try Sample.books(using: &random)
            let recognition = try books.account.recognition()
            #expect(recognition.months.last?.deferred.isZero ?? true)
            for schedule in try books.account.revenueSchedules() {
                let months = try schedule.months()
                #expect(try Money.sum(months.map(\.amount), in: .usd) == schedule.amount)
                #expect(zip(months, months.dropFirst()).allSatisfy { $0.month < $1.month })
                #expect(months.allSatisfy { $0.month >= schedule.notBefore ?? .earliest })
            }
            for month in recognition.months {
                #expect(recognition.recognized(before: month.month.adding(months: 1)) == month.recognizedToDate)
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `time given back leaves what is earned of the rest`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var books = Books()
            let start = try Books.date("2026-01-01").adding(days: .random(in: 0...60, using: &random))
            let end = start.adding(days: .random(in: 2...800, using: &random))
            let cut = start.adding(days: .random(in: 1..<start.days(until: end), using: &random))
            let net = Int64.random(in: 1...1_000_000, using: &random)
            let part = try Rational(Int128(cut.days(until: end)), over: Int128(start.days(until: end)))
            let given = try Money.rounding(minorUnits: Rational(net) * part, in: .usd).minorUnits
            try books.issue("\(start)", books.time(net, "\(start)", "\(end)"))
            try books.issue(
                "\(cut)", books.credit(given, "\(cut)", "\(end)", of: LineReference(invoice: 0, line: 0)))
            let months = try books.account.recognition().months
            #expect(months.last?.recognizedToDate == Books.cents(net - given))
            for month in months where month.month >= cut { #expect(abs(month.recognized.minorUnits) <= 2) }
        }
    }

    @Test func `ten years of monthly invoices are spread in as many months`() throws {
        var books = Books()
        let first = try Books.date("2016-01-31")
        for month in 0..<120 {
            let (start, end) = (
                first.adding(months: month, anchorDay: 31), first.adding(months: month + 1, anchorDay: 31)
            )
            try books.issue("\(start)", books.time(9999, "\(start)", "\(end)"), Books.setUp(1))
        }
        let recognition = try books.account.recognition()
        #expect(recognition.months.count == 121)
        #expect(recognition.months.last?.recognizedToDate == Books.cents(120 * 10_000))
    }
}
