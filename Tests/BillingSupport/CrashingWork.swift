internal import Billing
internal import BillingPorts
internal import Dates
internal import JobKit

/// A transaction whose process may die after each call.
struct CrashingWork: BillingWork {
    let work: any BillingWork
    let crash: CrashPoint

    var now: Instant { work.now }

    private func passing<Value: Sendable>(
        _ call: String, _ body: () async throws -> Value
    ) async throws -> Value {
        let value = try await body()
        try crash.pass("after \(call)")
        return value
    }
}

extension CrashingWork {
    func enqueue(_ jobs: [NewJob]) async throws {
        try await passing("enqueue") { try await work.enqueue(jobs) }
    }

    func open(_ run: NewRun) async throws -> OpenedRun { try await passing("open a run") { try await work.open(run) } }

    func seal(_ run: RunID) async throws { try await passing("seal a run") { try await work.seal(run) } }

    func announce(_ request: EffectRequest) async throws -> EffectStanding {
        try await passing("announce") { try await work.announce(request) }
    }

    func settle(_ effect: Effect, as state: EffectState, result: [UInt8]) async throws {
        try await passing("settle an effect") { try await work.settle(effect, as: state, result: result) }
    }
}

extension CrashingWork {
    func subscriptionsToRenew(
        of seller: Seller.ID, by date: LocalDate, after cursor: Subscription.ID?, limit: Int
    ) async throws -> [SubscriptionToRenew] {
        try await passing("subscriptionsToRenew") {
            try await work.subscriptionsToRenew(of: seller, by: date, after: cursor, limit: limit)
        }
    }

    func renew(
        _ subscription: SubscriptionToRenew, _ decision: Renewal.Decision, on today: LocalDate
    ) async throws {
        try await passing("renew") { try await work.renew(subscription, decision, on: today) }
    }

    func accountToInvoice(_ customer: CustomerKey) async throws -> AccountToInvoice? {
        try await passing("accountToInvoice") { try await work.accountToInvoice(customer) }
    }

    func issue(
        _ draft: DraftInvoice, for account: AccountToInvoice, on date: LocalDate
    ) async throws -> IssuedInvoice {
        try await passing("issue") { try await work.issue(draft, for: account, on: date) }
    }
}

extension CrashingWork {
    func paymentMethod(_ id: PaymentMethod.ID, of customer: CustomerKey) async throws -> PaymentMethodRecord? {
        try await passing("paymentMethod") { try await work.paymentMethod(id, of: customer) }
    }

    func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        try await passing("recordGatewayCustomer") { try await work.recordGatewayCustomer(reference, of: customer) }
    }

    func activate(
        _ method: PaymentMethod.ID, of customer: CustomerKey, reference: String
    ) async throws -> [Invoice.ID] {
        try await passing("activate") { try await work.activate(method, of: customer, reference: reference) }
    }

    func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws {
        try await passing("refuse") { try await work.refuse(method, of: customer, reason: reason) }
    }

    func invoiceToCollect(_ id: Invoice.ID, of customer: CustomerKey) async throws -> InvoiceToCollect? {
        try await passing("invoiceToCollect") { try await work.invoiceToCollect(id, of: customer) }
    }

    func openAttempt(
        at invoice: InvoiceToCollect, with method: ActivePaymentMethod
    ) async throws -> PaymentAttemptRecord {
        try await passing("openAttempt") { try await work.openAttempt(at: invoice, with: method) }
    }

    func move(_ attempt: PaymentAttemptRecord, to move: PaymentMove) async throws {
        try await passing("move") { try await work.move(attempt, to: move) }
    }

    func receivePayment(
        from attempt: PaymentAttemptRecord, for invoice: InvoiceToCollect, on date: LocalDate
    ) async throws -> Payment.ID {
        try await passing("receivePayment") { try await work.receivePayment(from: attempt, for: invoice, on: date) }
    }
}

extension CrashingWork {
    func receipt(of payment: Payment.ID, for customer: CustomerKey) async throws -> ReceiptFacts? {
        try await passing("receipt") { try await work.receipt(of: payment, for: customer) }
    }

    func mail(
        _ template: String, about reference: String, to recipient: String, for customer: CustomerKey
    ) async throws -> MailRecord {
        try await passing("mail") { try await work.mail(template, about: reference, to: recipient, for: customer) }
    }

    func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws {
        try await passing("settle a mail") { try await work.settle(mail, as: state, reply: reply) }
    }
}
