import Billing
import Dates
import Foundation
import JSONText
import Money
import Testing

/// What ships says what its seller has published; `catalogs/README.md` names what it has not.
@Suite struct ShippedCatalogueTests {
    static func catalogue(_ name: String) throws -> Catalogue {
        try Catalogue.read(file("\(name).json"), name: name)
    }

    static func file(_ name: String) throws -> [UInt8] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try [UInt8](Data(contentsOf: root.appending(path: "catalogs/\(name)")))
    }

    private static func flat(_ cents: Int64) -> PriceModel { .flat(amount: Money(minorUnits: cents, .usd)) }

    @Test(arguments: [
        ("starter_month", 29_900, BillingInterval.month, 1000), ("starter_year", 299_000, .year, 1000),
        ("professional_month", 79_900, .month, 5000), ("professional_year", 799_000, .year, 5000),
    ])
    func `the practice catalogue has its published prices and allowances`(
        code: String, cents: Int64, interval: BillingInterval, interactions: Int64
    ) throws {
        let catalogue = try Self.catalogue("practice")
        #expect(catalogue.plans.count == 4)
        let plan = try #require(catalogue[plan: code])
        #expect((plan.interval, plan.prices[0].model) == (interval, Self.flat(cents)))
        // An allowance is a month's, a limit a cycle's.
        let months: Int64 = interval == .year ? 12 : 1
        let limits = Dictionary(uniqueKeysWithValues: plan.limits.map { ($0.subject, $0.maximum) })
        #expect((limits.count, limits["ai_interactions"]) == (6, interactions * months))
        #expect(limits["patients"] == (interactions == 1000 ? 500 : 2500))
        guard code.hasPrefix("starter") else {
            #expect(plan.prices.count == 1)
            return
        }
        #expect(plan.prices.dropFirst().allSatisfy { plan.interval(of: $0) == .month })
        #expect(
            plan.prices.dropFirst().map(\.model) == [
                .usage(metric: "ai_interactions", amount: 5, included: 1000),
                .usage(metric: "telehealth_minutes", amount: 25, included: 100),
                .usage(metric: "sms_messages", amount: 2, included: 500),
            ])
    }

    @Test(
        arguments: [
            ("starter_month", 300_000, 2500), ("starter_quarter", 900_000, 2500), ("starter_year", 3_600_000, 2500),
            ("professional_year", 9_600_000, 1500), ("enterprise_year", 24_000_000, nil),
            ("enterprise_plus_year", 40_000_000, nil),
        ] as [(String, Int64, Int64?)])
    func `the tiers have their published yearly prices, overage rates and discounts`(
        code: String, cents: Int64, overage: Int64?
    ) throws {
        let plan = try #require(Self.catalogue("tiers")[plan: code])
        #expect((plan.prices[0].model, plan.trialDays) == (Self.flat(cents), 14))
        let rates = plan.prices.compactMap { price -> Rational? in
            if case .usage("work_orders", let amount, _) = price.model { amount } else { nil }
        }
        #expect(rates == (overage.map { [Rational($0)] } ?? []))
        let multiYear = PlanDiscount(code: "multi_year", percent: 20, minimumTermMonths: 24)
        let prepay = PlanDiscount(code: "annual_prepay", percent: 15)
        #expect(plan.discounts == (plan.interval == .year ? [prepay, multiYear] : [multiYear]))
    }

    @Test func `the free plans stop at their limits, the paid ones tell`() throws {
        let (energy, agents) = (try Self.catalogue("energy"), try Self.catalogue("agents"))
        #expect(energy[plan: "free"]?.limits == [Limit(subject: "api_calls", maximum: 1000, isHard: true)])
        #expect(energy[plan: "professional"]?.prices.map(\.model) == [Self.flat(19_900)])
        #expect(
            agents[plan: "free"]?.limits == [
                Limit(subject: "agents", maximum: 10, isHard: true),
                Limit(subject: "executions", maximum: 10_000, isHard: true),
                Limit(subject: "user", maximum: 3, isHard: true),
            ])
        #expect(
            agents[plan: "pro"]?.prices.map(\.model) == [.perUnit(unit: "user", amount: 4900, included: .zero)])
        #expect(agents[plan: "pro"]?.limits.map(\.maximum) == [100, 100_000])
    }

    @Test(arguments: [
        ("practice", [1, 3, 5, 7], 7), ("tiers", [1, 3, 7], 15), ("energy", [1, 3, 7], 15), ("agents", [1, 3, 7], 15),
    ])
    func `each seller duns as it says, and its catalogue reads back from what is written of it`(
        name: String, retries: [Int], grace: Int
    ) throws {
        let catalogue = try Self.catalogue(name)
        #expect(catalogue.seller?.dunning == Dunning(retryDays: retries, graceDays: grace))
        let text = try catalogue.json().text()
        #expect(try Catalogue.read(Array(text.utf8), name: name) == catalogue)
    }
}
