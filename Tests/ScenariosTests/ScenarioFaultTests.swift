import Scenarios
import Testing

@Suite struct ScenarioFaultTests {
    @Test func `every fault of a file is listed, with its line and path`() {
        let faults = Sample.faults(
            """
            {"scenaro": "x", "scenario": "",
             "settings": {"time_zone": "Mars/Olympus", "currency": "XYZ", "proration": {"unit": "week"},
              "invoice": {"net_days": -1, "prefix": "a b"}, "dunning": {"retry_days": [3, 1]},
              "tax": {"rates": [{"country": "us", "percent": "120"}, {"country": "FR", "percent": "20"}, {"country": "FR", "percent": "5"}]}},
             "catalog": {"plans": [{"code": "p", "interval": "month", "prices": [{"code": "u", "model": "usage", "metric": "nope", "unit_amount": "1.00"}]}],
              "metrics": [{"code": "calls", "aggregation": "sum"}]},
             "customers": [{"id": "a", "time_zone": "Moon"}, {"id": "A", "email": "a"}, 7,
              {"id": "b", "payment": {"method": "cash", "outcomes": ["success", "maybe"]}, "billing_day": 32}],
             "timeline": [
              {"do": "pause", "subscription": "s"},
              {"at": "tomorrow", "do": "pause", "subscription": "s"},
              {"at": "2026-01-01", "do": "subscrib"},
              {"at": "2026-01-01", "do": "usage", "customer": "a", "metric": "cals", "id": "e1", "quantity": -1, "weight": 1},
              "bill"],
             "until": "2026-02-30",
             "expect": {"invoices": [{"totl": 5}], "mrr": []}}
            """)
        #expect(
            faults == [
                "line 1: scenaro: unknown key \"scenaro\"",
                "line 1: scenario: must have 1 to 4000 bytes",
                "line 2: settings.currency: unknown currency \"XYZ\"",
                "line 2: settings.time_zone: unknown time zone \"Mars/Olympus\"",
                "line 2: settings.proration.unit: \"week\" is none of \"day\", \"second\", \"fixed_30\"",
                "line 3: settings.invoice.net_days: -1 is not between 0 and 365",
                "line 3: settings.invoice.prefix: \"a b\" is not a code (1 to 64 letters, digits, \".\", \"_\" or \"-\")",
                "line 3: settings.dunning.retry_days[1]: day 1 does not come after day 3",
                "line 4: settings.tax.rates[0].country: \"us\" is not a country (two capital letters of ISO 3166)",
                "line 4: settings.tax.rates[0].percent: 120 is more than 100 percent",
                "line 4: settings.tax.rates[2]: tax rate \"FR\" stands twice",
                "line 5: catalog.plans[0].prices[0].metric: there is no metric \"nope\"",
                "line 7: customers[1].id: customer \"A\" stands twice",
                "line 7: customers[0].time_zone: unknown time zone \"Moon\"",
                "line 7: customers[1].email: \"a\" is not an e-mail address",
                "line 7: customers[2]: must be an object, not 7",
                "line 8: customers[3].billing_day: 32 is not between 1 and 31",
                "line 8: customers[3].payment.method: \"cash\" is none of \"card\", \"ach\", \"wire\"",
                "line 8: customers[3].payment.outcomes[1]: \"maybe\" is none of \"success\", \"insufficient_funds\", \"card_declined\", \"expired_card\", \"lost_card\", \"requires_action\", \"unreachable\", \"timeout_not_charged\", \"timeout_charged\"",
                "line 10: timeline[0]: \"at\" is missing",
                "line 11: timeline[1].at: \"tomorrow\" is neither a date (2026-01-31) nor an instant (2026-01-31T09:00:00Z)",
                "line 12: timeline[2].do: unknown operation \"subscrib\"",
                "line 13: timeline[3].weight: unknown key \"weight\"",
                "line 13: timeline[3].metric: unknown metric \"cals\"",
                "line 13: timeline[3].quantity: must not be negative",
                "line 14: timeline[4]: must be an object, not \"bill\"",
                "line 15: until: \"2026-02-30\" is neither a date (2026-01-31) nor an instant (2026-01-31T09:00:00Z)",
                "line 16: expect.invoices[0].totl: unknown key \"totl\"",
                "line 16: expect.mrr: must be an object",
            ])
    }

    @Test(arguments: [
        Case(
            #""do": "subscribe", "customer": "acme", "plan": "p", "id": "s 1""#,
            ".id: \"s 1\" is not a code (1 to 64 letters, digits, \".\", \"_\" or \"-\")"),
        Case(#""do": "subscribe", "customer": "acme", "id": "s1""#, ": \"plan\" is missing"),
        Case(#""do": "subscribe", "plan": "p", "id": "s1""#, ": \"customer\" is missing"),
        Case(
            #""do": "subscribe", "customer": "acme", "plan": "p", "id": "s1", "align": "calendar", "billing_day": 5"#,
            ": \"billing_day\" and \"align\": \"calendar\" contradict each other"),
        Case(
            #""do": "subscribe", "customer": "acme", "plan": "p", "id": "s1", "prices": {"base": "0.005"}"#,
            ".prices.base: price \"base\" is not of a model that can cost this"),
        Case(
            #""do": "subscribe", "customer": "acme", "plan": "p", "id": "s1", "prices": {"tiered": "5.00"}"#,
            ".prices.tiered: price \"tiered\" is not of a model that can cost this"),
        Case(
            #""do": "subscribe", "customer": "acme", "plan": "p", "id": "s1", "term": {"months": 0, "renews": true}"#,
            ".term.renews: unknown key \"renews\"", ".term.months: 0 is not between 1 and 1200"),
        Case(
            #""do": "subscribe", "customer": "york", "plan": "p", "id": "s1""#,
            ": \"york\" pays in JPY, the plans are in USD"),
        Case(
            #""do": "change_plan", "subscription": "s", "plan": "p", "when": "later""#,
            ".when: \"later\" is none of \"now\", \"period_end\""),
        Case(
            #""do": "change_plan", "subscription": "s", "plan": "p", "effective": "2026-02-02""#,
            ": \"effective\" 2026-02-02 is later than the operation, on 2026-02-01"),
        Case(
            #""do": "change_plan", "subscription": "s", "plan": "p", "effective": "2026-01-02", "when": "period_end""#,
            ": \"effective\" and \"when\": \"period_end\" contradict each other"),
        Case(
            #""do": "change_quantity", "subscription": "s", "unit": "seat", "quantity": 1.5"#,
            ".quantity: must be a whole number or a decimal number in quotes, not 1.5"),
        Case(
            #""do": "add_price", "subscription": "s", "price": {"code": "a", "model": "usage", "metric": "nope", "unit_amount": "1"}"#,
            ".price.metric: there is no metric \"nope\""),
        Case(#""do": "add_price", "subscription": "s", "price": "base""#, ".price: must be an object, not \"base\""),
        Case(#""do": "change_billing_day", "day": 1"#, ": must have exactly one of \"customer\" and \"subscription\""),
        Case(#""do": "change_billing_day", "customer": 7, "day": 1"#, ".customer: must be a string, not 7"),
        Case(
            #""do": "use_coupon", "customer": "acme", "subscription": "s", "coupon": "c""#,
            ": must have exactly one of \"customer\" and \"subscription\""),
        Case(
            #""do": "cancel", "subscription": "s", "unused": "keep""#,
            ".unused: \"keep\" is none of \"credit\", \"refund\", \"none\""),
        Case(#""do": "extend_trial", "subscription": "s", "days": 7"#, ": \"approved_by\" is missing"),
        Case(
            #""do": "usage", "customer": "acme", "metric": "calls", "id": "e", "event": {"user": null}"#,
            ".event.user: must be a text, a number, true or false"),
        Case(#""do": "credit", "customer": "acme", "amount": "0.00""#, ".amount: must be more than 0"),
        Case(#""do": "credit", "customer": "acme", "amount": 5"#, ".amount: must be a decimal number in quotes, not 5"),
        Case(
            #""do": "credit", "customer": "york", "amount": "5.50""#,
            ".amount: \"5.50\" has too many decimals: JPY has 0"),
        Case(
            #""do": "set_payment", "customer": "acme", "method": "card", "outcomes": ["refunded"]"#,
            ".outcomes[0]: \"refunded\" is none of \"success\", \"insufficient_funds\", \"card_declined\", \"expired_card\", \"lost_card\", \"requires_action\", \"unreachable\", \"timeout_not_charged\", \"timeout_charged\""
        ),
        Case(
            #""do": "set_address", "customer": "acme", "address": {"region": "CA"}"#, ".address: \"country\" is missing"
        ),
        Case(
            #""do": "credit_note", "invoice": {"customer": "acme", "nth": 1}"#,
            ": must have exactly one of \"lines\" and \"amount\""),
        Case(#""do": "credit_note", "invoice": {"customer": "acme", "nth": 1}, "lines": []"#, ".lines: has no lines"),
        Case(#""do": "pay", "invoice": "ACME-0001""#, ".invoice: must be an object, not \"ACME-0001\""),
        Case(
            #""do": "pay", "invoice": {"customer": "acme", "nth": 0}"#,
            ".invoice.nth: 0 is not between 1 and 1000000000"),
        Case(
            #""do": "void", "invoice": {"nth": 1}, "amount": "1.00""#, ".amount: unknown key \"amount\"",
            ".invoice: \"customer\" is missing"),
        Case(#""do": "invoice", "customer": "acme", "lines": []"#, ".lines: has no lines"),
        Case(
            #""do": "invoice", "customer": "acme", "lines": [{"code": "a", "amount": "1.00", "obligation": {"standalone": "0.00", "period": ["2026-02-01", "2026-02-01"]}}]"#,
            ".lines[0].obligation.period: no day lies in [2026-02-01, 2026-02-01)",
            ".lines: nothing can be shared by standalone prices that are all 0"),
        Case(
            #""do": "publish_price", "plan": "p", "price": "base", "effective_from": "2026-03-01""#,
            ": must have exactly one of \"amount\" and \"tiers\""),
        Case(
            #""do": "publish_price", "plan": "p", "price": "base", "tiers": [{"up_to": null, "unit_amount": "1"}], "effective_from": "2026-03-01""#,
            ": price \"base\" is not of a model that can cost this"),
        Case(
            #""do": "publish_price", "plan": "p", "price": "base", "amount": "1.00""#, ": \"effective_from\" is missing"
        ),
        Case(
            #""do": "override", "customer": "acme", "dunning": "extend_grace""#,
            ": \"days\" must be there with \"extend_grace\", and only then"),
        Case(
            #""do": "override", "customer": "acme", "dunning": "pause", "days": 3"#,
            ": \"days\" must be there with \"extend_grace\", and only then"),
        Case(#""do": "bill", "date": "2026-02-30""#, ".date: \"2026-02-30\" is not a date (YYYY-MM-DD)"),
        Case(#""do": "bill", "date": "3000-01-01""#, ".date: 3000-01-01 is not in the years 1900 to 2999"),
        Case(
            #""do": "usage", "customer": "acme", "metric": "calls", "id": "e", "time": "9999-12-31T23:59:59-23:59""#,
            ".time: 9999-12-31T23:59:59-23:59 is not in the years 1900 to 2999"),
        Case(
            #""do": "usage", "customer": "acme", "metric": "calls", "id": "e", "time": "0001-01-01""#,
            ".time: 0001-01-01 is not in the years 1900 to 2999"),
    ])
    func `a fault of an operation is named`(fault: Case) {
        let faults = Sample.faults(Sample.file(#"{"at": "2026-02-01", \#(fault.text)}"#))
        #expect(faults == fault.messages.map { "line 9: timeline[0]\($0)" })
    }

    /// The keys of an operation, and the ends of what is said of them.
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let messages: [String]

        init(_ text: String, _ messages: String...) {
            self.text = text
            self.messages = messages
        }

        var testDescription: String { text }
    }

    @Test(arguments: [
        (#"{"scenario": "x""#, "line 1: \",\" or \"}\" is missing"),
        ("[]", "line 1: must be an object, not a list"),
        (#"{"scenario": "x", "scenario": "y"}"#, "line 1: key \"scenario\" stands twice"),
        (
            #"{"scenario": "x", "catalog": {"plans": []}, "customers": [], "timeline": []}"#,
            "line 1: without operations \"until\" must say when it ends"
        ),
        (
            #"{"scenario": "x", "catalog": "none", "customers": [], "timeline": [], "until": "2026-01-01"}"#,
            "line 1: catalog: no catalogue \"none\" is shipped"
        ),
        (
            #"{"scenario": "x", "catalog": {"plans": [], "currency": "USD"}, "customers": [], "timeline": [], "until": "2026-01-01"}"#,
            "line 1: catalog.currency: unknown key \"currency\""
        ),
        (
            #"{"scenario": "x", "catalog": {"plans": []}, "customers": [], "timeline": [{"at": "2026-01-02", "do": "bill", "date": "2026-01-01"}], "until": "2026-01-01"}"#,
            "line 1: until: 2026-01-01T00:00:00Z is before the operation of line 1, at 2026-01-02T00:00:00Z"
        ),
    ])
    func `a fault of a file is named`(text: String, message: String) {
        #expect(Sample.faults(text) == [message])
    }

    @Test(arguments: [
        (#"{"totals": 1}"#, ".totals: unknown key \"totals\""),
        (#"{"invoices": {"any": [], "all": []}}"#, ".invoices.all: unknown key \"all\""),
        (#"{"invoices": {}}"#, ".invoices: \"any\" is missing"),
        (#"{"invoices": {"any": 1}}"#, ".invoices.any: must be a list, not 1"),
        (#"{"invoices": 3}"#, ".invoices: must be a list or {\"any\": [...]}"),
        (#"{"invoices": [{"lines": [{"kinds": "tax"}]}]}"#, ".invoices[0].lines[0].kinds: unknown key \"kinds\""),
        (#"{"invoices": [{"total": {}}]}"#, ".invoices[0].total: must be a text, a number, true or false"),
        (#"{"subscriptions": {"s1": {"histry": []}}}"#, ".subscriptions.s1.histry: unknown key \"histry\""),
        (#"{"charges": [{"at": null, "try": 1}]}"#, ".charges[0].try: unknown key \"try\""),
        (#"{"ledger": {"accounts": 1}}"#, ".ledger.accounts: must be an object"),
        (#"{"mrr": {"2026-01": {"net": 1}}}"#, ".mrr.2026-01.net: unknown key \"net\""),
    ])
    func `an expectation that no result can meet is a fault`(expect: String, message: String) {
        let text =
            #"{"scenario": "x", "catalog": {"plans": []}, "customers": [], "timeline": [], "until": "2026-01-01", "expect": \#(expect)}"#
        #expect(Sample.faults(text) == ["line 1: expect\(message)"])
    }

    @Test func `the faults of a file are told with its name`() {
        do throws(ScenarioFaults) {
            _ = try Sample.read("[]")
            Issue.record("read")
        } catch {
            #expect(error.description == "test.json: line 1: must be an object, not a list")
        }
    }
}
