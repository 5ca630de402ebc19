import Billing
import Dates
import Money

/// Values that the tests of this module are made of.
enum Sample {
    static func date(_ text: String) throws -> LocalDate { try LocalDate(parsing: text) }

    static func period(_ start: String, _ end: String) throws -> Period {
        try Period(start: date(start), end: date(end))
    }

    /// The plans of a catalogue written as its `plans` list.
    static func catalogue(_ plans: String, metrics: String = "[]", currency: String = "USD") throws -> Catalogue {
        let text = "{\"currency\": \"\(currency)\", \"metrics\": \(metrics), \"plans\": \(plans)}"
        return try Catalogue.read(Array(text.utf8), name: "sample")
    }

    static func plan(interval: String = "\"month\"", prices: String, trialDays: Int = 0) throws -> Plan {
        try catalogue(
            "[{\"code\": \"p\", \"interval\": \(interval), \"trial_days\": \(trialDays), \"prices\": [\(prices)]}]"
        ).plans[0]
    }

    static func flat(_ amount: String, code: String = "base", extra: String = "") -> String {
        "{\"code\": \"\(code)\", \"model\": \"flat\", \"amount\": \"\(amount)\"\(extra)}"
    }

    static func subscription(
        _ start: String, id: Int64 = 1, trialEnd: String? = nil, billingDay: Int? = nil,
        quantities: [String: Rational] = [:], state: SubscriptionState = .active, end: String? = nil,
        blockedFrom: String? = nil
    ) throws -> Subscription {
        try Subscription(
            id: Subscription.ID(id), customer: Customer.ID(7), start: date(start), trialEnd: trialEnd.map(date),
            billingDay: billingDay, quantities: quantities, state: state,
            end: end.map { Subscription.End(try date($0), .cancelled) }, blockedFrom: blockedFrom.map(date))
    }

    static func account(_ items: [(Subscription, Plan)], currency: Currency = .usd) -> BillingAccount {
        BillingAccount(
            customer: Customer.ID(7), currency: currency, items: items.map { BillingAccount.Item($0.0, $0.1) })
    }
}
