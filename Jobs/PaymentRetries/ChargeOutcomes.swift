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
            // Its effect stays as it is.
            let outcome = try await settle(
                charge, ChargeVerdict(outcome: .processing, state: .confirmed, reference: reference), in: context)
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
        case .notProcessed(let reason):
            _ = try await takeBack(charge, in: context)
            throw GatewayUnavailable(reason: reason)
        case .misconfigured(let reason):
            // The attempt stays as sent: an earlier request under its key may have charged, so whoever releases the job
            // has the gateway asked before anything is sent again.
            return .held(reason: "\(charge.described): the gateway refuses our requests: \(reason)")
        case .succeeded, .processing, .requiresAction, .declined, .unknown:
            guard let verdict = ChargeVerdict(outcome) else { preconditionFailure("no verdict on \(outcome)") }
            return try await settle(charge, verdict, in: context) { work in
                try await charge.settleEffect(as: verdict.state, result: verdict.json, in: work)
            }
        }
    }

    /// Stores an attempt's outcome and what follows from it for the account.
    private func settle(
        _ charge: Charge, _ verdict: ChargeVerdict, in context: BillingContext,
        also: @Sendable (any BillingWork) async throws -> Void = { _ in }
    ) async throws -> JobOutcome? {
        try await change(charge, in: context, also: also) { account, place, now in
            try account.settle(
                attempt: place, with: verdict.outcome, reference: verdict.reference, declineCode: verdict.declineCode,
                at: now)
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
        also: @Sendable (any BillingWork) async throws -> Void = { _ in },
        _ body: @Sendable (inout Account, Int, Instant) throws -> Void
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
