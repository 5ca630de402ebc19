internal import Billing
public import BillingPorts
internal import Dates
public import JobKit
internal import Money

/// Collects what an invoice still owes: at most one charge moves money, whatever dies when.
///
/// The attempt is on disk before money can move. A charge that may have arrived is asked about before anything is sent
/// again, and never while it could still be on its way.
public struct ChargeInvoiceHandler: JobHandler {
    // Longer than the gateway's own time-outs; the attempt itself is bounded by those.
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold, breaker: Breaker(failedPercent: 50, sample: 100, unknownOutcomes: 20),
        // At most: the gateway is asked, and then charged.
        gateway: "payments", callsPerAttempt: 2)

    private let gateway: any PaymentGateway
    private let zones: any TimeZones
    private let reconcileAfter: Duration

    /// `reconcileAfter`: how long a call without an answer may still be on its way; longer than the gateway's time-out.
    public init(gateway: any PaymentGateway, zones: any TimeZones, reconcileAfter: Duration = .seconds(300)) {
        self.gateway = gateway
        self.zones = zones
        self.reconcileAfter = reconcileAfter
    }

    public func run(_ job: Job<ChargeInvoice>, in context: BillingContext) async throws -> JobOutcome {
        let step = try await context.transaction { work in
            try await nextStep(for: job.arguments, in: work)
        }
        switch step {
        case .nothing: return context.complete()
        case .wait(let until): return .snoozed(until: until)
        case .send(let charge): return try await send(charge, in: context)
        case .ask(let charge): return try await ask(about: charge, in: context)
        }
    }

    /// One attempt and what calling the gateway for it needs.
    fileprivate struct Charge: Sendable {
        let attempt: PaymentAttemptRecord
        let effect: Effect
        let request: ChargeRequest
    }

    private enum Step: Sendable {
        case nothing
        case wait(until: Instant)
        /// Committed as sent; call now.
        case send(Charge)
        /// May have arrived earlier: ask first.
        case ask(Charge)
    }

    /// Decides, and commits the intent: after this a crash leaves an attempt to chase.
    private func nextStep(for job: ChargeInvoice, in work: any BillingWork) async throws -> Step {
        guard let invoice = try await work.invoiceToCollect(job.invoice, of: job.customer) else { return .nothing }
        if let pending = invoice.pendingAttempt { return try await resume(pending, of: invoice, in: work) }
        guard invoice.state == .open, invoice.amountDue.isPositive else { return .nothing }
        // A method that arrives earlier is charged on the day the invoice is due.
        let due = try zones.rules(invoice.customer.timeZone).instant(of: invoice.dueOn)
        guard work.now >= due else { return .wait(until: due) }
        // Without a method there is nothing to charge; the one that arrives enqueues this again.
        guard let method = invoice.method, invoice.customer.gatewayCustomer != nil else { return .nothing }
        // Issue and a new method both enqueue this: the second one must not make a declined card decline again.
        guard !invoice.methodWasDeclined else { return .nothing }
        let attempt = try await work.openAttempt(at: invoice, with: method)
        return .send(try await announce(attempt, of: invoice, in: work))
    }

    private func resume(
        _ attempt: PaymentAttemptRecord, of invoice: InvoiceToCollect, in work: any BillingWork
    ) async throws -> Step {
        switch attempt.state {
        case .intended:
            try await work.move(attempt, to: PaymentMove(to: .sent, because: .sent))
            return .send(try await announce(attempt.with(.sent), of: invoice, in: work))
        case .sent, .unknown:
            let answerable = attempt.sentAt + reconcileAfter
            if work.now < answerable { return .wait(until: answerable) }
            return .ask(try await announce(attempt, of: invoice, in: work))
        case .processing, .requiresAction, .succeeded, .declined, .cancelled: return .nothing
        }
    }

    private func announce(
        _ attempt: PaymentAttemptRecord, of invoice: InvoiceToCollect, in work: any BillingWork
    ) async throws -> Charge {
        guard let customer = invoice.customer.gatewayCustomer else {
            throw InconsistentAttempt(attempt: attempt.id, reason: "its customer is not known to the gateway")
        }
        let effect = try await work.announce(
            EffectRequest(
                scope: "payment_attempt/\(attempt.id)", name: "charge",
                fingerprint: "\(attempt.amount) customer \(customer) method \(attempt.method.reference)",
                amount: EffectAmount(
                    minorUnits: attempt.amount.minorUnits, currency: attempt.amount.currency.code))
        ).effect
        let request = ChargeRequest(
            key: effect.key, amount: attempt.amount, customer: customer, paymentMethod: attempt.method.reference,
            attempt: effect.key.text, invoice: invoice.number, announcedAt: effect.announcedAt)
        return Charge(attempt: attempt, effect: effect, request: request)
    }
}

