import Billing
import Dates
import Money
import Testing

@testable import Accounts

/// A field that is added with a default would be lost between two readings, and nothing else would notice.
@Suite struct TextFieldsTests {
    private static let usd = Money.zero(.usd)
    private static let moment = Moment(date: .earliest, second: 0)
    private static let plan = Plan(code: "p", name: "P", currency: .usd, interval: .month, prices: [])
    private static let basis = Explanation.Basis(
        plan: "p", interval: .month, model: .flat(amount: usd), timing: .inAdvance, quantity: 1)
    private static let subscription = Subscription(
        code: "s", ordinal: 0, start: .earliest, billingDay: nil, align: .anniversary, state: .active, history: [],
        changes: [], pending: [], plan: plan, dealPrices: [])

    private static let values: [(sort: String, value: any Sendable, fields: String)] = [
        (
            "subscription", subscription,
            // Columns of their own first.
            "code ordinal start state history billingDay align trialEnd changes pending term soldMonths plan dealPrices end given cancellations"
        ),
        (
            "change", Change(.unblock, effective: moment, recorded: Instant(microseconds: 0)),
            "kind effective recorded waits"
        ),
        ("pending change", PendingChange(.change(.unblock), on: .earliest), "kind date"),
        ("term", Subscription.Term(months: 1, renews: true, end: .earliest), "months renews end"),
        ("end", Subscription.End(date: .earliest), "date"),
        (
            "line", InvoiceLine(kind: .usage, code: "c", amount: usd, explanation: .given(usd)),
            "kind code subscription period quantity factor amount explanation span obligation discounts taxes"
        ),
        ("discount share", InvoiceLine.DiscountShare(code: "c", amount: usd), "code amount"),
        ("tax share", InvoiceLine.TaxShare(code: "c", percent: 1, amount: usd), "code percent amount"),
        ("obligation", Obligation(standalone: usd), "standalone period"),
        ("credit note's share", CreditNote.Share(line: 0, net: usd, taxes: []), "line net taxes"),
        (
            "charge", Explanation.Charge(basis: basis, currency: .usd), "basis currency events allowances part"
        ),
        ("basis", basis, "plan interval model timing quantity"),
        (
            "dunning case", DunningCase(since: Instant(microseconds: 0), retries: true),
            "since steps retries held extraDays isOver"
        ),
        (
            "reactivation", Reactivation(subscription: "s", at: Instant(microseconds: 0)), "subscription at invoice"
        ),
        (
            "settings", BillingSettings(currency: .usd),
            "currency proration numbering netDays dunning taxRates brakes reminders retention rendersDocuments"
        ),
        ("proration", Proration(), "unit credit allowances"),
        ("tax rate", TaxRate(country: "US", percent: 1), "country region percent"),
        ("brakes", Brakes(), "maximumLines maximumGrowth"), ("dunning", Dunning(), "retryDays graceDays final"),
    ]

    @Test(arguments: values.indices) func `every field of a stored value is stored`(index: Int) {
        let (sort, value, fields) = Self.values[index]
        let labels = Mirror(reflecting: value).children.compactMap(\.label)
        #expect(
            Set(labels) == Set(fields.split(separator: " ").map(String.init)), "what is stored of a \(sort) is in Text/"
        )
    }
}
