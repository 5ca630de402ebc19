internal import Accounts
internal import Billing
public import BillingPorts
public import Dates
public import JobKit
internal import Money

/// Does what a customer asked for on the page of an invoice: has it charged, opens a page on which a card is given, or
/// one on which the bank's question is answered.
///
/// The wish is on disk before the gateway is asked, an attempt before money can move; a repeated call carries the same key
/// and the same bytes.
public struct OpenPaymentPageHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 8, timeout: .seconds(90), backoff: Backoff(first: .seconds(1), longest: .seconds(60)),
        whenExhausted: .hold, gateway: "payments", callsPerAttempt: 1)

    /// Where a customer comes back to, by the customer, the invoice's place, the wish's key and its instant.
    public typealias ReturnAddress = @Sendable (CustomerKey, Int, String, Instant) -> String?

    /// How long a customer may take to answer the bank.
    static let patience = Duration.seconds(900)

    private let gateway: any HostedPages
    private let returnTo: ReturnAddress

    public init(gateway: any HostedPages, returnTo: @escaping ReturnAddress) {
        self.gateway = gateway
        self.returnTo = returnTo
    }

    public func run(_ job: Job<OpenPaymentPage>, in context: BillingContext) async throws -> JobOutcome {
        let arguments = job.arguments
        let prepared = try await context.transaction { work in try await prepare(arguments, in: work) }
        guard let (page, step) = prepared else { return context.complete() }
        guard
            let address = returnTo(arguments.customer, arguments.invoice, arguments.key, page.createdAt)
        else {
            return .held(reason: "no address to come back to: set BILLWRIGHT_WEB_URL and BILLWRIGHT_LINK_KEYS")
        }
        switch step {
        case .card(let customer, let currency, let key):
            let outcome = await gateway.openCardPage(
                customer: customer, currency: currency, mark: page.mark, returnTo: address, key: key)
            return try await record(outcome, of: page, in: context)
        case .confirm(let charge):
            let outcome = await gateway.chargeInPerson(charge.request, returnTo: address)
            return try await record(outcome, of: charge, page, in: context)
        }
    }

    private enum Step: Sendable {
        case card(customer: String?, Currency, key: IdempotencyKey)
        case confirm(InPersonCharge)
    }

    /// `nil`: there is nothing more to do.
    private func prepare(
        _ arguments: OpenPaymentPage, in work: any BillingWork
    ) async throws -> (PaymentPage, Step)? {
        guard var open = try await work.accounts([arguments.customer]).first else { return nil }
        var page =
            try await work.paymentPage(arguments.key, of: arguments.customer)
            ?? PaymentPage(
                customer: arguments.customer, key: arguments.key, invoice: arguments.invoice, wish: arguments.wish,
                createdAt: work.now, changedAt: work.now)
        guard page.state == .asked, open.account.invoices.indices.contains(page.invoice) else { return nil }
        page.changedAt = work.now
        guard open.account.invoices[page.invoice].state == .open else { return try await end(page, .failed, in: work) }
        switch page.wish {
        case .charge:
            let isWanted = try open.profile.isChargeable && open.account.collectNow(page.invoice)
            try await work.store([open])
            try await work.followUp([open])
            return try await end(page, isWanted ? .done : .failed, in: work)
        case .card:
            try await work.store(page)
            let effect = try await work.announce(
                EffectRequest(scope: "payment_page/\(open.key)/\(page.key)", name: "open", fingerprint: page.mark)
            ).effect
            let currency = open.account.currency
            return (page, .card(customer: open.profile.gatewayCustomer, currency, key: effect.key))
        case .confirm:
            guard open.profile.isChargeable, let place = try attempt(of: page, in: &open.account, at: work.now) else {
                return try await end(page, .failed, in: work)
            }
            page.attempt = place
            open.account.send(attempt: place, at: work.now)
            let charge = try await InPersonCharge.announce(place, of: open, in: work)
            try await work.store([open])
            try await work.store(page)
            return (page, .confirm(charge))
        }
    }

    /// The attempt of an earlier try of this job, or a new one; `nil`: there may be none.
    private func attempt(of page: PaymentPage, in account: inout Account, at now: Instant) throws -> Int? {
        guard let place = page.attempt else { return try account.openAttemptInPerson(on: page.invoice, at: now) }
        return account.pendingAttempts.contains(place) ? place : nil
    }

    private func end(
        _ page: PaymentPage, _ state: PaymentPage.State, in work: any BillingWork
    ) async throws -> (PaymentPage, Step)? {
        var page = page
        page.state = state
        try await work.store(page)
        return nil
    }

    private func record(
        _ outcome: CardPageOutcome, of page: PaymentPage, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .open(let address, let reference):
            return try await context.complete { work in
                let page = page.opened(at: address, reference, now: work.now)
                try await work.store(page)
                let effect = try await work.announce(
                    EffectRequest(
                        scope: "payment_page/\(page.customer)/\(page.key)", name: "open", fingerprint: page.mark)
                ).effect
                try await work.settle(effect, as: .confirmed, result: Array("{}".utf8))
            }
        case .misconfigured(let reason): return .held(reason: "the gateway refuses our requests: \(reason)")
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        }
    }

    private func record(
        _ outcome: InPersonOutcome, of charge: InPersonCharge, _ page: PaymentPage, in context: BillingContext
    ) async throws -> JobOutcome {
        switch outcome {
        case .asks(let address, let reference):
            return try await context.complete { work in
                guard var open = try await work.accounts([charge.customer]).first else { return }
                if open.account.pendingAttempts.contains(charge.place) {
                    // Neither charged again nor dunned until the customer has answered.
                    try open.account.settle(
                        attempt: charge.place, with: .processing, reference: reference, at: work.now)
                    try await work.store([open])
                }
                try await work.store(page.opened(at: address, reference, now: work.now))
                try await work.enqueue(
                    FinishPaymentPage(customer: charge.customer, key: page.key), dueAt: work.now + Self.patience)
            }
        case .ended(.misconfigured(let reason)): return .held(reason: "the gateway refuses our requests: \(reason)")
        case .ended(.notProcessed(let reason)): throw GatewayUnavailable(reason: reason)
        case .ended(let outcome):
            return try await context.complete { work in
                try await charge.settle(outcome, in: work)
                var page = page
                page.state = .done
                page.changedAt = work.now
                try await work.store(page)
            }
        }
    }
}

extension PaymentPage {
    /// Which invoice a page of the gateway's is for, in the gateway's keeping.
    var mark: String { "\(customer)/\(invoice)" }

    fileprivate func opened(at address: String, _ reference: String, now: Instant) -> PaymentPage {
        var page = self
        page.state = .open
        page.address = address
        page.reference = reference
        page.changedAt = now
        return page
    }
}
