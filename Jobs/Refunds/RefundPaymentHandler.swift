internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit
internal import Money

/// Sends what the books pay back to the charges it was paid with: each part once, whatever dies when.
///
/// Each part is announced before it is sent, and asked about before it is sent again. What the gateway will not pay back
/// becomes the customer's credit.
public struct RefundPaymentHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold, breaker: Breaker(failedPercent: 50, sample: 100, unknownOutcomes: 20),
        gateway: "payments", callsPerAttempt: 2)

    private let gateway: any RefundGateway

    public init(gateway: any RefundGateway) { self.gateway = gateway }

    public func run(_ job: Job<RefundPayment>, in context: BillingContext) async throws -> JobOutcome {
        let refund = AttemptPlace(customer: job.arguments.customer, place: job.arguments.attempt)
        // One refund has few charges behind it; the bound is only a bound.
        for _ in 0..<100 {
            guard let part = try await context.transaction({ work in try await next(of: refund, in: work) }) else {
                return context.complete()
            }
            if let outcome = try await send(part, in: context) { return outcome }
        }
        return .snoozed(until: context.now)
    }

    /// One charge of which a part is paid back.
    private struct Part: Sendable {
        let refund: AttemptPlace
        let isOnly: Bool
        let announcement: EffectRequest
        let effect: Effect
        /// Whether an earlier call may have arrived.
        let mayHaveArrived: Bool
        let request: RefundRequest
    }

    /// The next part that is not settled, announced; nil: none.
    private func next(of refund: AttemptPlace, in work: any BillingWork) async throws -> Part? {
        guard let account = try await work.accounts([refund.customer]).first?.account,
            account.attempts.indices.contains(refund.place)
        else { return nil }
        let attempt = account.attempts[refund.place]
        let parts = try account.refundParts(of: refund.place)
        // One that somebody made at the gateway is known by its reference and was never announced.
        guard attempt.outcome == .refunded, attempt.declineCode == nil, attempt.reference == nil || parts.count > 1
        else {
            return nil
        }
        for (charge, amount) in parts {
            guard let payment = account.attempts[charge].reference else { continue }
            let announcement = EffectRequest(
                scope: refund.effectScope, name: "refund of \(charge)", fingerprint: "\(amount) of \(payment)",
                amount: EffectAmount(minorUnits: amount.minorUnits, currency: amount.currency.code))
            let standing = try await work.announce(announcement)
            if case .settled = standing { continue }
            var mayHaveArrived = false
            if case .unresolved = standing { mayHaveArrived = true }
            return Part(
                refund: refund, isOnly: parts.count == 1, announcement: announcement, effect: standing.effect,
                mayHaveArrived: mayHaveArrived,
                request: RefundRequest(
                    key: standing.effect.key, payment: payment, amount: amount,
                    invoice: account.invoices[attempt.invoice].number))
        }
        return nil
    }

    /// Nil: go on with the next part.
    private func send(_ part: Part, in context: BillingContext) async throws -> JobOutcome? {
        if part.mayHaveArrived {
            switch await gateway.refunds(of: part.request.payment) {
            case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
            case .unreadable(let reason): return .held(reason: "\(part.request.payment): \(reason)")
            case .found(let refunds):
                if let known = refunds.first(where: { $0.key == part.request.key.text }) {
                    return try await book(known, of: part, in: context)
                }
            case .gone: break
            }
        }
        switch await gateway.refund(part.request) {
        case .made(let refund): return try await book(refund, of: part, in: context)
        case .refused(let code, let message): return try await refuse(part, code, message, in: context)
        case .notProcessed(let reason), .unknown(let reason): throw GatewayUnavailable(reason: reason)
        case .misconfigured(let reason): return .held(reason: "the gateway refuses our requests: \(reason)")
        }
    }

    private func book(_ refund: GatewayRefund, of part: Part, in context: BillingContext) async throws -> JobOutcome? {
        guard refund.amount == part.request.amount else {
            return .held(
                reason: "ALARM: \(refund.reference) pays back \(refund.amount), and we asked for \(part.request.amount)"
            )
        }
        if refund.state == .failed {
            return try await refuse(part, refund.failure ?? "failed", refund.reference, in: context)
        }
        try await change(part, as: .confirmed, told: refund.reference, in: context) { open, now in
            guard open.account.attempts[part.refund.place].reference == nil else { return }
            try open.account.settle(
                attempt: part.refund.place, with: .refunded, reference: refund.reference, at: now)
        }
        return nil
    }

    /// The money stays here: it is the customer's credit then.
    private func refuse(
        _ part: Part, _ code: String, _ message: String, in context: BillingContext
    ) async throws -> JobOutcome? {
        guard part.isOnly else {
            return .held(
                reason: "\(part.request.amount) of \(part.request.payment) cannot be paid back: \(code) \(message); "
                    + "the refund's other parts are; pay this one by hand")
        }
        try await change(part, as: .refused, told: code, in: context) { open, now in
            _ = try open.account.failRefund(attempt: part.refund.place, code: code, at: now)
        }
        return nil
    }

    /// Unless an event has told of it in the meantime.
    private func change(
        _ part: Part, as state: EffectState, told: String, in context: BillingContext,
        _ body: @Sendable (inout OpenAccount, Instant) throws -> Void
    ) async throws {
        try await context.transaction { work in
            guard var open = try await work.accounts([part.refund.customer]).first else { return }
            guard case .unresolved(let effect) = try await work.announce(part.announcement) else { return }
            try body(&open, work.now)
            try await work.store([open])
            let safe = told.unicodeScalars.filter { $0 != "\"" && $0 != "\\" && $0.value >= 0x20 }
            try await work.settle(
                effect, as: state, result: Array("{\"told\":\"\(String(String.UnicodeScalarView(safe)))\"}".utf8))
            try await work.followUp(try await work.accounts([part.refund.customer]))
        }
    }
}
