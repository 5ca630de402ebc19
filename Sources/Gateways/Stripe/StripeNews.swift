public import BillingPorts
public import Dates
internal import HTTPTypes
internal import JSONText
internal import JobKit
internal import Money

/// Stripe's events, and the objects they are about as they stand now.
extension StripeGateway: GatewayNews {
    /// Under which its events are kept.
    public static let name = "stripe"

    /// What is acted on. Everything else is stored and left at that.
    public static let actedOn: Set<String> = [
        "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.processing",
        "payment_intent.requires_action", "payment_intent.canceled", "charge.refunded", "charge.refund.updated",
        "refund.created", "refund.updated", "refund.failed", "charge.dispute.created", "charge.dispute.updated",
        "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
        "payment_method.automatically_updated", "payment_method.detached", "customer.deleted", "setup_intent.succeeded",
    ]

    public func notice(in body: [UInt8]) throws(GatewayEventFault) -> GatewayNotice {
        do {
            let event = try JSONNode(parsing: body)
            let type = try event.required("type").string()
            guard Self.actedOn.contains(type) else { return .other }
            let object = try event.required("data").required("object")
            return try Self.notice(type, object)
        } catch { throw GatewayEventFault("\(error)") }
    }

    /// The object is as it was when the event was made, in the version of the endpoint: only ids are taken from it, and of
    /// a payment what has not changed in ten years.
    private static func notice(_ type: String, _ object: JSONNode) throws(JSONFault) -> GatewayNotice {
        switch type.prefix(while: { $0 != "." }) {
        case "payment_intent": return .payment(try GatewayPayment(PaymentIntent(object), at: object))
        case "payment_method":
            let id = try object.required("id").string()
            return type == "payment_method.detached" ? .methodDetached(reference: id) : .methodRenewed(reference: id)
        case "setup_intent":
            guard let customer = object.id("customer"), let method = object.id("payment_method") else { return .other }
            return .methodGiven(reference: method, customer: customer)
        case "customer": return .customerDeleted(reference: try object.required("id").string())
        // Charges that no intent stands behind are none of ours.
        default:
            guard let payment = object.id("payment_intent") else { return .other }
            return type.hasPrefix("charge.dispute.") ? .disputes(payment: payment) : .refunds(payment: payment)
        }
    }

    public func payment(_ reference: String) async -> GatewayLookup<GatewayPayment> {
        await look("/v1/payment_intents/\(PercentEncoding.encode(reference))") { (node) throws(JSONFault) in
            try GatewayPayment(PaymentIntent(node), at: node)
        }
    }

    public func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]> {
        await list("/v1/refunds", of: payment) { (node) throws(JSONFault) in try GatewayRefund(node) }
    }

    public func disputes(about payment: String) async -> GatewayLookup<[GatewayDispute]> {
        await list("/v1/disputes", of: payment) { (node) throws(JSONFault) in try GatewayDispute(node) }
    }

    public func owner(ofMethod reference: String) async -> GatewayLookup<String> {
        await look("/v1/payment_methods/\(PercentEncoding.encode(reference))") { (node) throws(JSONFault) in
            node.id("customer")
        }
    }

    public func customer(_ reference: String) async -> GatewayLookup<String> {
        await look("/v1/customers/\(PercentEncoding.encode(reference))") { (node) throws(JSONFault) in
            // A deleted customer is still answered, as little more than its id.
            if case .bool(true)? = node.member("deleted")?.value { return nil }
            return try node.required("id").string()
        }
    }

    public func events(since: Instant, after last: String?) async -> GatewayLookup<GatewayEventPage> {
        // Simple stand-ins list nothing that can be asked for by type.
        if minimalParameters { return .gone }
        var query = FormEncoding()
        for type in Self.actedOn.sorted() { query.addElement("types", type) }
        query.add("created", "gte", "\(since.seconds)")
        query.add("limit", "\(Self.pageSize)")
        if let last { query.add("starting_after", last) }
        return await look("/v1/events", query) { (node) throws(JSONFault) in
            var events: [GatewayEventArrival] = []
            for event in try node.required("data").array() { events.append(try GatewayEventArrival(event)) }
            return GatewayEventPage(events: events, isLast: try !node.required("has_more").bool())
        }
    }

    /// The most Stripe gives at once. A payment has few refunds and disputes.
    private static let pageSize = 100

    private func list<Element: Sendable & Hashable>(
        _ path: String, of payment: String, _ read: (JSONNode) throws(JSONFault) -> Element
    ) async -> GatewayLookup<[Element]> {
        let query = FormEncoding([("payment_intent", payment), ("limit", "\(Self.pageSize)")])
        return await look(path, query) { (node) throws(JSONFault) in
            if try node.required("has_more").bool() {
                throw node.fault("\(payment) has more than \(Self.pageSize) here")
            }
            var elements: [Element] = []
            // Stripe lists the newest first.
            for element in try node.required("data").array().reversed() { elements.append(try read(element)) }
            return elements
        }
    }

    /// `read` answers nil for what is there no longer.
    func look<Found: Sendable & Hashable>(
        _ path: String, _ query: FormEncoding = FormEncoding(), _ read: (JSONNode) throws(JSONFault) -> Found?
    ) async -> GatewayLookup<Found> {
        GatewayLookup(await api.send(.get(path, query)).last, read)
    }
}

