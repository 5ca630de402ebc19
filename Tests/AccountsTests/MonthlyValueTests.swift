import Billing
import Chance
import Dates
import Money
import Testing

@testable import Accounts

@Suite struct MonthlyValueTests {
    private static func flat(
        _ cents: Int64, code: String = "base", every interval: BillingInterval? = nil,
        timing: Price.Timing = .inAdvance
    ) -> Price {
        Price(code: code, model: .flat(amount: Books.cents(cents)), timing: timing, interval: interval)
    }

    private func value(_ books: Books, at date: String) throws -> Int64 {
        try books.account.monthlyValue(at: TimeZoneRules.utc.instant(of: Books.date(date))).minorUnits
    }

    static let tiers = [
        PriceModel.Tier(upTo: 10, unitAmount: 100, flatAmount: 500), PriceModel.Tier(upTo: nil, unitAmount: 50),
    ]

    static let prices: [(name: String, interval: BillingInterval, prices: [Price], cents: Int64)] = [
        ("a month", .month, [flat(6000)], 6000),
        ("a year is twelve months, rounded", .year, [flat(200_000)], 16667),
        ("two months", .months(2), [flat(5001)], 2501),
        ("a week is 12/52 of a month", .weeks(1), [flat(1000)], 4333),
        ("thirty days of 365", .days(30), [flat(3000)], 3042),
        ("in arrears as in advance", .month, [flat(6000, timing: .inArrears)], 6000),
        ("each price by its own interval", .year, [flat(12_000), flat(700, code: "extra", every: .month)], 1700),
        ("each price is rounded", .year, [flat(6), flat(6, code: "extra")], 2),
        (
            "by units over those included", .month,
            [Price(code: "users", model: .perUnit(unit: "user", amount: 750, included: 5))], 5250
        ),
        (
            "a unit that is not named counts 1", .month,
            [Price(code: "seats", model: .perUnit(unit: "seat", amount: 750, included: 0))], 750
        ),
        ("graduated", .month, [Price(code: "g", model: .graduated(.unit("user"), tiers: tiers))], 1600),
        ("volume", .month, [Price(code: "v", model: .volume(.unit("user"), tiers: tiers))], 600),
        (
            "package", .month,
            [Price(code: "k", model: .package(.unit("user"), size: 5, amount: 900, included: 0))], 2700
        ),
        (
            "what is metered, or once, is not recurring", .month,
            [
                Price(code: "u", model: .usage(metric: "m", amount: 100, included: 0)),
                Price(code: "gm", model: .graduated(.metric("m"), tiers: tiers)),
                Price(code: "o", model: .oneTime(amount: Books.cents(9900))),
            ], 0
        ),
    ]

    @Test(arguments: prices)
    func `recurring prices count by the month`(
        name: String, interval: BillingInterval, prices: [Price], cents: Int64
    ) throws {
        var books = Books()
        let plan = Sample.plan(every: interval, prices: prices)
        books.account.subscriptions = [
            try Sample.subscription("s1", start: "2026-01-15", plan: plan, quantities: ["user": 12])
        ]
        #expect(try value(books, at: "2026-01-14") == 0)
        #expect(try value(books, at: "2026-01-15") == cents)
        let exact = try plan.monthlyValue(quantities: ["user": 12])
        #expect(try abs(Money.rounding(minorUnits: exact, in: .usd).minorUnits - cents) <= 1)
    }

    @Test func `a change stays or rises by the exact value`() throws {
        let year = Sample.plan(every: .year, prices: [Self.flat(12_000)])
        let month = Sample.plan(prices: [Self.flat(1000)])
        #expect(try year.monthlyValue(quantities: [:]) == month.monthlyValue(quantities: [:]))
        let finer = Sample.plan(every: .year, prices: [Self.flat(12_001)])
        #expect(try finer.monthlyValue(quantities: [:]) > month.monthlyValue(quantities: [:]))
        #expect(try month.monthlyValue(addOns: [Self.flat(1, code: "more")], quantities: [:]) == 1001)
    }

