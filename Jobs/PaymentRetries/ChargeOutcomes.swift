internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JobKit

// Writing down what the gateway said. `nil` means that the job goes on with the next step.
extension CollectPaymentsHandler {
    func ask(about charge: Charge, in context: BillingContext) async throws -> JobOutcome? {
        switch await gateway.findCharge(charge.request) {
        case .found(.unknown(let reason)):
            // It answered, and what it says cannot be: charged twice, another amount. Nothing of ours may go on from there.
            return .held(reason: "\(charge.described): \(reason)")
        case .found(.processing(let reference)):
            let outcome = try await settle(charge, .processing, reference: reference, as: nil, in: context)
            return context.now < charge.settlesAt ? outcome : .snoozed(until: context.now + .seconds(24 * 3600))
        case .found(let outcome): return try await record(outcome, of: charge, in: context)
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        case .notFound:
            // It never arrived: the same attempt, under the same key, is sent again.
            return try await takeBack(charge, in: context)
        }
    }

    func record(
        _ outcome: ChargeOutcome, of charge: Charge, in context: BillingContext
    ) async throws -> JobOutcome? {
        switch outcome {
        case .succeeded(let reference):
            return try await settle(charge, .success, reference: reference, as: .confirmed, in: context)
        case .processing(let reference):
            return try await settle(charge, .processing, reference: reference, as: .confirmed, in: context)
        case .requiresAction(let reference):
            return try await settle(charge, .requiresAction, reference: reference, as: .refused, in: context)
        case .declined(let code, let advice, let reference):
            let outcome = PaymentAttempt.Outcome(Decline(code: code, advice: advice), code: code)
            return try await settle(charge, outcome, reference: reference, declineCode: code, as: .refused, in: context)
        case .unknown: return try await settle(charge, .unknown, as: .unknown, in: context)
        case .notProcessed(let reason):
            _ = try await takeBack(charge, in: context)
            throw GatewayUnavailable(reason: reason)
        case .misconfigured(let reason):
            // The attempt stays as sent: an earlier request under its key may have charged, so whoever releases the job
            // has the gateway asked before anything is sent again.
            return .held(reason: "\(charge.described): the gateway refuses our requests: \(reason)")
        }
    }

    /// Stores an attempt's outcome and what follows from it for the account; `state` is the effect's, `nil` if that stays
    /// open.
    private func settle(
        _ charge: Charge, _ outcome: PaymentAttempt.Outcome, reference: String? = nil, declineCode: String? = nil,
        as state: EffectState?, in context: BillingContext
    ) async throws -> JobOutcome? {
        try await change(charge, in: context) { account, place, now in
            try account.settle(
                attempt: place, with: outcome, reference: reference, declineCode: declineCode, at: now)
        } also: { work in
            guard let state else { return }
            try await charge.settleEffect(
                as: state, [("outcome", outcome.rawValue), ("reference", reference), ("code", declineCode)], in: work)
        }
    }

    /// It certainly never arrived, and waits to be sent again; unless somebody has sent it again already.
    private func takeBack(_ charge: Charge, in context: BillingContext) async throws -> JobOutcome? {
        try await change(charge, in: context) { account, place, _ in
            if account.attempts[place].sentAt == charge.sentAt { account.takeBack(attempt: place) }
        }
    }

    /// Changes the account of an attempt that still waits for its outcome. One that a webhook or another job has settled
    /// in the meantime is left as it is. When nothing else is to be collected the same transaction enqueues what follows,
    /// and the job is done.
    private func change(
        _ charge: Charge, in context: BillingContext,
        _ body: @Sendable (inout Account, Int, Instant) throws -> Void,
        also: @Sendable (any BillingWork) async throws -> Void = { _ in }
    ) async throws -> JobOutcome? {
        let isDone = try await context.transaction { work in
            guard var open = try await work.accounts([charge.customer]).first else { return false }
            if open.account.pendingAttempts.contains(charge.place) {
                try body(&open.account, charge.place, work.now)
                try await work.store([open])
            }
            try await also(work)
            guard open.account.pendingAttempts.isEmpty, try open.account.chargesDue(at: work.now).isEmpty else {
                return false
            }
            try await work.followUp([open])
            return true
        }
        return isDone ? context.complete() : nil
    }
}
