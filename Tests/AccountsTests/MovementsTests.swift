import Billing
import Chance
import Dates
import Money
import Testing

@testable import Accounts

@Suite struct MovementsTests {
    /// `2026-01: 16667 new 16667`; movements of zero are left out.
    private func text(_ months: [MRR.Month]) -> [String] {
        months.map { month in
            let moved: [(String, Money)] = [
                ("new", month.new), ("expansion", month.expansion), ("contraction", month.contraction),
                ("churn", month.churn), ("reactivation", month.reactivation),
            ]
            return
                (["\(month.month.description.prefix(7)): \(month.total.minorUnits)"]
                + moved.filter { !$0.1.isZero }.map { "\($0) \($1.minorUnits)" }).joined(separator: " ")
        }
    }

    @Test func `the life of a customer`() throws {
        func plan(_ code: String, every interval: BillingInterval, _ cents: Int64) -> Plan {
            Sample.plan(
                code, every: interval, prices: [Price(code: "base", model: .flat(amount: Books.cents(cents)))])
        }
        var books = Books()
        var one = try Sample.subscription("one", start: "2026-01-01", plan: plan("gold-year", every: .year, 200_000))
        var two = try Sample.subscription("two", start: "2026-02-01", plan: plan("silver", every: .month, 6000))
        let three = try Sample.subscription("three", start: "2027-02-03", plan: plan("gold", every: .month, 15_000))
        func end(_ subscription: inout Subscription, on date: String) throws {
            let instant = TimeZoneRules.utc.instant(of: try Books.date(date))
            subscription.history.append(Subscription.Transition(at: instant, to: .cancelled, cause: .cancelled))
            subscription.changes.append(
                Change(
                    .end(givesBack: true), effective: books.account.calendar.moment(try Books.date(date)),
                    recorded: instant))
        }
        try end(&two, on: "2026-04-01")
        try end(&one, on: "2027-01-01")
        books.account.subscriptions = [one, two, three]
        let now = TimeZoneRules.utc.instant(of: try Books.date("2027-02-03"))
        let months = try MRR.movements(totals: [books.account.monthlyValues(through: now)], in: .usd)
        #expect(
            text(months).filter { $0.split(separator: " ").count > 2 } == [
                "2026-01: 16667 new 16667", "2026-02: 22667 expansion 6000", "2026-04: 16667 contraction -6000",
                "2027-01: 0 churn -16667", "2027-02: 15000 reactivation 15000",
            ])
        #expect(months.count == 14)
    }

    @Test func `a free customer is new with the first amount, and months start there`() throws {
        let may = try Books.date("2026-05-01")
        let totals = [
            [may: Books.cents(0), may.nextMonth: Books.cents(19900)],
            [may.nextMonth: Books.cents(100), may.nextMonth.nextMonth: Books.cents(100)],
        ]
        #expect(
            text(try MRR.movements(totals: totals, in: .usd))
                == ["2026-06: 20000 new 20000", "2026-07: 100 churn -19900"])
        #expect(try MRR.movements(totals: [[may: Books.cents(0)], [:]], in: .usd).isEmpty)
        #expect(throws: MoneyFault.currencyMismatch(.eur, .usd)) {
            try MRR.movements(totals: totals, in: .eur)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `movements are the change of the total`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let first = try Books.date("2026-01-01")
        let customers = (0..<40).map { _ in
            var totals: [LocalDate: Money] = [:]
            for month in 0..<24 where Int.random(in: 0..<4, using: &random) > 0 {
                let cents = Int.random(in: 0..<3, using: &random) == 0 ? 0 : Int64.random(in: 1...500, using: &random)
                totals[first.adding(months: month)] = Books.cents(cents)
            }
            return totals
        }
        var before = Money.zero(.usd)
        for month in try MRR.movements(totals: customers, in: .usd) {
            let moved = [month.new, month.expansion, month.contraction, month.churn, month.reactivation]
            #expect(try month.total - before == Money.sum(moved, in: .usd))
            #expect(!month.new.isNegative && !month.expansion.isNegative && !month.reactivation.isNegative)
            #expect(!month.contraction.isPositive && !month.churn.isPositive)
            #expect(try month.total == Money.sum(customers.compactMap { $0[month.month] }, in: .usd))
            before = month.total
        }
    }
}
