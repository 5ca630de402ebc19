internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JobKit
internal import Money

// What became of a charge: confirmed by the customer, debited by the bank, or answered when nobody listened any more.
extension ReactToGatewayEventHandler {
    func follow(
        _ told: GatewayPayment, of event: GatewayEventRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        let known = try await context.transaction { work -> (place: AttemptPlace, isNews: Bool)? in
            guard let (place, open) = try await work.attempt(of: told) else { return nil }
            try told.requireAmount(of: open.account.attempts[place.place])
            let outcome = told.outcome.attemptOutcome
            return (place, outcome.map { $0.follows(open.account.attempts[place.place].outcome) } ?? true)
        }
        guard let known else { return try await ignore(event, "no payment of ours", in: context) }
        guard known.isNews else {
            return try await ignore(event, "the books know", about: known.place.customer, in: context)
        }
        guard let payment = try found(await news.payment(told.reference)) else {
            throw Doubt(reason: "the gateway has no \(told.reference) any more")
        }
        return try await context.complete { work in
            let isBooked = try await work.book(payment)
            try await work.settle(
                event, as: isBooked ? .done : .ignored, note: isBooked ? "" : "the books know",
                about: known.place.customer)
        }
    }

    /// Brings the books to what the gateway now says about a payment of ours: `ask` for all there is of it, `book` each.
    func follow<News: Sendable>(
        _ payment: String, _ event: GatewayEventRecord, in context: BillingContext,
        ask: () async -> GatewayLookup<[News]>,
        book: @Sendable (News, AttemptPlace, any BillingWork) async throws -> Bool
    ) async throws -> JobOutcome {
        guard let place = try await settled(payment, in: context) else {
            return try await ignore(event, "no payment of ours", in: context)
        }
        let all = try found(await ask()) ?? []
        return try await context.complete { work in
            var isChanged = false
            for one in all { if try await book(one, place, work) { isChanged = true } }
            try await work.settle(
                event, as: isChanged ? .done : .ignored, note: isChanged ? "" : "the books know", about: place.customer)
        }
    }

    /// The attempt behind a payment, its money booked if the gateway has it; nil: none of ours.
    func settled(_ payment: String, in context: BillingContext) async throws -> AttemptPlace? {
        let known = try await context.transaction { work -> AttemptPlace? in
            guard let place = try await work.attempt(known: payment),
                let open = try await work.accounts([place.customer]).first
            else { return nil }
            return open.account.attempts[place.place].outcome == .success ? place : nil
        }
        if let known { return known }
        // Its own event may still be on the way, or lost.
        guard let payment = try found(await news.payment(payment)) else { return nil }
        return try await context.transaction { work in
            guard let (place, open) = try await work.attempt(of: payment) else { return nil }
            try payment.requireAmount(of: open.account.attempts[place.place])
            _ = try await work.book(payment)
            return place
        }
    }
}

extension BillingWork {
    /// The attempt that a payment was made for, by our key in its metadata, else by the gateway's id; locked.
    func attempt(of payment: GatewayPayment) async throws -> (AttemptPlace, OpenAccount)? {
        var place = try await attempt(known: payment.reference)
        if let key = payment.attempt, let effect = try await effect(under: IdempotencyKey(key)) {
            place = AttemptPlace(effectScope: effect.request.scope)
        }
        guard let place, let open = try await accounts([place.customer]).first,
            open.account.attempts.indices.contains(place.place)
        else { return nil }
        return (place, open)
    }

    /// Books what the gateway says of a payment now, if it takes the attempt further; settles its effect; enqueues what
    /// follows. False: it does not.
    func book(_ payment: GatewayPayment) async throws -> Bool {
        guard let (place, found) = try await attempt(of: payment) else { return false }
        var open = found
        let attempt = open.account.attempts[place.place]
        try payment.requireAmount(of: attempt)
        guard let outcome = payment.outcome.attemptOutcome else {
            throw ReactToGatewayEventHandler.Doubt(reason: "\(payment.reference): \(payment.outcome.told)")
        }
        guard outcome.follows(attempt.outcome) else { return false }
        try open.account.settle(
            attempt: place.place, with: outcome, reference: payment.reference, declineCode: payment.outcome.declineCode,
            at: now)
        try await store([open])
        try await settleEffect(of: payment, as: outcome.isDecline ? .refused : .confirmed)
        try await followUp(try await accounts([place.customer]))
        return true
    }

    private func settleEffect(of payment: GatewayPayment, as state: EffectState) async throws {
        guard let key = payment.attempt, let announced = try await effect(under: IdempotencyKey(key)),
            announced.effect.state == .intended || announced.effect.state == .unknown
        else { return }
        try await settle(announced.effect, as: state, result: Array(#"{"told":"by an event"}"#.utf8))
    }
}

extension GatewayPayment {
    /// Throws `Doubt` for a payment over another amount than was asked for: nothing may be booked on it.
    func requireAmount(of attempt: PaymentAttempt) throws(ReactToGatewayEventHandler.Doubt) {
        guard amount == attempt.amount else {
            throw ReactToGatewayEventHandler.Doubt(
                reason: "ALARM: \(reference) is over \(amount), and we asked for \(attempt.amount)")
        }
    }
}

extension ChargeOutcome {
    /// What it means for an attempt; nil: nothing that can be booked.
    var attemptOutcome: PaymentAttempt.Outcome? {
        switch self {
        case .succeeded: .success
        case .processing: .processing
        case .requiresAction: .requiresAction
        case .declined(let code, let advice, _): PaymentAttempt.Outcome(declined: code, advice: advice)
        case .notProcessed, .unknown, .misconfigured: nil
        }
    }

    var declineCode: String? {
        if case .declined(let code, _, _) = self { code } else { nil }
    }

    /// The reason of what cannot be booked.
    var told: String {
        switch self {
        case .notProcessed(let reason), .unknown(let reason), .misconfigured(let reason): reason
        default: "\(self)"
        }
    }
}