// Calling the gateway, and writing down what it said.
extension ChargeInvoiceHandler {
    private func send(_ charge: Charge, in context: BillingContext) async throws -> JobOutcome {
        try await record(await gateway.charge(charge.request), of: charge, because: .answered, in: context)
    }

    private func ask(about charge: Charge, in context: BillingContext) async throws -> JobOutcome {
        switch await gateway.findCharge(charge.request) {
        case .found(.unknown(let reason)):
            // It answered, and what it says cannot be: charged twice, another amount. Nothing of ours may go on from there.
            return .held(reason: "\(charge.attempt.described): \(reason)")
        case .found(let outcome): return try await record(outcome, of: charge, because: .reported, in: context)
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        case .notFound:
            // It never arrived: the same attempt, under the same key, is sent again.
            let sent = try await context.transaction { work in
                guard
                    let invoice = try await work.invoiceToCollect(charge.attempt.invoice, of: charge.attempt.customer),
                    let pending = invoice.pendingAttempt, pending.id == charge.attempt.id,
                    pending.state == .sent || pending.state == .unknown
                else { return false }  // A webhook was faster.
                try await work.move(pending, to: PaymentMove(to: .intended, because: .notProcessed))
                try await work.move(pending.with(.intended), to: PaymentMove(to: .sent, because: .sent))
                return true
            }
            guard sent else { return context.complete() }
            return try await send(charge.with(.sent), in: context)
        }
    }

