import Chance
import Dates
import JSONText
import Ledger
import Money
import Scenarios
import Testing

@Suite struct SimulationResultTests {
    @Test func `a result is written in the format's shape and order`() throws {
        let day = LocalDate.clamped(year: 2026, month: 1, day: 31)
        let at = try Instant(parsing: "2026-01-31T10:00:00+01:00")
        let period = Period(start: day, end: day.adding(days: 28))
        let result = SimulationResult(
            invoices: [
                InvoiceResult(
                    customer: "acme", number: "ACME-0001", date: day, due: day, status: "paid", subtotal: 1000,
                    tax: 200, total: 1200, creditApplied: 100, paid: 1100, dueAmount: 0,
                    lines: [
                        InvoiceResult.Line(
                            code: "base", subscription: "s1", period: period,
                            quantity: try Rational(67_500, over: 31), factor: "10/30", amount: 1000, kind: "proration"),
                        InvoiceResult.Line(code: "FR", amount: 200, kind: "tax"),
                    ])
            ],
            creditNotes: [
                CreditNoteResult(
                    customer: "acme", number: "ACME-CN-0001", invoice: "ACME-0001", date: day, subtotal: 10, tax: 2,
                    total: 12, credited: 12, refunded: 0)
            ],
            subscriptions: [
                "s2": SubscriptionResult(status: "scheduled", plan: "p", history: []),
                "s10": SubscriptionResult(
                    status: "cancelled", plan: "p", period: period, ends: day, history: [.init(at: at, to: "active")]),
            ],
            charges: [
                ChargeResult(
                    at: at, customer: "acme", invoice: "ACME-0001", amount: 1100, outcome: "success", attempt: 1),
                ChargeResult(at: at, customer: "acme", invoice: "ACME-0001", amount: -5, outcome: "refunded"),
            ],
            emails: [EmailResult(at: at, to: "a@acme.example", template: "payment_receipt")],
            errors: [ErrorResult(at: at, do: "pay", error: "not_open")],
            balances: ["b": BalanceResult(credit: 0, receivable: 5), "a": BalanceResult(credit: 7, receivable: 0)],
            ledger: LedgerResult(balanced: true, accounts: [.cash: 1100, .revenue: -3]),
            revenue: RevenueResult(recognized: ["2026-02": 900, "2026-01": 100], deferred: ["2026-01": 900]),
            mrr: ["2026-02": MRRResult(total: 0, churn: -1000), "2026-01": MRRResult(total: 1000, new: 1000)])
        let expected = [
            #"{"invoices":[{"customer":"acme","number":"ACME-0001","date":"2026-01-31","due":"2026-01-31","status":"paid","#,
            #""subtotal":1000,"tax":200,"total":1200,"credit_applied":100,"paid":1100,"due_amount":0,"lines":["#,
            #"{"code":"base","subscription":"s1","period":["2026-01-31","2026-02-28"],"quantity":"67500/31","factor":"10/30","amount":1000,"kind":"proration"},"#,
            #"{"code":"FR","amount":200,"kind":"tax"}]}],"#,
            #""credit_notes":[{"customer":"acme","number":"ACME-CN-0001","invoice":"ACME-0001","date":"2026-01-31","subtotal":10,"tax":2,"total":12,"credited":12,"refunded":0}],"#,
            #""subscriptions":{"s10":{"status":"cancelled","plan":"p","period":["2026-01-31","2026-02-28"],"ends":"2026-01-31","history":[{"at":"2026-01-31T09:00:00Z","to":"active"}]},"#,
            #""s2":{"status":"scheduled","plan":"p","history":[]}},"#,
            #""charges":[{"at":"2026-01-31T09:00:00Z","customer":"acme","invoice":"ACME-0001","amount":1100,"outcome":"success","attempt":1},"#,
            #"{"at":"2026-01-31T09:00:00Z","customer":"acme","invoice":"ACME-0001","amount":-5,"outcome":"refunded"}],"#,
            #""emails":[{"at":"2026-01-31T09:00:00Z","to":"a@acme.example","template":"payment_receipt"}],"#,
            #""errors":[{"at":"2026-01-31T09:00:00Z","do":"pay","error":"not_open"}],"#,
            #""balances":{"a":{"credit":7,"receivable":0},"b":{"credit":0,"receivable":5}},"#,
            #""ledger":{"balanced":true,"accounts":{"cash":1100,"receivable":0,"deferred_revenue":0,"revenue":-3,"tax_payable":0,"customer_credit":0,"credits_granted":0,"bad_debt":0}},"#,
            #""revenue":{"recognized":{"2026-01":100,"2026-02":900},"deferred":{"2026-01":900}},"#,
            #""mrr":{"2026-01":{"total":1000,"new":1000,"expansion":0,"contraction":0,"churn":0,"reactivation":0},"#,
            #""2026-02":{"total":0,"new":0,"expansion":0,"contraction":0,"churn":-1000,"reactivation":0}}}"#,
        ]
        #expect(result.json().text() == expected.joined())
    }

    @Test(arguments: [(Rational(1350), "1350"), (Rational.zero, "0"), (try? Rational(parsing: "149.50"), "149.5")])
    func `a quantity is written as short as it is exact`(quantity: Rational?, text: String) {
        let line = InvoiceResult.Line(code: "a", quantity: quantity, amount: 0, kind: "usage")
        let day = LocalDate.clamped(year: 2026, month: 1, day: 1)
        let invoice = InvoiceResult(
            customer: "a", number: "A", date: day, due: day, status: "open", subtotal: 0, tax: 0, total: 0,
            creditApplied: 0, paid: 0, dueAmount: 0, lines: [line])
        #expect(SimulationResult(invoices: [invoice]).json().text().contains(#""quantity":"\#(text)""#))
    }

    @Test(arguments: SeededGenerator.seeds)
    func `all that a result says can be expected`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let text = RandomResult.simulation(using: &random).json().text()
        let scenario = try Sample.read(
            #"{"scenario": "x", "catalog": {"plans": []}, "customers": [], "timeline": [], "until": "2026-01-01", "expect": \#(text)}"#
        )
        let expect = try #require(scenario.expect)
        let again = RandomResult.simulation(using: &random).json()
        #expect(Expectation.differences(expected: expect, result: try RandomResult.value(expect)).isEmpty)
        #expect(!Expectation.differences(expected: expect, result: again).isEmpty)
    }
}
