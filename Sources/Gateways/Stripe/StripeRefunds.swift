public import BillingPorts
internal import HTTPTypes
internal import JSONText
public import JobKit
internal import Money

extension StripeGateway: RefundGateway {
    public func refund(_ request: RefundRequest) async -> RefundOutcome {
        let amount: StripeAmount
        do { amount = try StripeAmount(request.amount) } catch { return .misconfigured(reason: error.message) }
        var form = FormEncoding([("payment_intent", request.payment), ("amount", "\(amount.units)")])
        form.add("metadata", GatewayRefund.key, request.key.text)
        form.add("metadata", "invoice", request.invoice)
        return RefundOutcome(await api.send(.post("/v1/refunds", form, key: request.key)))
    }
}

extension RefundOutcome {
    init(_ reply: StripeReply) {
        switch reply.last {
        case .noAnswer(let reason): self = .unknown(reason: reason)
        case .notSent(let reason, _): self = .notActing(.notProcessed(reason: reason), reason, doubt: reply.doubt)
        case .unsendable(let reason): self = .notActing(.misconfigured(reason: reason), reason, doubt: reply.doubt)
        case .answer(let answer): self.init(answer, doubt: reply.doubt)
        }
    }

    /// `outcome`, unless an earlier try of the same call may have acted.
    private static func notActing(_ outcome: RefundOutcome, _ reason: String, doubt: String?) -> RefundOutcome {
        doubt.map { .unknown(reason: "\($0); then: \(reason)") } ?? outcome
    }

    /// What Stripe says of a charge that cannot be paid back, whoever asks and however often.
    private static let finalCodes: Set<String> = [
        "charge_already_refunded", "charge_disputed", "charge_not_refundable", "refund_disputed_payment",
        "charge_exceeds_source_limit",
    ]

    private init(_ answer: StripeAnswer, doubt: String?) {
        let fault = answer.fault
        switch answer.status {
        case 200..<300:
            do { self = .made(try GatewayRefund(JSONNode(parsing: answer.body))) } catch {
                self = .unknown(reason: "\(answer.summary) with what is no refund: \(error)")
            }
        case 400 where fault.type == "idempotency_error": self = .misconfigured(reason: answer.summary)
        case 400 where fault.code.map(Self.finalCodes.contains) == true || fault.param == "amount":
            self = .notActing(
                .refused(code: fault.code ?? "amount", message: answer.summary), answer.summary, doubt: doubt)
        case 400, 401, 402, 403, 404:
            let outcome =
                fault.isLimit ? Self.notProcessed(reason: answer.summary) : .misconfigured(reason: answer.summary)
            self = .notActing(outcome, answer.summary, doubt: doubt)
        case 429: self = .notActing(.notProcessed(reason: answer.summary), answer.summary, doubt: doubt)
        default: self = .unknown(reason: answer.summary)
        }
    }
}

extension StripeGateway: SetupGateway {
    public func beginSetup(ofCustomer reference: String, key: IdempotencyKey) async -> GatewayLookup<GatewayForm> {
        var form = FormEncoding([("customer", reference), ("usage", "off_session")])
        if !minimalParameters { form.addElement("allowed_payment_method_types", "card") }
        return GatewayLookup(await api.send(.post("/v1/setup_intents", form, key: key)).last) {
            (node) throws(JSONFault) in try GatewayForm(node)
        }
    }

    public func detach(_ method: String, key: IdempotencyKey) async -> SetupOutcome {
        let path = "/v1/payment_methods/\(PercentEncoding.encode(method))/detach"
        let reply = await api.send(.post(path, FormEncoding(), key: key))
        // Whoever has let go of it already is told 400 or 404, and that is what was wanted.
        if case .answer(let answer) = reply.last, [400, 404].contains(answer.status), !answer.fault.isLimit {
            return .refused(code: answer.fault.code ?? "not_attached", message: answer.summary)
        }
        return SetupOutcome(reply, customersFault: [])
    }
}

extension GatewayForm {
    init(_ node: JSONNode) throws(JSONFault) {
        self.init(
            reference: try node.required("id").string(), clientSecret: try node.required("client_secret").string(),
            status: try node.required("status").string())
    }
}
