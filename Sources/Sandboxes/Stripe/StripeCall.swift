/// One call of an endpoint: what it was given, what it may read, and what it has changed so far.
///
/// Nothing it does is seen by others until the whole change is in the journal.
struct StripeCall {
    let form: StripeForm
    /// What stood in the places of the endpoint's path.
    let path: [String: String]
    let now: Int
    let request: String
    let idempotencyKey: String?
    let books: StripeBooks
    private(set) var change: StripeChange

    init(
        form: StripeForm, path: [String: String], now: Int, request: String, idempotencyKey: String?, books: StripeBooks
    ) {
        self.form = form
        self.path = path
        self.now = now
        self.request = request
        self.idempotencyKey = idempotencyKey
        self.books = books
        change = StripeChange(request: request)
    }

    /// The object as this call sees it: with its own changes.
    func find<Record: StripeRecord>(_ id: String, _ type: Record.Type = Record.self) -> Record? {
        change[keyPath: Record.changes].last { $0.id == id } ?? books[keyPath: Record.table][id]
    }

    /// The object, or the error that names the parameter it was named by.
    func require<Record: StripeRecord>(
        _ id: String, _ type: Record.Type = Record.self, param: String? = nil
    ) throws(StripeError) -> Record {
        guard let record = find(id, type), (record as? StripeCustomer)?.isDeleted != true || param == nil else {
            throw .missing(Record.kind.name, id, param: param ?? Record.kind.param)
        }
        return record
    }

    /// The object that the path names.
    func subject<Record: StripeRecord>(_ type: Record.Type = Record.self) throws(StripeError) -> Record {
        try require(path["id"] ?? "", type)
    }

    mutating func put<Record: StripeRecord>(_ record: Record) {
        if let index = change[keyPath: Record.changes].firstIndex(where: { $0.id == record.id }) {
            change[keyPath: Record.changes][index] = record
        } else {
            change[keyPath: Record.changes].append(record)
        }
    }

    /// Notes that something happened to `object`, which is kept as it is now.
    mutating func emit(_ type: String, _ object: JSON) {
        put(
            StripeEvent(
                id: Self.newID("evt"), created: now, type: type, objectText: object.text, request: request,
                idempotencyKey: idempotencyKey))
    }

    static func newID(_ prefix: String) -> String { "\(prefix)_" + randomText(24) }

    static func randomText(_ length: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return String((0..<length).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }
}

/// One endpoint: what it takes and what it does.
struct StripeEndpoint: Sendable {
    let method: String
    let path: String
    let schema: StripeForm.Schema
    let run: @Sendable (inout StripeCall) throws(StripeError) -> JSON

    init(
        _ method: String, _ path: String, _ schema: StripeForm.Schema,
        _ run: @escaping @Sendable (inout StripeCall) throws(StripeError) -> JSON
    ) {
        self.method = method
        self.path = path
        self.schema = schema
        self.run = run
    }

    static let all =
        customers + paymentMethods + paymentIntents + refundsAndCharges + disputes + setupIntents + events + checkout
}
