internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit
internal import Money

/// Collects what customers owe and are to be charged for now: at most one charge of an attempt moves money, whatever dies
/// when.
///
/// The attempt is on disk before money can move. A charge that may have arrived is asked about before anything is sent
/// again, and never while it could still be on its way. Each step is worked out anew from the books.
public struct CollectPaymentsHandler: JobHandler {
    // Longer than the gateway's own time-outs; an attempt itself is bounded by those.
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold, breaker: Breaker(failedPercent: 50, sample: 100, unknownOutcomes: 20),
        gateway: "payments", callsPerAttempt: CollectPayments.most)

    /// For one customer in one run: whoever has more to be collected is taken up again.
    private static let mostCalls = 4

    let gateway: any PaymentGateway
    let reconcileAfter: Duration
    private let settlementDays: Int

    /// `reconcileAfter`: how long a call without an answer may still be on its way; longer than the gateway's time-out.
    /// `settlementDays`: when a bank debit is first asked about; then every day.
    public init(gateway: any PaymentGateway, reconcileAfter: Duration = .seconds(300), settlementDays: Int = 4) {
        self.gateway = gateway
        self.reconcileAfter = reconcileAfter
        self.settlementDays = settlementDays
    }

    public func run(_ job: Job<CollectPayments>, in context: BillingContext) async throws -> JobOutcome {
        guard job.arguments.customers.count == 1 else { return try await collectTogether(job, in: context) }
        let customer = job.arguments.keys[0]
        for _ in 0..<Self.mostCalls {
            let step = try await context.transaction { work in try await nextStep(for: customer, in: work) }
            switch step {
            case .nothing: return context.complete()
            case .wait(let until): return .snoozed(until: until)
            case .again: continue
            case .send(let charge):
                if let outcome = try await record(await gateway.charge(charge.request), of: charge, in: context) {
                    return outcome
                }
            case .ask(let charge):
                if let outcome = try await ask(about: charge, in: context) { return outcome }
            }
        }
        return .snoozed(until: context.now)
    }

    private enum Step: Sendable {
        /// And what follows is enqueued.
        case nothing
        case wait(until: Instant)
        /// Something was tidied up: look anew.
        case again
        /// Committed as sent; call now.
        case send(Charge)
        /// May have arrived earlier: ask first.
        case ask(Charge)
    }

    /// Decides, and commits the intent: after this a crash leaves an attempt to chase.
    private func nextStep(for customer: CustomerKey, in work: any BillingWork) async throws -> Step {
        guard var open = try await work.accounts([customer]).first else { return .nothing }
        var waits: [Instant] = []
        for place in open.account.pendingAttempts {
            guard let answerable = self.answerable(open.account.attempts[place], in: open.account) else {
                guard try open.account.isWanted(attempt: place) else {
                    try await withdraw(place, of: open, in: work)
                    return .again
                }
                return .send(try await send(place, of: &open, in: work))
            }
            if answerable <= work.now { return .ask(try await announce(place, of: open, in: work)) }
            waits.append(answerable)
        }
        // Without a method at the gateway there is nothing to charge; the one that arrives enqueues this again.
        if open.profile.isChargeable, let invoice = try open.account.chargesDue(at: work.now).first {
            let place = try open.account.openAttempt(at: work.now, on: invoice)
            return .send(try await send(place, of: &open, in: work))
        }
        if let next = waits.min() { return .wait(until: next) }
        try await work.followUp([open])
        return .nothing
    }

    /// From when on the gateway may be asked about an attempt; `nil`: it has not been sent.
    func answerable(_ attempt: PaymentAttempt, in account: Account) -> Instant? {
        guard let sentAt = attempt.sentAt else { return nil }
        return attempt.outcome == .processing ? settlement(of: attempt, in: account) : sentAt + reconcileAfter
    }

    private func settlement(of attempt: PaymentAttempt, in account: Account) -> Instant {
        account.calendar.zone.sameTime(as: attempt.sentAt ?? attempt.at, days: settlementDays)
    }

    private func send(_ place: Int, of open: inout OpenAccount, in work: any BillingWork) async throws -> Charge {
        open.account.send(attempt: place, at: work.now)
        let charge = try await announce(place, of: open, in: work)
        try await work.store([open])
        return charge
    }

    /// An attempt that was taken back, and whose invoice has been paid, voided or credited since.
    private func withdraw(_ place: Int, of open: OpenAccount, in work: any BillingWork) async throws {
        var open = open
        let charge = try await announce(place, of: open, in: work)
        open.account.withdraw(attempt: place)
        try await work.store([open])
        try await charge.settleEffect(as: .refused, result: Array(#"{"outcome":"withdrawn"}"#.utf8), in: work)
    }

    private func announce(_ place: Int, of open: OpenAccount, in work: any BillingWork) async throws -> Charge {
        let sending = try Sending(open, place)
        return charge(sending, try await work.announce(sending.announcement).effect)
    }

    func charge(_ sending: Sending, _ effect: Effect) -> Charge {
        let attempt = sending.attempt
        return Charge(
            customer: sending.open.key, place: sending.place, sentAt: attempt.sentAt,
            announcement: sending.announcement, effect: effect,
            request: ChargeRequest(
                key: effect.key, amount: attempt.amount, customer: sending.gatewayCustomer,
                paymentMethod: sending.method, attempt: effect.key.text,
                invoice: sending.open.account.invoices[attempt.invoice].number, announcedAt: effect.announcedAt),
            settlesAt: settlement(of: attempt, in: sending.open.account))
    }
}

/// An attempt that is about to be announced.
struct Sending: Sendable {
    let open: OpenAccount
    let place: Int
    let gatewayCustomer: String
    let method: String

    /// Throws when there is nothing to charge.
    init(_ open: OpenAccount, _ place: Int) throws(InconsistentAttempt) {
        guard let customer = open.profile.gatewayCustomer, let method = open.profile.method else {
            throw InconsistentAttempt(customer: open.key, place: place, reason: "there is nothing to charge")
        }
        (self.open, self.place) = (open, place)
        (gatewayCustomer, self.method) = (customer, method.reference)
    }

    var attempt: PaymentAttempt { open.account.attempts[place] }

    var announcement: EffectRequest {
        .charge(attempt: place, of: open.key, amount: attempt.amount, by: gatewayCustomer)
    }
}

/// One attempt and what calling the gateway for it needs.
struct Charge: Sendable {
    let customer: CustomerKey
    /// Its place among the customer's attempts.
    let place: Int
    /// Which sending of it this is about.
    let sentAt: Instant?
    let announcement: EffectRequest
    let effect: Effect
    let request: ChargeRequest
    /// When a bank debit may be asked about.
    let settlesAt: Instant

    /// For people who must decide.
    var described: String { "payment attempt \(customer)/\(place) of \(request.amount), invoice \(request.invoice)" }

    /// Writes down in the ledger what came of it, unless another job has: the customer is locked.
    func settleEffect(as state: EffectState, result: [UInt8], in work: any BillingWork) async throws {
        guard case .unresolved(let effect) = try await work.announce(announcement) else { return }
        try await work.settle(effect, as: state, result: result)
    }
}

/// An attempt that cannot be: stop this job today, not bend the books for a month.
struct InconsistentAttempt: Error, CustomStringConvertible {
    let customer: CustomerKey
    let place: Int
    let reason: String
    var description: String { "payment attempt \(customer)/\(place): \(reason)" }
}