    private func record(
        _ outcome: ChargeOutcome, of charge: Charge, because cause: PaymentState.Cause, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .succeeded(let reference):
            return try await collect(charge, PaymentMove(to: .succeeded, because: cause, reference: reference), context)
        case .processing(let reference):
            let move = PaymentMove(to: .processing, because: cause, reference: reference)
            return try await settle(charge, move, as: .confirmed, context)
        case .requiresAction(let reference):
            let move = PaymentMove(to: .requiresAction, because: cause, reference: reference)
            return try await settle(charge, move, as: .refused, context)
        case .declined(let code, let advice, let reference):
            let decline = Decline(code: code, advice: advice)
            let move = PaymentMove(
                to: .declined, because: cause, reference: reference, declineCode: code, decline: decline)
            return try await settle(charge, move, as: .refused, context)
        case .unknown(let reason): try await leaveUnknown(charge, reason, context)
        case .notProcessed(let reason):
            try await takeBack(charge, context)
            throw GatewayUnavailable(reason: reason)
        case .misconfigured(let reason):
            // The attempt stays as sent: an earlier request under its key may have charged, so whoever releases the job
            // has the gateway asked before anything is sent again.
            return .held(reason: "\(charge.attempt.described): the gateway refuses our requests: \(reason)")
        }
    }

    private func collect(_ charge: Charge, _ move: PaymentMove, _ context: BillingContext) async throws -> JobOutcome {
        do {
            return try await book(charge, move, context)
        } catch let fault as InconsistentAttempt {
            return .held(reason: "\(charge.attempt.described): \(fault)")
        }
    }

    private func book(_ charge: Charge, _ move: PaymentMove, _ context: BillingContext) async throws -> JobOutcome {
        try await context.complete { work in
            let attempt = charge.attempt
            guard let invoice = try await work.invoiceToCollect(attempt.invoice, of: attempt.customer) else { return }
            guard let pending = invoice.pendingAttempt, pending.id == attempt.id else {
                // Another job may have booked the same answer first. Money that is in no book needs a person.
                guard invoice.state == .paid else {
                    throw InconsistentAttempt(attempt: attempt.id, reason: "charged, but it is not pending any more")
                }
                return
            }
            try await work.move(pending, to: move)
            let today = try zones.rules(invoice.customer.timeZone).localDate(of: work.now)
            let payment = try await work.receivePayment(from: pending, for: invoice, on: today)
            try await work.settle(charge.effect, as: .confirmed, result: move.result)
            try await work.enqueue(SendReceipt(customer: attempt.customer, payment: payment))
        }
    }

    private func settle(
        _ charge: Charge, _ move: PaymentMove, as state: EffectState, _ context: BillingContext
    ) async throws -> JobOutcome {
        try await context.complete { work in
            try await work.move(charge.attempt, to: move)
            try await work.settle(charge.effect, as: state, result: move.result)
        }
    }

    private func leaveUnknown(
        _ charge: Charge, _ reason: String, _ context: BillingContext
    ) async throws -> Never {
        try await context.transaction { work in
            guard charge.attempt.state != .unknown else { return }
            try await work.move(charge.attempt, to: PaymentMove(to: .unknown, because: .noAnswer))
            if charge.effect.state == .intended {
                let result = "{\"state\":\"unknown\",\"reason\":\"\(reason.jsonSafe)\"}"
                try await work.settle(charge.effect, as: .unknown, result: Array(result.utf8))
            }
        }
        // A failed attempt: so it is seen, and in the end held. The next run waits until the gateway can be asked.
        throw GatewayUnavailable(reason: "no answer to a charge: \(reason)")
    }

    /// It certainly never arrived: the attempt stays open and is sent again by a later try.
    private func takeBack(_ charge: Charge, _ context: BillingContext) async throws {
        try await context.transaction { work in
            try await work.move(charge.attempt, to: PaymentMove(to: .intended, because: .notProcessed))
        }
    }
}

extension ChargeInvoiceHandler.Charge {
    fileprivate func with(_ state: PaymentState) -> Self {
        Self(attempt: attempt.with(state), effect: effect, request: request)
    }
}

extension PaymentAttemptRecord {
    /// For people who must decide.
    fileprivate var described: String { "payment attempt \(id) of \(amount), invoice \(invoice)" }

    fileprivate func with(_ state: PaymentState) -> PaymentAttemptRecord {
        PaymentAttemptRecord(
            id: id, customer: customer, invoice: invoice, number: number, amount: amount, method: method, state: state,
            sentAt: sentAt)
    }
}

extension PaymentMove {
    /// What the effect ledger keeps for operators.
    fileprivate var result: [UInt8] {
        let parts = [("state", state.rawValue), ("reference", reference), ("code", declineCode)]
        let members = parts.compactMap { name, value in value.map { "\"\(name)\":\"\($0.jsonSafe)\"" } }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }
}

extension String {
    /// Gateways' ids and codes are plain words; whatever else comes is kept readable and harmless.
    fileprivate var jsonSafe: String {
        String(unicodeScalars.map { $0 == "\"" || $0 == "\\" || $0.value < 0x20 ? "?" : Character($0) })
    }
}

/// An attempt that cannot be: stop this job today, not bend the books for a month.
struct InconsistentAttempt: Error, CustomStringConvertible {
    let attempt: PaymentAttempt.ID
    let reason: String
    var description: String { "payment attempt \(attempt): \(reason)" }
}
