internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JobKit
internal import Money

/// An attempt that the customer makes in person, and what calling the gateway for it needs.
struct InPersonCharge: Sendable {
    let customer: CustomerKey
    /// Its place among the customer's attempts.
    let place: Int
    let announcement: EffectRequest
    let request: ChargeRequest

    static func announce(_ place: Int, of open: OpenAccount, in work: any BillingWork) async throws -> InPersonCharge {
        let attempt = open.account.attempts[place]
        guard let customer = open.profile.gatewayCustomer, let method = open.profile.method else {
            throw GatewayUnavailable(reason: "attempt \(open.key)/\(place) has nothing to charge any more")
        }
        let announcement = EffectRequest.charge(attempt: place, of: open.key, amount: attempt.amount, by: customer)
        let effect = try await work.announce(announcement).effect
        return InPersonCharge(
            customer: open.key, place: place, announcement: announcement,
            request: ChargeRequest(
                key: effect.key, amount: attempt.amount, customer: customer, paymentMethod: method.reference,
                attempt: effect.key.text, invoice: open.account.invoices[attempt.invoice].number,
                announcedAt: effect.announcedAt))
    }

    /// Books what came of it, once, and has done what follows.
    func settle(_ outcome: ChargeOutcome, in work: any BillingWork) async throws {
        guard var open = try await work.accounts([customer]).first else { return }
        let (meaning, reference, code, state) = Self.meaning(of: outcome)
        // The gateway's news may have come first; what succeeded after all is booked whatever was thought before.
        guard
            open.account.pendingAttempts.contains(place) || meaning.follows(open.account.attempts[place].outcome)
        else { return }
        try open.account.settle(
            attempt: place, with: meaning, reference: reference, declineCode: code, at: work.now)
        try await work.store([open])
        if let state, case .unresolved(let effect) = try await work.announce(announcement) {
            try await work.settle(effect, as: state, result: Array("{\"outcome\":\"\(meaning.rawValue)\"}".utf8))
        }
        // Who asks about what nobody answered is the job that asks about all such charges.
        if meaning == .unknown { try await work.enqueue(CollectPayments(customer: customer)) }
        try await work.followUp([open])
    }

    private static func meaning(
        of outcome: ChargeOutcome
    ) -> (PaymentAttempt.Outcome, reference: String?, code: String?, EffectState?) {
        switch outcome {
        case .succeeded(let reference): (.success, reference, nil, .confirmed)
        case .processing(let reference): (.processing, reference, nil, .confirmed)
        case .requiresAction(let reference): (.requiresAction, reference, nil, .refused)
        case .declined(let code, let advice, let reference):
            (PaymentAttempt.Outcome(declined: code, advice: advice), reference, code, .refused)
        case .unknown, .notProcessed, .misconfigured: (.unknown, nil, nil, .unknown)
        }
    }
}
