internal import Crypto
internal import Glibc
internal import HTTPServer
internal import HTTPTypes
internal import Threads

/// The one place where the sandbox's books change: a request at a time, each on disk before it is answered.
///
/// It runs on a thread of its own, because it waits for the disk.
actor StripeService {
    /// What is to be done with a request that carries an idempotency key.
    enum Admission {
        case fresh
        case replay(SavedAnswer)
        case refused(StripeError)
    }

    /// An answer, and what it made happen.
    struct Answer: Sendable {
        let status: Int
        let body: String
        var headers: [String: String] = [:]
        var events: [StripeEvent] = []
    }

    private let executor: ThreadExecutor
    /// Nil once closed, or behind a line that was not written whole: no other line may follow that one.
    private var journal: StripeJournal?
    let books: StripeBooks
    private var keysInUse: Set<String> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(journal path: String, origin: SandboxOrigin) throws(StripeSandboxError) {
        let books = StripeBooks(origin: origin)
        self.books = books
        journal = try StripeJournal.open(path: path) { books.apply($0) }
        executor = ThreadExecutor(name: "stripe-sandbox")
    }

    deinit { executor.stop() }

    /// Takes the key for one request, unless it is taken, or was used before.
    func admit(key: String, fingerprint: String) -> Admission {
        guard key.utf8.count <= 255 else {
            return .refused(.invalid("Idempotency keys can have up to 255 characters.", param: "idempotency_key"))
        }
        if let saved = books.answers[key] {
            guard saved.fingerprint != fingerprint else { return .replay(saved) }
            return .refused(
                .idempotency(
                    400, code: nil,
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                        + "Try using a key other than '\(key)' if you meant to execute a different request."))
        }
        guard keysInUse.insert(key).inserted else {
            return .refused(
                .idempotency(
                    409, code: "idempotency_key_in_use",
                    "There is currently another in-progress request using this Idempotent Key (that probably means you "
                        + "submitted twice, and the other request is still going through): \(key). Please try again "
                        + "later."))
        }
        return .fresh
    }

    /// Leaves the journal to the next sandbox; nothing changes any more.
    func close() { journal = nil }

    /// Runs the endpoint. Its changes and the answer kept under its key are written as one line, or nothing is.
    /// `isFailing` answers 500 after all has happened, and keeps that answer, as Stripe does.
    func perform(_ endpoint: StripeEndpoint, _ request: StripeRequest, isFailing: Bool) -> Answer {
        defer { if let key = request.idempotencyKey { keysInUse.remove(key) } }
        do throws(StripeError) {
            let form = try StripeForm(request.tree, endpoint.schema)
            var call = StripeCall(
                form: form, path: request.path, now: time(nil), request: request.id,
                idempotencyKey: request.idempotencyKey, books: books)
            let (answer, isSaved) = try run(endpoint, &call, request, isFailing: isFailing)
            var change = call.change
            if isSaved, endpoint.method == "POST", let key = request.idempotencyKey {
                change.answer = SavedAnswer(
                    key: key, fingerprint: request.fingerprint, status: answer.status, body: answer.body)
            }
            try write(change)
            return Answer(status: answer.status, body: answer.body, headers: answer.headers, events: change.events)
        } catch {
            return Answer(error, request: request.id)
        }
    }

    private func run(
        _ endpoint: StripeEndpoint, _ call: inout StripeCall, _ request: StripeRequest, isFailing: Bool
    ) throws(StripeError) -> (Answer, isSaved: Bool) {
        do throws(StripeError) {
            let result = try endpoint.run(&call)
            let object = try call.expanded(result)
            if isFailing { return (Answer(.serverFault, request: request.id), true) }
            return (Answer(status: 200, body: object.text), true)
        } catch  where error.isSaved {
            return (Answer(isFailing ? .serverFault : error, request: request.id), true)
        }
    }

    func write(_ change: StripeChange) throws(StripeError) {
        guard !change.isEmpty else { return }
        do throws(StripeSandboxError) {
            guard journal != nil else { throw .cannotWrite(errno: EBADF) }
            try journal?.append(change)
        } catch {
            journal = nil
            throw StripeError(status: 500, type: "api_error", message: "This sandbox is broken: \(error).")
        }
        books.apply(change)
    }

    /// The customer answers the bank's question about an intent; nil when it asks none.
    func authenticate(intent id: String, succeeds: Bool, request: String) -> Answer? {
        guard let intent = books.paymentIntents[id], intent.status == .requiresAction,
            let form = try? StripeForm(.map([]), [:])
        else { return nil }
        var call = StripeCall(
            form: form, path: [:], now: time(nil), request: request, idempotencyKey: nil, books: books)
        let object = call.authenticate(intent, succeeds: succeeds)
        do throws(StripeError) {
            try write(call.change)
        } catch {
            return Answer(error, request: request)
        }
        return Answer(status: 200, body: object.text, events: call.change.events)
    }

    /// What was charged, for scripts to compare with.
    func statistics() -> JSON {
        var received: [String: Int] = [:]
        var refunded: [String: Int] = [:]
        var succeeded = 0
        var seen: Set<String> = []
        var duplicates = 0
        for intent in books.paymentIntents.all where intent.status == .succeeded {
            succeeded += 1
            received[intent.currency, default: 0] += intent.amount
            // Charged twice is one attempt or one invoice that more than one intent was paid for.
            let marks = ["attempt_id", "invoice"].compactMap { key in intent.metadata[key].map { "\(key)=\($0)" } }
            if marks.contains(where: seen.contains) { duplicates += 1 }
            seen.formUnion(marks)
        }
        for refund in books.refunds.all { refunded[refund.currency, default: 0] += refund.amount }
        func amounts(_ sums: [String: Int]) -> JSON {
            .object(sums.sorted { $0.key < $1.key }.map { JSON.Member(name: $0.key, value: .integer($0.value)) })
        }
        return [
            "customers": .integer(books.customers.ids.count),
            "payment_intents": .integer(books.paymentIntents.ids.count), "succeeded": .integer(succeeded),
            "charges": .integer(books.charges.ids.count), "amount_received": amounts(received),
            "amount_refunded": amounts(refunded), "duplicates": .integer(duplicates),
            "events": .integer(books.events.ids.count),
        ]
    }
}

extension StripeService.Answer {
    init(_ error: StripeError, request: String) {
        self.init(status: error.status, body: error.body(requestID: request).text, headers: error.headers)
    }
}

/// A request to an endpoint, read and not yet checked.
struct StripeRequest: Sendable {
    let id: String
    let path: [String: String]
    let tree: FormTree
    let idempotencyKey: String?
    let fingerprint: String

    /// `path` is what stood in the endpoint's places; `items` the parameters in any order.
    init(id: String, request: HTTPServerRequest, path: [String: String], items: [QueryItem]) throws(FormTree.Fault) {
        self.id = id
        self.path = path
        tree = try FormTree(items)
        idempotencyKey = request.method == "POST" ? request.headers["Idempotency-Key"] : nil
        let sorted = items.map { "\($0.name)=\($0.value)" }.sorted()
        fingerprint = Hex.encode(sha256(([request.method, request.path] + sorted).joined(separator: "\u{0}").utf8))
    }
}
