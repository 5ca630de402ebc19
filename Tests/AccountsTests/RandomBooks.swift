import Billing
import Chance
import Dates
import Money

@testable import Accounts

enum Sample {
    static func plan(
        _ code: String = "p", every interval: BillingInterval = .month, prices: [Price]? = nil,
        discounts: [PlanDiscount] = []
    ) -> Plan {
        let base = Price(code: "base", model: .flat(amount: Money(minorUnits: 3100, .usd)))
        return Plan(
            code: code, name: code, currency: .usd, interval: interval, prices: prices ?? [base], discounts: discounts)
    }

    /// Active from the midnight of its start on.
    static func subscription(
        _ code: String, start: String, plan: Plan, quantities: [String: Rational] = [:], soldMonths: Int? = nil
    ) throws -> Subscription {
        let date = try LocalDate(parsing: start)
        let instant = TimeZoneRules.utc.instant(of: date)
        let moment = Moment(date: date, second: 0)
        return Subscription(
            code: code, ordinal: 0, start: date, billingDay: nil, align: .anniversary, trialEnd: nil, state: .active,
            history: [.init(at: instant, to: .active, cause: .started)],
            changes: [Change(.plan(plan), effective: moment, recorded: instant)]
                + quantities.sorted { $0.key < $1.key }.map {
                    Change(.quantity(unit: $0.key, $0.value), effective: moment, recorded: instant)
                }, pending: [], term: nil, soldMonths: soldMonths, plan: plan, dealPrices: [], end: nil)
    }

    /// Invoices with lines of every sort, notes on some of them, and some void.
    static func books(using random: inout SeededGenerator) throws -> Books {
        var books = Books()
        var date = try Books.date("2026-01-01")
        for ordinal in 0..<Int.random(in: 1...8, using: &random) {
            date = date.adding(days: .random(in: 0...50, using: &random))
            try issue(on: date, ordinal, in: &books, using: &random)
            if Bool.random(using: &random) { try note(ordinal, after: date, in: &books, using: &random) }
            if Int.random(in: 0..<4, using: &random) == 0 {
                try books.void(ordinal, on: "\(date.adding(days: .random(in: 0...90, using: &random)))")
            }
        }
        return books
    }

    private static func issue(
        on date: LocalDate, _ ordinal: Int, in books: inout Books, using random: inout SeededGenerator
    ) throws {
        let start = date.adding(days: .random(in: -90...30, using: &random))
        let end = start.adding(days: .random(in: 1...400, using: &random))
        let net = Int64.random(in: 1...500_000, using: &random)
        let period = Period(start: start, end: end)
        let standalone = Books.cents(.random(in: 0...50_000, using: &random))
        let timing = Price.Timing.allCases.randomElement(using: &random) ?? .inAdvance
        try books.issue(
            "\(date)", books.time(net, "\(start)", "\(end)", timing: timing, off: net / 3),
            books.usage(
                .random(in: -100...900, using: &random), "\(start)", "\(end)", billed: ordinal % 2 == 0 ? 0 : 7),
            books.credit(net / 5, "\(start)", "\(end)", of: LineReference(invoice: ordinal, line: 0)),
            Books.oneOff("a", net, Obligation(standalone: standalone, period: period)),
            Books.oneOff("b", 1, Obligation(standalone: Books.cents(777))), Books.oneOff("c", 50), Books.setUp(99))
    }

    private static func note(
        _ ordinal: Int, after date: LocalDate, in books: inout Books, using random: inout SeededGenerator
    ) throws {
        let lines = books.account.invoices[ordinal].lines
        var shares: [Int: Int64] = [:]
        for (index, line) in lines.enumerated() where Bool.random(using: &random) {
            let net = try line.net.minorUnits
            if net > 0 { shares[index] = .random(in: 1...net, using: &random) }
        }
        try books.note("\(date.adding(days: .random(in: 0...200, using: &random)))", invoice: ordinal, shares)
    }
}
