import Billing
import Chance
import Dates
import Ledger
import Money
import Testing

@testable import Accounts

@Suite struct MonthEndTests {
    /// `2026-01 2026-01-31 3100`, one entry a line; an amount is negative where revenue is taken back.
    private func booked(_ account: Account) -> [String] {
        account.entries.map { entry in
            let cents = entry.postings[0].amount.minorUnits * (entry.postings[0].credit == .revenue ? 1 : -1)
            return "\(entry.reference) \(entry.date) \(cents)"
        }
    }

    private func midnight(_ date: String) throws -> Instant { TimeZoneRules.utc.instant(of: try Books.date(date)) }

    @Test func `a month is booked when it is over, several at once one by one, and none twice`() throws {
        var books = Books()
        try books.issue("2019-01-01", books.time(36_500, "2019-01-01", "2020-01-01"))
        try books.account.bookRevenue(at: midnight("2019-01-31"))
        #expect(booked(books.account).isEmpty)
        try books.account.bookRevenue(at: midnight("2019-03-01"))
        let expected = ["2019-01 2019-01-31 3100", "2019-02 2019-02-28 2800"]
        #expect(booked(books.account) == expected)
        try books.account.bookRevenue(at: midnight("2019-03-31"))
        #expect(booked(books.account) == expected)
        let balance = try TrialBalance(of: books.account.entries, in: .usd)
        #expect(balance[.revenue] == Books.cents(-5900))
    }

    @Test func `what comes late for a month that was booked makes a further entry`() throws {
        var books = Books()
        try books.issue("2026-01-01", books.time(3100, "2026-01-01", "2026-02-01"))
        try books.account.bookRevenue(at: midnight("2026-02-01"))
        try books.issue("2026-02-01", books.usage(4000, "2026-01-01", "2026-02-01"))
        try books.account.bookRevenue(at: midnight("2026-02-01"))
        try books.issue("2026-02-01", books.time(-500, "2025-12-01", "2026-01-01", timing: .inArrears))
        try books.account.bookRevenue(at: midnight("2026-03-01"))
        #expect(
            booked(books.account) == [
                "2026-01 2026-01-31 3100", "2026-01/2 2026-01-31 4000", "2026-01/3 2026-01-31 -500",
            ])
    }

    @Test func `the month is the seller's`() throws {
        let tokyo = TimeZoneRules(id: "Asia/Tokyo", version: "", initialOffset: 9 * 3600)
        var books = Books(sellerZone: tokyo)
        try books.issue("2026-01-01", books.time(3100, "2026-01-01", "2026-02-01"))
        try books.account.bookRevenue(at: Instant(parsing: "2026-01-31T14:59:59Z"))
        #expect(booked(books.account).isEmpty)
        try books.account.bookRevenue(at: Instant(parsing: "2026-01-31T15:00:00Z"))
        #expect(booked(books.account) == ["2026-01 2026-01-31 3100"])
    }

    @Test(arguments: SeededGenerator.seeds)
    func `however often it is asked, the books hold what is earned`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<6 {
            let whole = try Sample.books(using: &random)
            var books = Books()
            var date = try Books.date("2025-12-01")
            for _ in 0..<30 {
                date = date.adding(days: .random(in: 0...60, using: &random))
                // What has happened by that day is known, and nothing else.
                books.account.invoices = whole.account.invoices.filter { $0.date <= date }
                for index in books.account.invoices.indices {
                    let isPast = books.account.invoices[index].voidedOn.map { $0 <= date } ?? true
                    if !isPast { books.account.invoices[index].voidedOn = nil }
                }
                books.account.notes = whole.account.notes.filter { $0.date <= date }
                let instant = TimeZoneRules.utc.instant(of: date)
                try books.account.bookRevenue(at: instant)
                let count = books.account.entries.count
                try books.account.bookRevenue(at: instant)
                #expect(books.account.entries.count == count)
                let balance = try TrialBalance(of: books.account.entries, in: .usd)
                let earned = try books.account.recognition().recognized(before: date.firstOfMonth)
                #expect(try balance[.revenue] == earned.negated())
                #expect(balance[.deferredRevenue] == earned)
            }
            #expect(Set(books.account.entries.map(\.reference)).count == books.account.entries.count)
        }
    }
}
