import Billing
import Dates
import Ledger
import Money
import Testing

@testable import Accounts

/// Recognition and recurring revenue of what operations brought about.
@Suite struct EarnedByOperationsTests {
    private struct Step {
        let at: Instant
        let operation: Accounts.Operation

        init(_ at: String, _ operation: Accounts.Operation) throws {
            self.at = TimeZoneRules.utc.instant(of: try Books.date(at))
            self.operation = operation
        }
    }

    /// Performs the steps, and all that falls due up to `last`; books revenue at each of these instants.
    private func run(_ catalogue: Catalogue, _ steps: [Step], until last: String) throws -> Account {
        var account = Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc, settings: BillingSettings(currency: .usd),
            catalogue: catalogue, arrangement: PaymentArrangement(method: .wire, netDays: 3650))
        let end = TimeZoneRules.utc.instant(of: try Books.date(last))
        var steps = steps[...]
        var now = Instant(microseconds: 0)
        while true {
            guard let next = try [steps.first?.at, account.nextDue(after: now)].compactMap(\.self).min(), next <= end
            else { return account }
            now = next
            try account.advance(to: now)
            while let step = steps.first, step.at == now {
                try account.perform(step.operation, at: now)
                steps.removeFirst()
            }
            let number = account.nextNumber
            _ = try account.invoice(at: now) { _ in number }
            try account.bookRevenue(at: now)
        }
    }

    private func subscribe(_ code: String, _ plan: String, term: Accounts.Operation.Term? = nil) -> Accounts.Operation {
        .subscribe(.init(code: code, plan: plan, term: term))
    }

    private func flat(_ code: String, every interval: BillingInterval, _ cents: Int64, _ extra: Price...) -> Plan {
        Sample.plan(
            code, every: interval, prices: [Price(code: "base", model: .flat(amount: Books.cents(cents)))] + extra)
    }

    @Test func `a subscription counts until it ends, and coming back is reactivation`() throws {
        let catalogue = Catalogue(
            currency: .usd,
            plans: [
                flat("gold-year", every: .year, 200_000), flat("silver", every: .month, 6000),
                flat("gold", every: .month, 15_000),
            ])
        let account = try run(
            catalogue,
            [
                Step("2026-01-01", subscribe("one", "gold-year")), Step("2026-02-01", subscribe("two", "silver")),
                Step("2026-03-10", .cancel(subscription: "two", when: nil, unused: .credit, reason: nil)),
                Step("2026-05-01", .cancel(subscription: "one", when: nil, unused: .credit, reason: nil)),
                Step("2027-02-03", subscribe("three", "gold")),
            ], until: "2027-02-03")
        let now = TimeZoneRules.utc.instant(of: try Books.date("2027-02-03"))
        let months = try MRR.movements(totals: [account.monthlyValues(through: now)], in: .usd)
        #expect(
            months.map(\.total.minorUnits) == [16667, 22667, 22667] + Array(repeating: 16667, count: 9) + [0, 15000])
        #expect(months[2].contraction.isZero)
        #expect(months[3].contraction == Books.cents(-6000))
        #expect(months[12].churn == Books.cents(-16667))
        #expect(months[13].reactivation == Books.cents(15000))
    }

    @Test func `the months of a term count for the past when the subscription has ended`() throws {
        let plan = Sample.plan(
            every: .year, prices: [Price(code: "base", model: .flat(amount: Books.cents(12_000)))],
            discounts: [PlanDiscount(code: "long", percent: 10, minimumTermMonths: 24)])
        let account = try run(
            Catalogue(currency: .usd, plans: [plan]),
            [
                Step("2026-01-01", subscribe("one", "p", term: .init(months: 24))),
                Step("2026-03-10", .cancel(subscription: "one", when: .now, unused: .credit, reason: nil)),
            ], until: "2026-04-01")
        let now = TimeZoneRules.utc.instant(of: try Books.date("2026-03-31"))
        let totals = try account.monthlyValues(through: now).sorted { $0.key < $1.key }
        #expect(totals.map(\.value.minorUnits) == [900, 900, 0])
        // What was given back is earned by nobody, and what was earned stays.
        let recognition = try account.recognition()
        #expect(recognition.months.last?.deferred.isZero == true)
        #expect(recognition.recognized(before: try Books.date("2026-03-01")) == Books.cents(1746))
    }

    @Test func `usage is booked in its own month though it is billed on the next day`() throws {
        let orders = Price(code: "orders", model: .usage(metric: "orders", amount: 100, included: 0))
        let catalogue = Catalogue(
            currency: .usd, plans: [flat("p", every: .month, 3100, orders)],
            metrics: [Metric(code: "orders", aggregation: .sum)])
        let account = try run(
            catalogue,
            [
                Step("2026-01-01", subscribe("s1", "p")),
                Step("2026-01-10", .usage(UsageEvent(id: "e1", metric: "orders", quantity: 40))),
                Step(
                    "2026-02-03",
                    .usage(
                        UsageEvent(
                            id: "late", metric: "orders", quantity: 10, time: Instant(parsing: "2026-01-20T00:00:00Z")))
                ),
            ], until: "2026-03-01")
        #expect(account.invoices.map(\.total.minorUnits) == [3100, 7100, 4100])
        let months = try account.recognition().months
        #expect(months.map(\.recognized.minorUnits) == [7100, 3100, 4100])
        #expect(months.map(\.deferred.minorUnits) == [-4000, 0, 0])
        let balance = try TrialBalance(of: account.entries, in: .usd)
        #expect(balance[.revenue] == Books.cents(-10200))
        #expect(balance[.deferredRevenue] == Books.cents(-4100))
    }
}
