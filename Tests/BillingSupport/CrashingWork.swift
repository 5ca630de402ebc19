internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import Documents
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

    func announce(_ requests: [EffectRequest]) async throws -> [EffectStanding?] {
        try await passing("announce several") { try await work.announce(requests) }
    }

    func settle(_ effect: Effect, as state: EffectState, result: [UInt8]) async throws {
        try await passing("settle an effect") { try await work.settle(effect, as: state, result: result) }
    }

    func settle(_ settlements: [EffectSettlement]) async throws {
        try await passing("settle effects") { try await work.settle(settlements) }
    }
}

extension CrashingWork {
    func customersDue(
        of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int
    ) async throws -> [CustomerKey] {
        try await passing("customersDue") {
            try await work.customersDue(of: seller, by: instant, after: cursor, limit: limit)
        }
    }

    func accounts(_ keys: [CustomerKey]) async throws -> [OpenAccount] {
        try await passing("accounts") { try await work.accounts(keys) }
    }

    func store(_ accounts: [OpenAccount]) async throws {
        try await passing("store") { try await work.store(accounts) }
    }

    func numbering(of seller: Seller.ID) async throws -> InvoiceNumbering {
        try await passing("numbering") { try await work.numbering(of: seller) }
    }

    func takeNumbers(_ count: Int, of seller: Seller.ID) async throws -> Int64 {
        try await passing("takeNumbers") { try await work.takeNumbers(count, of: seller) }
    }

    func requestInvoices(_ keys: [CustomerKey]) async throws {
        try await passing("requestInvoices") { try await work.requestInvoices(keys) }
    }

    func takeInvoiceRequests(of seller: Seller.ID, limit: Int) async throws -> [CustomerKey] {
        try await passing("takeInvoiceRequests") { try await work.takeInvoiceRequests(of: seller, limit: limit) }
    }
}

extension CrashingWork {
    func surroundings(of operation: Operation, for customer: CustomerKey) async throws -> Surroundings {
        try await passing("surroundings") { try await work.surroundings(of: operation, for: customer) }
    }

    func record(_ operation: Operation, of customer: CustomerKey, by actor: String, why reason: String) async throws {
        try await passing("record") { try await work.record(operation, of: customer, by: actor, why: reason) }
    }
}

extension CrashingWork {
    func paymentMethod(_ id: PaymentMethod.ID, of customer: CustomerKey) async throws -> PaymentMethodRecord? {
        try await passing("paymentMethod") { try await work.paymentMethod(id, of: customer) }
    }

    func addPaymentMethod(_ token: String, of customer: CustomerKey) async throws -> PaymentMethod.ID {
        try await passing("addPaymentMethod") { try await work.addPaymentMethod(token, of: customer) }
    }

    func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        try await passing("recordGatewayCustomer") { try await work.recordGatewayCustomer(reference, of: customer) }
    }

    func activate(_ method: PaymentMethod.ID, of customer: CustomerKey, reference: String) async throws {
        try await passing("activate") { try await work.activate(method, of: customer, reference: reference) }
    }

    func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws {
        try await passing("refuse") { try await work.refuse(method, of: customer, reason: reason) }
    }
}

extension CrashingWork {
    func mail(_ ordinal: Int, of customer: CustomerKey) async throws -> MailRecord? {
        try await passing("mail") { try await work.mail(ordinal, of: customer) }
    }

    func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws {
        try await passing("settle a mail") { try await work.settle(mail, as: state, reply: reply) }
    }

    func markBounced(_ address: String, of seller: Seller.ID, by actor: String, why reason: String) async throws {
        try await passing("mark an address") {
            try await work.markBounced(address, of: seller, by: actor, why: reason)
        }
    }
}

extension CrashingWork {
    func paymentPage(_ key: String, of customer: CustomerKey) async throws -> PaymentPage? {
        try await passing("paymentPage") { try await work.paymentPage(key, of: customer) }
    }

