internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Finds out what a customer did on a page of the gateway's: a card that was given is registered, then the invoice is
/// charged to it; a charge that waited for the bank's answer is booked, or given up when the customer does not answer.
public struct FinishPaymentPageHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(90), backoff: Backoff(first: .seconds(1), longest: .seconds(300)),
        whenExhausted: .hold, gateway: "payments", callsPerAttempt: 2)

    private let gateway: any PaymentGateway & HostedPages

    public init(gateway: any PaymentGateway & HostedPages) { self.gateway = gateway }

    public func run(_ job: Job<FinishPaymentPage>, in context: BillingContext) async throws -> JobOutcome {
        let customer = job.arguments.customer
        let found = try await context.transaction { work in
            try await work.paymentPage(job.arguments.key, of: customer)
        }
        guard let page = found, page.state == .open, let reference = page.reference else { return context.complete() }
        switch page.wish {
        case .charge: return context.complete()
        case .confirm: return try await finishCharge(page, reference, in: context)
        case .card:
            if let method = page.method { return try await pay(page, by: method, in: context) }
            return try await take(await gateway.cardGiven(on: reference, mark: page.mark), of: page, in: context)
        }
    }

    private func take(_ card: GivenCard, of page: PaymentPage, in context: BillingContext) async throws -> JobOutcome {
        switch card {
        case .card(let token):
            try await context.transaction { work in
                // Two jobs may have been told of the same card.
                _ = try await work.accounts([page.customer])
                guard var page = try await work.paymentPage(page.key, of: page.customer), page.method == nil else {
                    return
                }
                let method = try await work.addPaymentMethod(token, of: page.customer)
                page.method = method
                page.changedAt = work.now
                try await work.store(page)
                try await work.enqueue(RegisterPaymentMethod(customer: page.customer, method: method))
            }
            return .snoozed(until: context.now + .seconds(1))
        case .notYet: return context.complete()
        case .never: return try await end(page, .failed, in: context)
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        }
    }

    /// Only when the card is the one that is charged: before, the one that failed would be.
    private func pay(
        _ page: PaymentPage, by method: PaymentMethod.ID, in context: BillingContext
    ) async throws -> JobOutcome {
        let state = try await context.transaction { work in
            try await work.paymentMethod(method, of: page.customer)?.state
        }
        switch state {
        case .pending: return .snoozed(until: context.now + .seconds(1))
        case .active:
            return try await context.complete { work in
                try await work.perform(
                    .setPayment(PaymentArrangement(method: .card)), for: page.customer, by: "customer",
                    why: "gave a card by payment link")
                guard var open = try await work.accounts([page.customer]).first else { return }
                _ = try open.account.collectNow(page.invoice)
                try await work.store([open])
                try await work.followUp([open])
                var page = page
                page.state = .done
                page.changedAt = work.now
                try await work.store(page)
            }
        case .refused, .removed, nil: return try await end(page, .failed, in: context)
        }
    }

    private func finishCharge(
        _ page: PaymentPage, _ reference: String, in context: BillingContext
    ) async throws -> JobOutcome {
        let pending = try await context.transaction { work -> InPersonCharge? in
            guard let place = page.attempt, let open = try await work.accounts([page.customer]).first,
                PaymentAttempt.Outcome.success.follows(open.account.attempts[place].outcome)
            else { return nil }
            return try await InPersonCharge.announce(place, of: open, in: work)
        }
        guard let charge = pending else { return try await end(page, .done, in: context) }
        switch await gateway.findCharge(charge.request) {
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        case .notFound: return .held(reason: "the gateway does not know the charge \(reference) that it told us of")
        case .found(.requiresAction):
            guard context.now >= page.createdAt + OpenPaymentPageHandler.patience else { return context.complete() }
            let key = IdempotencyKey("\(charge.request.key.text):abandon")
            let outcome = await gateway.abandon(charge.request, reference: reference, key: key)
            return try await settle(outcome, of: charge, page, in: context)
        case .found(let outcome): return try await settle(outcome, of: charge, page, in: context)
        }
    }

    private func settle(
        _ outcome: ChargeOutcome, of charge: InPersonCharge, _ page: PaymentPage, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .unknown(let reason), .notProcessed(let reason), .misconfigured(let reason):
            throw GatewayUnavailable(reason: reason)
        case .processing, .requiresAction, .succeeded, .declined:
            return try await context.complete { work in
                try await charge.settle(outcome, in: work)
                var page = page
                page.state = .done
                page.changedAt = work.now
                try await work.store(page)
            }
        }
    }

    private func end(
        _ page: PaymentPage, _ state: PaymentPage.State, in context: BillingContext
    ) async throws -> JobOutcome {
        try await context.complete { work in
            var page = page
            page.state = state
            page.changedAt = work.now
            try await work.store(page)
        }
    }
}
