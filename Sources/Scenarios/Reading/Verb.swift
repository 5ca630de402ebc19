/// What can be asked for, by its name in a scenario.
enum Verb: String, CaseIterable {
    case subscribe
    case changePlan = "change_plan"
    case changeQuantity = "change_quantity"
    case addPrice = "add_price"
    case removePrice = "remove_price"
    case changeBillingDay = "change_billing_day"
    case cancel, pause, resume, reactivate
    case extendTrial = "extend_trial"
    case usage, credit
    case useCoupon = "use_coupon"
    case setPayment = "set_payment"
    case setAddress = "set_address"
    case creditNote = "credit_note"
    case pay, refund, chargeback
    case chargebackReversed = "chargeback_reversed"
    case void
    case writeOff = "write_off"
    case invoice
    case publishPrice = "publish_price"
    case override, bill

    /// The keys that it may have beside `at` and `do`.
    var keys: Set<String> {
        switch self {
        case .subscribe:
            [
                "id", "customer", "plan", "start", "billing_day", "align", "quantities", "trial_days", "coupons",
                "prices", "term",
            ]
        case .changePlan: ["subscription", "plan", "when", "invoice", "effective"]
        case .changeQuantity: ["subscription", "unit", "quantity", "when", "invoice"]
        case .addPrice, .removePrice: ["subscription", "price", "when", "invoice"]
        case .changeBillingDay: ["subscription", "customer", "day"]
        case .cancel: ["subscription", "when", "unused", "reason"]
        case .pause, .resume, .reactivate: ["subscription"]
        case .extendTrial: ["subscription", "days", "approved_by"]
        case .usage: ["customer", "metric", "id", "quantity", "event", "time"]
        case .credit: ["customer", "amount"]
        case .useCoupon: ["customer", "subscription", "coupon"]
        case .setPayment: ["customer", "method", "net_days", "outcomes"]
        case .setAddress: ["customer", "address"]
        case .creditNote: ["invoice", "lines", "amount", "as"]
        case .pay, .refund, .chargeback: ["invoice", "amount"]
        case .chargebackReversed, .void, .writeOff: ["invoice"]
        case .invoice: ["customer", "lines"]
        case .publishPrice: ["plan", "price", "amount", "tiers", "effective_from", "move_existing"]
        case .override: ["customer", "dunning", "days"]
        case .bill: ["date"]
        }
    }
}