    /// The tiers' catalogue, and plan discounts in order before the coupon.
    @Test func `plan discounts whose conditions hold, then percents for ever, each rounded once`() throws {
        let discounts = [
            PlanDiscount(code: "annual_prepay", percent: 15),
            PlanDiscount(code: "multi_year", percent: 20, minimumTermMonths: 24),
            PlanDiscount(code: "many", percent: 50, volume: PlanDiscount.Volume(unit: "employee", minimum: 100)),
        ]
        let employees = Price(
            code: "employees", model: .perUnit(unit: "employee", amount: 7500, included: 50), interval: .month)
        let plan = Sample.plan(
            "starter", every: .year, prices: [Self.flat(3_600_000), employees], discounts: discounts)
        var books = Books()
        books.account.subscriptions = [
            try Sample.subscription("s1", start: "2026-03-01", plan: plan, quantities: ["employee": 52])
        ]
        #expect(try value(books, at: "2026-03-31") == 270_000)
        let two = Sample.plan("starter", every: .year, prices: [Self.flat(3_600_000)], discounts: discounts)
        books.account.subscriptions = [try Sample.subscription("s1", start: "2026-01-01", plan: two, soldMonths: 24)]
        let friend = Coupon(code: "friend", benefit: .percent(5), duration: .forever)
        books.account.coupons = [
            CouponUse(ordinal: 0, coupon: friend, subscription: "s1", date: try Books.date("2026-02-01")),
            CouponUse(
                ordinal: 1, coupon: Coupon(code: "once", benefit: .percent(50), duration: .once), subscription: nil,
                date: try Books.date("2026-01-01")),
            CouponUse(
                ordinal: 2, coupon: Coupon(code: "none", benefit: .percent(50), duration: .forever, appliesTo: ["x"]),
                subscription: nil, date: try Books.date("2026-01-01")),
        ]
        #expect(try value(books, at: "2026-01-31") == 204_000)
        #expect(try value(books, at: "2026-02-28") == 193_800)
    }

    @Test func `the past is as it was known: later and pending changes do not count`() throws {
        var books = Books()
        var subscription = try Sample.subscription("s1", start: "2026-01-01", plan: Sample.plan())
        func change(_ kind: Change.Kind, on date: String, recorded: String) throws {
            subscription.changes.append(
                Change(
                    kind, effective: books.account.calendar.moment(try Books.date(date)),
                    recorded: TimeZoneRules.utc.instant(of: try Books.date(recorded))))
        }
        // Made in March for February; made without an invoice in May, billed from June on.
        try change(.addPrice(Self.flat(900, code: "extra")), on: "2026-02-10", recorded: "2026-03-05")
        try change(.plan(Sample.plan(prices: [Self.flat(6000)])), on: "2026-06-01", recorded: "2026-05-07")
        subscription.pending = [PendingChange(.cancel(.credit, reason: nil), on: try Books.date("2026-06-15"))]
        books.account.subscriptions = [subscription]
        let now = TimeZoneRules.utc.instant(of: try Books.date("2026-06-20"))
        let totals = try books.account.monthlyValues(through: now).sorted { $0.key < $1.key }
        #expect(totals.map(\.value.minorUnits) == [3100, 3100, 4000, 4000, 4000, 6900])
    }

    @Test func `active and past due count, a moved price from its first cycle`() throws {
        let versions = [
            Self.flat(3100),
            Price(
                code: "base", model: .flat(amount: Books.cents(4100)), effectiveFrom: try Books.date("2026-02-10"),
                movesExistingFrom: try Books.date("2026-02-10")),
        ]
        var books = Books(catalogue: [Sample.plan(prices: versions)])
        var subscription = try Sample.subscription("s1", start: "2026-01-15", plan: Sample.plan())
        func move(_ state: SubscriptionState, _ cause: SubscriptionState.Cause, on date: String) throws {
            subscription.history.append(
                Subscription.Transition(
                    at: TimeZoneRules.utc.instant(of: try Books.date(date)), to: state, cause: cause))
        }
        try move(.pastDue, .paymentFailed, on: "2026-02-01")
        try move(.suspended, .graceEnded, on: "2026-03-01")
        try move(.active, .paid, on: "2026-03-05")
        books.account.subscriptions = [subscription]
        #expect(try value(books, at: "2026-02-14") == 3100)
        #expect(try value(books, at: "2026-02-15") == 4100)
        #expect(try value(books, at: "2026-03-04") == 0)
        #expect(try value(books, at: "2026-03-05") == 4100)
    }
}
