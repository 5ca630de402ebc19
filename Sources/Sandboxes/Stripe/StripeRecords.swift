/// What the sandbox keeps, in the shape of its journal: one kind of object a type.
protocol StripeRecord: Codable, Identifiable where ID == String {
    /// Where the books hold them.
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { get }
    /// Where a change holds them.
    static var changes: WritableKeyPath<StripeChange, [Self]> { get }
    /// The word Stripe uses for it in messages, and as the parameter that named it.
    static var kind: (name: String, param: String) { get }
    /// Seconds since 1970.
    var created: Int { get }
}

struct StripeAddress: Codable, Equatable {
    var city: String?
    var country: String?
    var line1: String?
    var line2: String?
    var postalCode: String?
    var state: String?
}

struct StripeCustomer: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.customers }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.customers }
    static var kind: (name: String, param: String) { ("customer", "customer") }

    let id: String
    let created: Int
    var email: String?
    var name: String?
    var description: String?
    var phone: String?
    var address: StripeAddress?
    var metadata: [String: String] = [:]
    var defaultPaymentMethod: String?
    var isDeleted: Bool?
}

struct StripePaymentMethod: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.paymentMethods }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.paymentMethods }
    static var kind: (name: String, param: String) { ("PaymentMethod", "payment_method") }

    let id: String
    let created: Int
    var customer: String?
    /// A name of ``TestCard``.
    let card: String
    var billingName: String?
    var billingEmail: String?
    var billingPhone: String?
    var billingAddress: StripeAddress?
    var metadata: [String: String] = [:]
}

struct StripePaymentIntent: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.paymentIntents }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.paymentIntents }
    static var kind: (name: String, param: String) { ("payment_intent", "intent") }

    enum Status: String, Codable {
        case requiresPaymentMethod = "requires_payment_method"
        case requiresConfirmation = "requires_confirmation"
        case requiresAction = "requires_action"
        case succeeded
        case canceled
    }

    let id: String
    let created: Int
    let amount: Int
    let currency: String
    var status: Status
    var customer: String?
    var paymentMethod: String?
    var latestCharge: String?
    var refusal: CardRefusal?
    var refusedMethod: String?
    var clientSecret: String
    var description: String?
    var receiptEmail: String?
    var statementDescriptor: String?
    var statementDescriptorSuffix: String?
    var setupFutureUsage: String?
    var usesAutomaticMethods = false
    var returnUrl: String?
    var canceledAt: Int?
    var cancellationReason: String?
    var metadata: [String: String] = [:]

    var amountReceived: Int { status == .succeeded ? amount : 0 }
}

struct StripeCharge: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.charges }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.charges }
    static var kind: (name: String, param: String) { ("charge", "charge") }

    let id: String
    let created: Int
    let amount: Int
    let currency: String
    var amountRefunded = 0
    let paymentIntent: String
    let paymentMethod: String
    let customer: String?
    let refusal: CardRefusal?
    let description: String?
    let receiptEmail: String?
    let statementDescriptorSuffix: String?
    let metadata: [String: String]
}

struct StripeRefund: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.refunds }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.refunds }
    static var kind: (name: String, param: String) { ("refund", "refund") }

    let id: String
    let created: Int
    let amount: Int
    let currency: String
    let charge: String
    let paymentIntent: String
    let reason: String?
    let metadata: [String: String]
    /// Nil: it succeeded.
    var status: String?
    var failureReason: String?
}

struct StripeEvent: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.events }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.events }
    static var kind: (name: String, param: String) { ("event", "id") }

    let id: String
    let created: Int
    let type: String
    /// The object as it was, already written: an event never changes, whatever becomes of its object.
    let objectText: String
    let request: String
    let idempotencyKey: String?
}

/// An answer kept under its idempotency key.
struct SavedAnswer: Codable, Equatable {
    let key: String
    /// SHA-256 of method, path and sorted parameters.
    let fingerprint: String
    let status: Int
    let body: String
}

/// What one request did: one line of the journal, applied whole or not at all.
struct StripeChange: Codable {
    enum CodingKeys: CodingKey {
        case request, customers, paymentMethods, paymentIntents, charges, refunds, disputes, setupIntents, events
        case sessions, answer
    }

    var request: String
    var customers: [StripeCustomer] = []
    var paymentMethods: [StripePaymentMethod] = []
    var paymentIntents: [StripePaymentIntent] = []
    var charges: [StripeCharge] = []
    var refunds: [StripeRefund] = []
    var disputes: [StripeDispute] = []
    var setupIntents: [StripeSetupIntent] = []
    var events: [StripeEvent] = []
    var sessions: [StripeSession] = []
    var answer: SavedAnswer?

    var isEmpty: Bool {
        customers.isEmpty && paymentMethods.isEmpty && paymentIntents.isEmpty && charges.isEmpty && refunds.isEmpty
            && disputes.isEmpty && setupIntents.isEmpty && events.isEmpty && sessions.isEmpty && answer == nil
    }

    init(request: String) { self.request = request }
}

/// All objects of one kind, and the order they came in.
struct StripeTable<Record: StripeRecord> {
    private var byID: [String: Record] = [:]
    /// Oldest first.
    private(set) var ids: [String] = []

    subscript(id: String) -> Record? { byID[id] }

    var all: some Sequence<Record> { ids.lazy.compactMap { byID[$0] } }

    mutating func put(_ record: Record) {
        if byID.updateValue(record, forKey: record.id) == nil { ids.append(record.id) }
    }
}

/// Everything the sandbox knows. Only the actor that owns the journal changes it, and only by whole changes.
final class StripeBooks {
    var customers = StripeTable<StripeCustomer>()
    var paymentMethods = StripeTable<StripePaymentMethod>()
    var paymentIntents = StripeTable<StripePaymentIntent>()
    var charges = StripeTable<StripeCharge>()
    var refunds = StripeTable<StripeRefund>()
    var disputes = StripeTable<StripeDispute>()
    var setupIntents = StripeTable<StripeSetupIntent>()
    var events = StripeTable<StripeEvent>()
    var sessions = StripeTable<StripeSession>()
    let origin: SandboxOrigin
    private(set) var answers: [String: SavedAnswer] = [:]
    /// The intents of a customer, oldest first, so that asking for them does not read everybody's.
    private(set) var intentsByCustomer: [String: [String]] = [:]

    init(origin: SandboxOrigin) { self.origin = origin }

    func apply(_ change: StripeChange) {
        for record in change.customers { customers.put(record) }
        for record in change.paymentMethods { paymentMethods.put(record) }
        for record in change.paymentIntents {
            if let customer = record.customer, paymentIntents[record.id] == nil {
                intentsByCustomer[customer, default: []].append(record.id)
            }
            paymentIntents.put(record)
        }
        for record in change.charges { charges.put(record) }
        for record in change.refunds { refunds.put(record) }
        for record in change.disputes { disputes.put(record) }
        for record in change.setupIntents { setupIntents.put(record) }
        for record in change.events { events.put(record) }
        for record in change.sessions { sessions.put(record) }
        if let answer = change.answer { answers[answer.key] = answer }
    }
}
