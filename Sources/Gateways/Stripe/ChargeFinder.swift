internal import BillingPorts
internal import Dates
internal import JSONText

/// Finds the charge of one payment attempt in Stripe's list, which unlike its search is never behind the truth.
struct ChargeFinder: Sendable {
    let api: StripeAPI
    let request: ChargeRequest
    let amount: StripeAmount
    /// Whether the list can be asked for one customer's intents since a time.
    let canFilter: Bool

    /// Stripe's clock and ours differ by less.
    private static let margin = Duration.seconds(60)
    /// The most Stripe gives at once.
    private static let pageSize = 100
    /// A customer with more intents than 10,000 since one charge was announced is no answer but a fault.
    private static let pageLimit = 100

    func find() async -> ChargeSearch {
        let since = (request.announcedAt - Self.margin).seconds
        var intents: [PaymentIntent] = []
        var last: String?
        for _ in 0..<Self.pageLimit {
            switch await page(after: last, since: since) {
            case .failed(let reason): return .unavailable(reason: reason)
            case .intents(let more, let isLast):
                intents += more.filter { $0.attempt == request.attempt && $0.created >= since }
                if isLast { return Self.verdict(on: intents, asked: amount) }
                guard let id = more.last?.id else { return .unavailable(reason: "an empty page that is not the last") }
                last = id
            }
        }
        let seen = Self.pageLimit * Self.pageSize
        return .unavailable(
            reason: "\(seen) payment intents do not hold attempt \(request.attempt), and there are more")
    }

    /// One charge that moved money outweighs everything beside it; two are an alarm, and nothing may be charged until
    /// somebody has looked. Of charges that moved none, the newest counts, a canceled one only if all are.
    static func verdict(on intents: [PaymentIntent], asked amount: StripeAmount) -> ChargeSearch {
        let moving = intents.filter { ["succeeded", "processing", "requires_capture"].contains($0.status) }
        guard moving.count < 2 else {
            let ids = moving.map { "\($0.id) \($0.status)" }.sorted().joined(separator: ", ")
            return .found(.unknown(reason: "CHARGED MORE THAN ONCE for one attempt: \(ids)"))
        }
        let newestFirst = intents.enumerated().sorted {
            ($1.element.created, $0.offset) < ($0.element.created, $1.offset)
        }
        .map(\.element)
        guard let intent = moving.first ?? newestFirst.first(where: { $0.status != "canceled" }) ?? newestFirst.first
        else { return .notFound }
        return .found(ChargeOutcome(intent, asked: amount))
    }

    private enum Page {
        case intents([PaymentIntent], isLast: Bool)
        case failed(reason: String)
    }

    private func page(after last: String?, since: Int64) async -> Page {
        var query = FormEncoding()
        if canFilter {
            query.add("customer", request.customer)
            query.add("created", "gte", "\(since)")
        }
        query.add("limit", "\(Self.pageSize)")
        if let last { query.add("starting_after", last) }
        switch await api.send(.get("/v1/payment_intents", query)).last {
        case .unsendable(let reason), .notSent(let reason, _), .noAnswer(let reason): return .failed(reason: reason)
        case .answer(let answer): return Self.page(answer)
        }
    }

    private static func page(_ answer: StripeAnswer) -> Page {
        guard answer.status == 200 else { return .failed(reason: answer.summary) }
        do {
            let list = try JSONNode(parsing: answer.body)
            var intents: [PaymentIntent] = []
            for node in try list.required("data").array() { intents.append(try PaymentIntent(node)) }
            return .intents(intents, isLast: try !list.required("has_more").bool())
        } catch {
            return .failed(reason: "\(answer.summary) with what is no list of payment intents: \(error)")
        }
    }
}
