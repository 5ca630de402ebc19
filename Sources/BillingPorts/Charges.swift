public import JobKit
public import Money

// What all jobs that charge agree on.

extension EffectRequest {
    /// The charge of an attempt, by its place among the customer's; `reference`: the gateway's id of the customer.
    public static func charge(
        attempt place: Int, of customer: CustomerKey, amount: Money, by reference: String
    ) -> EffectRequest {
        EffectRequest(
            scope: AttemptPlace(customer: customer, place: place).effectScope, name: "charge",
            fingerprint: "\(amount) customer \(reference)",
            amount: EffectAmount(minorUnits: amount.minorUnits, currency: amount.currency.code))
    }
}