    func store(_ page: PaymentPage) async throws {
        try await passing("store a payment page") { try await work.store(page) }
    }
}

extension CrashingWork {
    func take(_ events: [GatewayEventArrival]) async throws -> Int {
        try await passing("take events") { try await work.take(events) }
    }

    func swept(_ gateway: String) async throws -> Instant? {
        try await passing("swept") { try await work.swept(gateway) }
    }

    func recordSweep(of gateway: String, to instant: Instant) async throws {
        try await passing("record a sweep") { try await work.recordSweep(of: gateway, to: instant) }
    }

    func gatewayEvent(_ id: Int64) async throws -> GatewayEventRecord? {
        try await passing("gatewayEvent") { try await work.gatewayEvent(id) }
    }

    func settle(
        _ event: GatewayEventRecord, as state: GatewayEventRecord.State, note: String, about customer: CustomerKey?
    ) async throws {
        try await passing("settle an event") {
            try await work.settle(event, as: state, note: note, about: customer)
        }
    }

    func effect(under key: IdempotencyKey) async throws -> AnnouncedEffect? {
        try await passing("effect") { try await work.effect(under: key) }
    }

    func attempt(known reference: String) async throws -> AttemptPlace? {
        try await passing("attempt") { try await work.attempt(known: reference) }
    }

    func paymentMethod(known reference: String) async throws -> (CustomerKey, PaymentMethod.ID)? {
        try await passing("paymentMethod by reference") { try await work.paymentMethod(known: reference) }
    }

    func isGiven(_ token: String, by customer: CustomerKey) async throws -> Bool {
        try await passing("isGiven") { try await work.isGiven(token, by: customer) }
    }

    func customer(known reference: String) async throws -> CustomerKey? {
        try await passing("customer by reference") { try await work.customer(known: reference) }
    }

    func remove(_ method: PaymentMethod.ID, of customer: CustomerKey) async throws {
        try await passing("remove") { try await work.remove(method, of: customer) }
    }

    func forgetGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        try await passing("forgetGatewayCustomer") { try await work.forgetGatewayCustomer(reference, of: customer) }
    }

    func disputes(of customer: CustomerKey) async throws -> [DisputeRecord] {
        try await passing("disputes") { try await work.disputes(of: customer) }
    }

    func record(_ dispute: DisputeRecord, of customer: CustomerKey) async throws {
        try await passing("record a dispute") { try await work.record(dispute, of: customer) }
    }

    func documentsToRender(
        _ kind: DocumentReference.Kind, _ number: String, of customer: CustomerKey
    ) async throws -> [DocumentReference] {
        try await passing("documentsToRender") { try await work.documentsToRender(kind, number, of: customer) }
    }

    func intendDocument(
        _ reference: DocumentReference, of customer: CustomerKey
    ) async throws -> (key: DocumentKey, document: Document)? {
        try await passing("intendDocument") { try await work.intendDocument(reference, of: customer) }
    }

    func recordDocument(
        _ reference: DocumentReference, of customer: CustomerKey, _ stored: StoredBytes
    ) async throws {
        try await passing("recordDocument") { try await work.recordDocument(reference, of: customer, stored) }
    }
}

extension CrashingWork {
    func delivery(of event: Int64, to endpoint: Int64, seller: Seller.ID) async throws -> OutboundDelivery? {
        try await passing("delivery") { try await work.delivery(of: event, to: endpoint, seller: seller) }
    }

    func record(
        _ answer: DeliveryAnswer, of delivery: OutboundDelivery, as state: OutboundDelivery.State
    ) async throws {
        try await passing("record a delivery") { try await work.record(answer, of: delivery, as: state) }
    }

    func skip(_ delivery: OutboundDelivery) async throws {
        try await passing("skip a delivery") { try await work.skip(delivery) }
    }

    func disable(_ endpoint: Int64, of seller: Seller.ID, by person: String, because reason: String) async throws {
        try await passing("disable an endpoint") {
            try await work.disable(endpoint, of: seller, by: person, because: reason)
        }
    }
}
