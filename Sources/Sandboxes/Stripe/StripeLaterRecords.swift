struct StripeDispute: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.disputes }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.disputes }
    static var kind: (name: String, param: String) { ("dispute", "dispute") }

    let id: String
    let created: Int
    let amount: Int
    let currency: String
    let charge: String
    let paymentIntent: String
    let reason: String
    var status: String

    /// Whether the bank has the money.
    var hasMoney: Bool { ["needs_response", "under_review", "lost"].contains(status) }
}

struct StripeSetupIntent: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.setupIntents }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.setupIntents }
    static var kind: (name: String, param: String) { ("setupintent", "intent") }

    let id: String
    let created: Int
    var status: String
    var customer: String?
    var paymentMethod: String?
    let usage: String
    let clientSecret: String
    var returnUrl: String?
    var refusal: CardRefusal?
    var refusedMethod: String?
    let description: String?
    var metadata: [String: String] = [:]
}

extension StripeChange {
    /// What a journal of an older sandbox does not have is empty.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func list<Record: StripeRecord>(_ key: CodingKeys) throws -> [Record] {
            try values.decodeIfPresent([Record].self, forKey: key) ?? []
        }
        request = try values.decode(String.self, forKey: .request)
        customers = try list(.customers)
        paymentMethods = try list(.paymentMethods)
        paymentIntents = try list(.paymentIntents)
        charges = try list(.charges)
        refunds = try list(.refunds)
        disputes = try list(.disputes)
        setupIntents = try list(.setupIntents)
        events = try list(.events)
        sessions = try list(.sessions)
        answer = try values.decodeIfPresent(SavedAnswer.self, forKey: .answer)
    }
}
