public import Accounts
public import Billing
public import JobKit
public import Money

// What all jobs that charge agree on.

extension EffectRequest {
    /// The charge of an attempt, by its place among the customer's; `reference`: the gateway's id of the customer.
    public static func charge(
        attempt place: Int, of customer: CustomerKey, amount: Money, by reference: String
    ) -> EffectRequest {
        EffectRequest(
            scope: "payment_attempt/\(customer)/\(place)", name: "charge",
            fingerprint: "\(amount) customer \(reference)",
            amount: EffectAmount(minorUnits: amount.minorUnits, currency: amount.currency.code))
    }
}

extension PaymentAttempt.Outcome {
    /// What a decline means for what follows.
    public init(_ decline: Decline, code: String) {
        if let named = PaymentAttempt.Outcome(rawValue: code), named.isDecline {
            self = named
            return
        }
        switch decline {
        case .hard: self = .lostCard
        case .needsAction: self = .requiresAction
        case .soft, .configuration: self = .cardDeclined
        }
    }

    private var isDecline: Bool {
        switch self {
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard, .requiresAction: true
        case .success, .processing, .unknown, .refunded, .withdrawn: false
        }
    }
}
