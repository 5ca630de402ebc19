import Accounts
import Billing
import Dates
import Money
import Scenarios
import Testing

@Suite struct ScenarioTests {
    private static let least = #""scenario": "x", "catalog": {"plans": []}, "customers": [{"id": "acme"}]"#

    @Test func `what a file leaves out has its default`() throws {
        let scenario = try Sample.read("{\(Self.least), \"timeline\": [], \"until\": \"2026-01-01\"}")
        #expect(scenario.settings == BillingSettings(currency: .usd))
        #expect(scenario.settings.dunning == Dunning(retryDays: [1, 3, 7], graceDays: 15, final: .suspend))
        #expect(scenario.zone == .utc)
        #expect((scenario.source, scenario.expect) == (nil, nil))
        let customer = try #require(scenario.customers.first)
        #expect((customer.name, customer.email, customer.currency, customer.zone) == ("acme", nil, .usd, .utc))
        #expect((customer.payment, customer.outcomes, customer.isTaxExempt) == (nil, [], false))
    }

    @Test func `settings and customers are read whole`() throws {
        let scenario = try Sample.read(
            """
            {"scenario": "All.", "source": "A book", "catalog": {"plans": []},
             "settings": {"time_zone": "America/New_York", "currency": "EUR",
              "proration": {"unit": "fixed_30", "credit": "paid", "allowances": "day"},
              "invoice": {"net_days": 30, "numbering": "seller", "prefix": "EU"},
              "dunning": {"retry_days": [2, 4], "grace_days": 9, "final": "cancel"},
              "tax": {"rates": [{"country": "US", "percent": "5"}, {"country": "US", "region": "CA", "percent": "7.25"}]}},
             "customers": [
              {"id": "a", "name": "A", "email": "a@a.example", "currency": "JPY", "time_zone": "Africa/Maputo",
               "address": {"country": "FR", "postal_code": "75001"}, "tax_exempt": true, "billing_day": 31,
               "payment": {"method": "ach", "net_days": 7, "outcomes": ["timeout_charged", "unreachable"]}},
              {"id": "b"}],
             "timeline": [], "until": "2026-01-01"}
            """)
        #expect(
            scenario.settings
                == BillingSettings(
                    currency: .eur, proration: Proration(unit: .fixed30, credit: .paid, allowances: .day),
                    numbering: InvoiceNumbering(.seller, prefix: "EU"), netDays: 30,
                    dunning: Dunning(retryDays: [2, 4], graceDays: 9, final: .cancel),
                    taxRates: [
                        TaxRate(country: "US", percent: 5),
                        TaxRate(country: "US", region: "CA", percent: try Rational(parsing: "7.25")),
                    ]))
        #expect((scenario.rule, scenario.source, scenario.zone.id) == ("All.", "A book", "America/New_York"))
        #expect(scenario.until.description == "2026-01-01T05:00:00Z")
        let first = scenario.customers[0]
        #expect((first.name, first.email, first.currency, first.zone.id) == ("A", "a@a.example", .jpy, "Africa/Maputo"))
        #expect(first.address == Customer.Address(country: "FR", postalCode: "75001"))
        #expect((first.isTaxExempt, first.billingDay) == (true, 31))
        #expect(first.payment == PaymentArrangement(method: .ach, netDays: 7))
        #expect(first.outcomes == [.timeoutCharged, .unreachable])
        let second = scenario.customers[1]
        #expect((second.currency, second.zone.id) == (.eur, "America/New_York"))
    }

    @Test func `operations are in order of time, those of one instant as in the file`() throws {
        let scenario = try Sample.read(
            Sample.file(
                #"{"at": "2026-01-02", "do": "credit", "customer": "acme", "amount": "1.00"}"#,
                #"{"at": "2026-01-01", "do": "credit", "customer": "acme", "amount": "2.00"}"#,
                #"{"at": "2026-01-01T22:00:00Z", "do": "credit", "customer": "acme", "amount": "3.00"}"#,
                #"{"at": "2026-01-01T23:00:00+01:00", "do": "credit", "customer": "acme", "amount": "4.00"}"#))
        #expect(scenario.timeline.map(\.index) == [1, 0, 2, 3])
        #expect(scenario.timeline.map(\.line) == [10, 9, 11, 12])
        #expect(scenario.until.description == "2026-01-01T22:00:00Z")
    }

    @Test(arguments: [
        ("", "JPY"), (#""settings": {"currency": "JPY"},"#, "JPY"), (#""settings": {"currency": "EUR"},"#, nil),
    ])
    func `a shipped catalogue brings its currency`(settings: String, currency: String?) throws {
        let text =
            #"{"scenario": "x", \#(settings) "catalog": "yen", "customers": [], "timeline": [], "until": "2026-01-01"}"#
        if let currency {
            let scenario = try Sample.read(text)
            #expect(scenario.settings.currency.code == currency)
            #expect(scenario.catalogue[plan: "p"]?.currency.code == currency)
        } else {
            #expect(
                Sample.faults(text) == ["line 1: catalog: its prices are in JPY, the settings say EUR"])
        }
    }

    @Test func `what is wrong with a shipped catalogue is said with its own lines`() {
        #expect(
            Sample.faults(
                #"{"scenario": "x", "catalog": "broken", "customers": [], "timeline": [], "until": "2026-01-01"}"#)
                == [
                    "line 1: catalog: broken: line 2: plans: must be a list, not 7",
                    "line 1: catalog: broken: line 3: colour: unknown key \"colour\"",
                ])
    }
}
