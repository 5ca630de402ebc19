import Billing
import Dates
import JSONText
import Money
import Testing

@Suite struct CatalogueTests {
    private func faults(_ text: String) throws -> [String] {
        do {
            _ = try Catalogue.read(Array(text.utf8), name: "test.json")
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func `prices, limits and entitlements are read`() throws {
        let catalogue = try Sample.catalogue(
            """
            [{"code": "pro", "name": "Pro", "interval": {"weeks": 2}, "trial_days": 14,
              "prices": [{"code": "base", "model": "flat", "amount": "49.00"},
                {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "0.0525", "included": "2.5",
                 "bill": "in_arrears", "interval": "year"}],
              "limits": {"seat": 10, "calls": {"max": 1000, "hard": true}},
              "entitlements": {"sso": true, "regions": 3, "tier": "gold"}}]
            """, metrics: #"[{"code": "calls", "aggregation": "sum"}]"#)
        let plan = try #require(catalogue[plan: "pro"])
        #expect((plan.name, plan.interval, plan.trialDays) == ("Pro", .weeks(2), 14))
        #expect(plan.prices[0].model == .flat(amount: Money(minorUnits: 4900, .usd)))
        #expect(plan.prices[0].timing == .inAdvance)
        #expect(
            plan.prices[1].model
                == .perUnit(unit: "seat", amount: try Rational(parsing: "5.25"), included: try Rational(parsing: "2.5"))
        )
        #expect((plan.prices[1].timing, plan.interval(of: plan.prices[1])) == (.inArrears, .year))
        #expect(plan.limits.map(\.subject) == ["calls", "seat"])
        #expect(plan.limits.map(\.isHard) == [true, false])
        #expect(plan.entitlements.map(\.code) == ["regions", "sso", "tier"])
        #expect(catalogue[plan: "free"] == nil)
    }

    @Test func `every fault of a file is listed with its line and path, in the order of the lines`() throws {
        let faults = try faults(
            """
            {"currency": "USD", "colour": 1, "plans": [
              {"code": "a", "interval": "fortnight", "minimum": "5.005",
               "prices": [{"code": "base", "model": "flat", "amount": "29.955"},
                {"code": "base", "model": "graduated"},
                {"code": "c c", "model": "per_unit", "unit": "seat", "amount": 5, "bil": "in_advance"}],
               "limits": {"storage": 5, "seat": -1}},
              {"code": "a", "interval": {"months": 121}, "prices": [{"code": "x", "model": "fancy"}]},
              7],
             "metrics": [{"code": "calls", "aggregation": "average"},
              {"code": "users", "aggregation": "unique"}, {"code": "calls"}]}
            """)
        #expect(
            faults == [
                "line 1: colour: unknown key \"colour\"",
                "line 2: plans[0].interval: must be \"month\", \"quarter\", \"year\" or {\"months\"|\"weeks\"|\"days\": N}",
                "line 2: plans[0].minimum: \"5.005\" has too many decimals: USD has 2",
                "line 3: plans[0].prices[0].amount: \"29.955\" has too many decimals: USD has 2",
                "line 4: plans[0].prices[1]: needs the \"unit\" or the \"metric\" that it counts",
                "line 4: plans[0].prices[1]: \"tiers\" is missing",
                "line 4: plans[0].prices[1].code: price \"base\" stands twice",
                "line 5: plans[0].prices[2].code: \"c c\" is not a code (1 to 64 letters, digits, \".\", \"_\" or \"-\")",
                "line 5: plans[0].prices[2].bil: unknown key \"bil\"",
                "line 5: plans[0].prices[2].amount: must be a decimal number in quotes, not 5",
                "line 6: plans[0].limits.storage: \"storage\" is neither a metric nor a unit of this plan",
                "line 6: plans[0].limits.seat: -1 is not between 0 and 9223372036854775807",
                "line 7: plans[1].code: plan \"a\" stands twice",
                "line 7: plans[1].interval: 121 months is longer than ten years",
                "line 7: plans[1].prices[0].model: \"fancy\" is none of \"flat\", \"one_time\", \"per_unit\", \"usage\", \"graduated\", \"volume\", \"package\", \"percentage\"",
                "line 8: plans[2]: must be an object, not 7",
                "line 9: metrics[0].aggregation: \"average\" is none of \"sum\", \"count\", \"max\", \"last\", \"unique\", \"time_weighted\"",
                "line 10: metrics[1]: unique needs the \"field\" whose values it counts",
                "line 10: metrics[2].code: metric \"calls\" stands twice",
            ])
    }

    /// Of one price in a plan with the metrics `calls` (a sum) and `peak` (a maximum).
    @Test(arguments: [
        (#""model": "usage", "metric": "call", "unit_amount": "1""#, ["metric: there is no metric \"call\""]),
        (
            #""model": "usage", "metric": "calls", "unit_amount": "1", "bill": "in_advance""#,
            ["bill: usage is billed in arrears"]
        ),
        (
            #""model": "volume", "metric": "peak", "bill": "in_advance", "tiers": [{"up_to": null, "unit_amount": "1"}]"#,
            ["bill: usage is billed in arrears"]
        ),
        (
            #""model": "volume", "unit": "seat", "bill": "in_advance", "tiers": [{"up_to": null, "unit_amount": "1"}]"#,
            []
        ),
        (
            #""model": "package", "unit": "seat", "metric": "calls", "size": 1, "amount": "1""#,
            ["metric: counts a \"unit\" or a \"metric\", not both"]
        ),
        (#""model": "package", "metric": "calls", "size": 0, "amount": "1""#, ["size: must be more than 0"]),
        (#""model": "percentage", "metric": "calls", "percent": "100.1""#, ["percent: 100.1 is more than 100 percent"]),
        (#""model": "percentage", "metric": "calls", "percent": "-1""#, ["percent: must not be negative"]),
        (
            #""model": "percentage", "metric": "peak", "percent": "1""#,
            ["metric: a percentage is of a sum, and \"peak\" is a max"]
        ),
        (#""model": "one_time", "amount": "0.001""#, ["amount: \"0.001\" has too many decimals: USD has 2"]),
        (#""model": "flat", "amount": "1", "unit": "seat""#, ["unit: unknown key \"unit\""]),
        (
            #""model": "flat", "amount": "1", "effective_from": "2026-02-30""#,
            ["effective_from: \"2026-02-30\" is not a date (YYYY-MM-DD)"]
        ),
    ])
    func `a price says what is wrong with it`(price: String, expected: [String]) throws {
        let text = """
            {"currency": "USD", "metrics": [{"code": "calls"}, {"code": "peak", "aggregation": "max"}],
             "plans": [{"code": "p", "prices": [{"code": "x", \(price)}]}]}
            """
        #expect(try faults(text) == expected.map { "line 2: plans[0].prices[0].\($0)" })
    }

    @Test(arguments: [
        ("[]", ["needs at least one tier"]),
        (#"[{"up_to": 5, "unit_amount": "1"}]"#, ["[0].up_to: must be null in the last tier, which has no bound"]),
        (
            #"[{"up_to": null, "unit_amount": "1"}, {"up_to": null, "unit_amount": "1"}]"#,
            ["[0].up_to: only the last tier has no bound"]
        ),
        (
            #"[{"up_to": 0, "unit_amount": "1"}, {"up_to": null, "unit_amount": "1"}]"#,
            ["[0].up_to: 0 does not lie above 0"]
        ),
        (
            #"[{"up_to": 5, "unit_amount": "1"}, {"up_to": "4.5", "unit_amount": "1"}, {"up_to": 5, "unit_amount": "1"}, {"up_to": null, "unit_amount": "1", "flat_amount": "0.001"}]"#,
            [
                "[1].up_to: 4.5 does not lie above 5", "[2].up_to: 5 does not lie above 5",
                "[3].flat_amount: \"0.001\" has too many decimals: USD has 2",
            ]
        ),
        (#"[{"unit_amount": "1"}, 7]"#, ["[0]: \"up_to\" is missing", "[1]: must be an object, not 7"]),
        (#"7"#, ["must be a list, not 7"]),
    ])
    func `tiers without a gap are read, others named`(tiers: String, expected: [String]) throws {
        let root = try JSONNode(parsing: Array("{\"tiers\": \(tiers)}".utf8))
        var faults = JSONFaultList()
        #expect(PriceModel.Tier.reading(try root.required("tiers"), currency: .usd, faults: &faults) == nil)
        #expect(
            faults.faults.map(\.description)
                == expected.map { "line 1: tiers\($0.hasPrefix("[") ? "" : ": ")\($0)" })
    }

    @Test func `a price has versions, each from a date of its own`() throws {
        let version = { (from: String, amount: String) in
            #"{"code": "base", "model": "flat", "amount": "\#(amount)"\#(from)}"#
        }
        let march = #", "effective_from": "2026-03-01""#
        let may = #", "effective_from": "2026-05-01", "move_existing_from": "2026-06-01""#
        let plan = try Sample.plan(
            prices: [version(may, "3"), version("", "1"), version(march, "2")].joined(separator: ", "))
        let amounts = try ["2026-02-28", "2026-03-01", "2026-05-01"].map {
            plan.prices(on: try Sample.date($0)).map(\.model)
        }
        #expect(amounts == [100, 200, 300].map { [.flat(amount: Money(minorUnits: $0, .usd))] })
        #expect(plan.prices[0].movesExistingFrom == (try Sample.date("2026-06-01")))
        let twice =
            "{\"currency\": \"USD\", \"plans\": [{\"code\": \"p\", \"prices\": [\(version(march, "1")), \(version(march, "2"))]}]}"
        #expect(
            try faults(twice) == [
                "line 1: plans[0].prices[1].code: price \"base\" stands twice with effective_from 2026-03-01"
            ])
    }

    @Test func `discounts, minimum and coupons are read`() throws {
        let text = """
            {"currency": "USD",
             "plans": [{"code": "p", "minimum": "100", "prices": [{"code": "seats", "model": "per_unit", "unit": "seat", "amount": "10"}],
               "discounts": [{"code": "prepay", "percent": "15", "min_term_months": 12},
                 {"code": "many", "percent": 5, "unit": "seat", "min_quantity": 50}]}],
             "coupons": [{"code": "a", "percent": "10", "duration": {"periods": 3}, "applies_to": ["seats"], "limit": 2, "expires": "2026-02-01"},
               {"code": "b", "amount": "5.00", "duration": "forever"}, {"code": "c", "trial_days": 14}]}
            """
        let catalogue = try Catalogue.read(Array(text.utf8), name: "t")
        let plan = try #require(catalogue[plan: "p"])
        #expect((plan.interval, plan.minimum) == (.month, Money(minorUnits: 10_000, .usd)))
        #expect(
            plan.discounts == [
                PlanDiscount(code: "prepay", percent: 15, minimumTermMonths: 12),
                PlanDiscount(code: "many", percent: 5, volume: .init(unit: "seat", minimum: 50)),
            ])
        #expect(
            catalogue.coupons == [
                Coupon(
                    code: "a", benefit: .percent(10), duration: .periods(3), appliesTo: ["seats"], limit: 2,
                    expires: try Sample.date("2026-02-01")),
                Coupon(code: "b", benefit: .amount(Money(minorUnits: 500, .usd)), duration: .forever),
                Coupon(code: "c", benefit: .trialDays(14), duration: .once),
            ])
    }

    @Test(arguments: [
        (#"{"code": "c"}"#, ["gives \"percent\", \"amount\" or \"trial_days\", not nothing"]),
        (
            #"{"code": "c", "percent": 1, "amount": "1"}"#,
            ["gives \"percent\", \"amount\" or \"trial_days\", not \"percent\" and \"amount\""]
        ),
        (#"{"code": "c", "percent": 101}"#, [".percent: 101 is more than 100 percent"]),
        (
            #"{"code": "c", "percent": 1, "duration": "twice"}"#,
            [".duration: must be \"once\", \"forever\" or {\"periods\": N}"]
        ),
        (
            #"{"code": "c", "percent": 1, "duration": {"periods": 0}}"#,
            [".duration.periods: 0 is not between 1 and 1200"]
        ),
        (#"{"code": "c", "percent": 1, "applies_to": []}"#, [".applies_to: names no price; leave it out for all"]),
        (
            #"{"code": "c", "percent": 1, "applies_to": ["seats", "gold", "seats"]}"#,
            [".applies_to[1]: there is no price \"gold\" in any plan", ".applies_to[2]: price \"seats\" stands twice"]
        ),
    ])
    func `a coupon says what is wrong with it`(coupon: String, expected: [String]) throws {
        let prices = #"{"code": "seats", "model": "per_unit", "unit": "seat", "amount": "10"}"#
        let text =
            "{\"currency\": \"USD\", \"plans\": [{\"code\": \"p\", \"prices\": [\(prices)]}], \"coupons\": [\(coupon)]}"
        #expect(try faults(text) == expected.map { "line 1: coupons[0]\($0.hasPrefix(".") ? "" : ": ")\($0)" })
    }

    @Test(arguments: [
        (
            #"{"code": "d", "percent": "15", "unit": "seat"}"#,
            [".unit: \"unit\" needs the \"min_quantity\" from which it holds"]
        ),
        (
            #"{"code": "d", "percent": "15", "min_quantity": 5}"#,
            [".min_quantity: \"min_quantity\" needs the \"unit\" that it counts"]
        ),
        (
            #"{"code": "d", "percent": "15", "unit": "site", "min_quantity": 5}"#,
            [".unit: \"site\" is no unit of this plan"]
        ),
        (#"{"code": "d", "percent": "150"}"#, [".percent: 150 is more than 100 percent"]),
    ])
    func `a plan discount says what is wrong with it`(discount: String, expected: [String]) throws {
        let prices = #"{"code": "seats", "model": "per_unit", "unit": "seat", "amount": "10"}"#
        let text =
            "{\"currency\": \"USD\", \"plans\": [{\"code\": \"p\", \"prices\": [\(prices)], \"discounts\": [\(discount)]}]}"
        #expect(try faults(text) == expected.map { "line 1: plans[0].discounts[0]\($0)" })
    }

    @Test func `what is wrong in itself is not called unknown where it is mentioned`() throws {
        let text = """
            {"currency": "USD", "metrics": [{"code": "calls", "aggregation": "average"}],
             "plans": [{"code": "p", "limits": {"seat": 1, "calls": 1}, "prices": [
               {"code": "seats", "model": "per_unit", "unit": "seat", "amount": 10},
               {"code": "calls", "model": "percentage", "metric": "calls", "percent": 1}]}],
             "coupons": [{"code": "c", "percent": 1, "applies_to": ["seats"]}]}
            """
        let paths = try faults(text).map { $0.split(separator: ": ")[1] }
        #expect(paths == ["metrics[0].aggregation", "plans[0].prices[0].amount"])
    }

    @Test func `a catalogue inside another file keeps its place there, and its file names seller and currency`() throws
    {
        let text = """
            {"settings": {},
             "catalog": {"currency": "EUR",
              "plans": [{"code": "p", "prices": [{"code": "b", "model": "flat", "amount": "1.5"}]}]}}
            """
        let node = try JSONNode(parsing: Array(text.utf8)).required("catalog")
        var faults = JSONFaultList()
        #expect(Catalogue.reading(node, currency: .jpy, faults: &faults) == nil)
        #expect(
            faults.faults.map(\.description) == [
                "line 2: catalog.currency: unknown key \"currency\"",
                "line 3: catalog.plans[0].prices[0].amount: \"1.5\" has too many decimals: JPY has 0",
            ])
    }

    @Test func `one price is read by itself, its metrics being those that are given`() throws {
        let node = try JSONNode(
            parsing: Array(
                #"{"code": "x", "model": "usage", "metric": "calls", "unit_amount": "0.05", "included": 3}"#.utf8))
        var faults = JSONFaultList()
        let price = Price.reading(node, currency: .usd, metrics: ["calls"], faults: &faults)
        #expect(price == Price(code: "x", model: .usage(metric: "calls", amount: 5, included: 3)))
        #expect(price?.isInArrears == true)
        #expect(Price.reading(node, currency: .usd, metrics: ["call"], faults: &faults) == nil)
        #expect(faults.faults.map(\.description) == ["line 1: metric: there is no metric \"calls\""])
    }

    @Test func `a seller says how it duns`() throws {
        let read = { (dunning: String) in
            try Catalogue.read(
                Array(
                    #"{"seller": {"code": "s", "name": "S", "currency": "EUR", "dunning": \#(dunning)}, "plans": []}"#
                        .utf8),
                name: "t"
            ).seller?.dunning
        }
        #expect(try read("{}") == Dunning(retryDays: [1, 3, 7], graceDays: 15, final: .suspend))
        #expect(
            try read(#"{"retry_days": [1, 3, 5, 7], "grace_days": 7, "final": "cancel"}"#)
                == Dunning(retryDays: [1, 3, 5, 7], graceDays: 7, final: .cancel))
        #expect(throws: CatalogueFaults.self) { try read(#"{"retry_days": [3, 3]}"#) }
    }

    @Test(arguments: [
        (#"{"plans": []}"#, "line 1: no currency is named, so no amount can be read"),
        (#"{"currency": "XYZ", "plans": []}"#, "line 1: currency: unknown currency \"XYZ\""),
        (#"{"currency": "USD"}"#, "line 1: \"plans\" is missing"),
        (#"{"currency": "USD", "plans": [}"#, "line 1: plans[0]: a value should stand here"),
        (#"[]"#, "line 1: must be an object, not a list"),
    ])
    func `a file that cannot be a catalogue says why`(text: String, fault: String) throws {
        #expect(try faults(text).contains(fault))
    }

    @Test func `amounts follow the currency of the file, else the seller's, else the caller's`() throws {
        let plans =
            #""plans": [{"code": "p", "interval": "month", "prices": [{"code": "b", "model": "flat", "amount": "300"}]}]"#
        let seller = #""seller": {"code": "s", "name": "S", "currency": "EUR"}"#
        let read = { (text: String) in try Catalogue.read(Array(text.utf8), name: "t", currency: .usd).currency }
        #expect(try read("{\"currency\": \"JPY\", \(seller), \(plans)}") == .jpy)
        #expect(try read("{\(seller), \(plans)}") == .eur)
        #expect(try read("{\(plans)}") == .usd)
    }
}