extension GatewayLookup {
    /// `read` answers nil for what is there no longer.
    init(_ exchange: StripeExchange, _ read: (JSONNode) throws(JSONFault) -> Found?) {
        switch exchange {
        case .unsendable(let reason): self = .unreadable(reason: reason)
        case .notSent(let reason, _), .noAnswer(let reason): self = .unavailable(reason: reason)
        case .answer(let answer) where answer.status == 404: self = .gone
        case .answer(let answer) where answer.status == 200:
            do { self = try read(JSONNode(parsing: answer.body)).map { .found($0) } ?? .gone } catch {
                self = .unreadable(reason: "\(answer.summary) with what cannot be read: \(error)")
            }
        case .answer(let answer): self = .unavailable(reason: answer.summary)
        }
    }
}

extension GatewayEventArrival {
    fileprivate init(_ event: JSONNode) throws(JSONFault) {
        let type = try event.required("type").string()
        self.init(
            gateway: StripeGateway.name, reference: try event.required("id").string(), type: type,
            isLive: try event.required("livemode").bool(),
            madeAt: Instant(microseconds: try event.required("created").integer(in: 0...4_102_444_800) * 1_000_000),
            body: Array(event.text.utf8), isActedOn: StripeGateway.actedOn.contains(type))
    }
}

extension GatewayPayment {
    init(_ intent: PaymentIntent, at node: JSONNode) throws(JSONFault) {
        let amount = try Money(stripe: intent.amount, intent.currency, at: node)
        self.init(
            reference: intent.id, attempt: intent.attempt, amount: amount, outcome: ChargeOutcome(intent))
    }
}

extension GatewayRefund {
    static let key = "refund_id"

    init(_ node: JSONNode) throws(JSONFault) {
        let status = try node.required("status").string()
        let state: State =
            switch status {
            case "succeeded": .succeeded
            case "pending", "requires_action": .underWay
            case "failed", "canceled": .failed
            default: throw node.fault("a refund is \(status), which we do not know")
            }
        self.init(
            reference: try node.required("id").string(), key: node.member("metadata")?.text(GatewayRefund.key),
            amount: try Money(stripe: node), state: state,
            failure: node.text("failure_reason") ?? (state == .failed ? status : nil))
    }
}

extension GatewayDispute {
    init(_ node: JSONNode) throws(JSONFault) {
        let status = try node.required("status").string()
        let state: State =
            switch status {
            case "warning_needs_response", "warning_under_review", "warning_closed", "prevented": .inquiry
            case "needs_response", "under_review", "appeal_needs_response", "appeal_under_review": .withdrawn
            case "lost": .lost
            case "won": .won
            default: throw node.fault("a dispute is \(status), which we do not know")
            }
        self.init(
            reference: try node.required("id").string(), amount: try Money(stripe: node), state: state,
            reason: node.text("reason") ?? "unknown")
    }
}

extension Money {
    init(stripe node: JSONNode) throws(JSONFault) {
        try self.init(stripe: node.required("amount").integer(), node.required("currency").string(), at: node)
    }

    init(stripe units: Int64, _ currency: String, at node: JSONNode) throws(JSONFault) {
        do { self = try StripeAmount.money(units, currency) } catch { throw node.fault("\(error)") }
    }
}

extension JSONNode {
    /// An id, whether the object stands there or only its id.
    func id(_ key: String) -> String? { text(key) ?? member(key)?.text("id") }
}
