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

    @Test func `every fault of a file is listed with its line and path`() throws {
        let faults = try faults(
            """
            {"currency": "USD", "colour": 1,
             "metrics": [{"code": "calls", "aggregation": "average"},
              {"code": "users", "aggregation": "unique"}],
             "plans": [
              {"code": "a", "interval": "fortnight", "minimum": "5.00",
               "prices": [{"code": "base", "model": "flat", "amount": "29.955"},
                {"code": "base", "model": "graduated"},
                {"code": "c c", "model": "per_unit", "unit": "seat", "amount": 5, "bil": "in_advance"}],
               "limits": {"storage": 5, "seat": -1}},
              {"code": "a", "interval": {"months": 121}, "prices": [{"code": "x", "model": "fancy"}]},
              7]}
            """)
        #expect(
            Set(faults) == [
                "line 1: colour: unknown key \"colour\"",
                "line 2: metrics[0].aggregation: \"average\" is none of \"sum\", \"count\", \"max\", \"last\", \"unique\", \"time_weighted\"",
                "line 3: metrics[1]: unique needs the \"field\" whose values it counts",
                "line 5: plans[0].minimum: \"minimum\" is not supported yet",
                "line 5: plans[0].interval: must be \"month\", \"quarter\", \"year\" or {\"months\"|\"weeks\"|\"days\": N}",
                "line 6: plans[0].prices[0].amount: \"29.955\" has too many decimals: USD has 2",
                "line 7: plans[0].prices[1].code: price \"base\" stands twice",
                "line 7: plans[0].prices[1].model: model 'graduated' is not supported yet",
                "line 8: plans[0].prices[2].amount: must be a decimal number in quotes, not 5",
                "line 8: plans[0].prices[2].bil: unknown key \"bil\"",
                "line 9: plans[0].limits.storage: \"storage\" is neither a metric nor a unit of this plan",
                "line 9: plans[0].limits.seat: \"seat\" is neither a metric nor a unit of this plan",
                "line 9: plans[0].limits.seat: -1 is not between 0 and 9223372036854775807",
                "line 10: plans[1].code: plan \"a\" stands twice",
                "line 10: plans[1].interval: 121 months is longer than ten years",
                "line 10: plans[1].prices[0].model: unknown model 'fancy'",
                "line 11: plans[2]: must be an object, not 7",
            ])
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

    @Test func `a plan reads back from what is stored of it`() throws {
        let catalogue = try Sample.catalogue(
            """
            [{"code": "pro", "interval": {"days": 10}, "trial_days": 3,
              "prices": [{"code": "base", "model": "flat", "amount": "49.00", "bill": "in_arrears"},
                {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "0.000125", "included": 2, "interval": "quarter"}],
              "limits": {"seat": {"max": 5, "hard": true}}, "entitlements": ["sso"]}]
            """)
        let stored = try catalogue.plans[0].json().text()
        #expect(try Plan.read(Array(stored.utf8), name: "stored", currency: .usd) == catalogue.plans[0])
    }
}
