public import BillingPorts
internal import HTTPTypes
internal import JSONText
public import JobKit
public import Money

// Stripe's pages: Checkout in its mode `setup` for cards, and the page of an intent's next action for the bank's question.
extension StripeGateway: HostedPages {
    public func openCardPage(
        customer: String?, currency: Currency, mark: String, returnTo: String, key: IdempotencyKey
    ) async -> CardPageOutcome {
        var form = FormEncoding([("mode", "setup"), ("currency", currency.code.lowercased())])
        if let customer { form.add("customer", customer) }
        form.add("client_reference_id", mark)
        form.add("success_url", returnTo)
        form.add("cancel_url", returnTo)
        let reply = await api.send(.post("/v1/checkout/sessions", form, key: key))
        switch StripePage(reply) {
        case .answer(let session):
            guard let id = session.text("id"), let address = session.text("url") else {
                return .unavailable(reason: "Stripe answered with a session that has no page")
            }
            return .open(address: address, reference: id)
        case .misconfigured(let reason): return .misconfigured(reason: reason)
        case .unavailable(let reason): return .unavailable(reason: reason)
        }
    }

    public func cardGiven(on reference: String, mark: String) async -> GivenCard {
        var query = FormEncoding()
        query.addElement("expand", "setup_intent")
        let reply = await api.send(.get("/v1/checkout/sessions/\(PercentEncoding.encode(reference))", query))
        switch StripePage(reply) {
        case .answer(let session):
            guard session.text("client_reference_id") == mark else {
                return .never(reason: "session \(reference) is for another invoice")
            }
            switch session.text("status") {
            case "complete":
                guard let card = session.member("setup_intent")?.text("payment_method") else {
                    return .never(reason: "session \(reference) is complete and has no card")
                }
                return .card(card)
            case "expired": return .never(reason: "session \(reference) has expired")
            default: return .notYet
            }
        case .misconfigured(let reason): return .never(reason: reason)
        case .unavailable(let reason): return .unavailable(reason: reason)
        }
    }

    public func chargeInPerson(_ request: ChargeRequest, returnTo: String) async -> InPersonOutcome {
        guard !CardNumber.appears(in: request.paymentMethod), !CardNumber.appears(in: request.customer) else {
            return .ended(.misconfigured(reason: "a card number stands where Stripe's id of a card belongs"))
        }
        let amount: StripeAmount
        do { amount = try StripeAmount(request.amount) } catch { return .ended(.misconfigured(reason: error.message)) }
        var form = FormEncoding([
            ("amount", "\(amount.units)"), ("currency", amount.currency), ("customer", request.customer),
            ("payment_method", request.paymentMethod), ("confirm", "true"), ("return_url", returnTo),
        ])
        form.addElement("allowed_payment_method_types", "card")
        form.add("metadata", PaymentIntent.attemptKey, request.attempt)
        form.add("metadata", "invoice", request.invoice)
        let reply = await api.send(.post("/v1/payment_intents", form, key: request.key))
        let outcome = ChargeOutcome(reply, asked: amount)
        guard case .requiresAction(let reference?) = outcome, case .answer(let answer) = reply.last,
            let intent = try? JSONNode(parsing: answer.body),
            let address = intent.member("next_action")?.member("redirect_to_url")?.text("url")
        else { return .ended(outcome) }
        return .asks(address: address, reference: reference)
    }

    public func abandon(_ request: ChargeRequest, reference: String, key: IdempotencyKey) async -> ChargeOutcome {
        let path = "/v1/payment_intents/\(PercentEncoding.encode(reference))/cancel"
        let reply = await api.send(.post(path, FormEncoding([("cancellation_reason", "abandoned")]), key: key))
        if case .answer(let answer) = reply.last, (200..<300).contains(answer.status) {
            return .declined(code: "authentication_required", advice: nil, reference: reference)
        }
        // It may have been answered at the last moment: then it cannot be cancelled.
        switch await findCharge(request) {
        case .found(.requiresAction):
            return .unknown(reason: "\(reference) waits for the customer and cannot be cancelled")
        case .found(let outcome): return outcome
        case .notFound: return .unknown(reason: "\(reference) is not there")
        case .unavailable(let reason): return .unknown(reason: reason)
        }
    }
}

/// What a call that moves no money came to.
private enum StripePage {
    case answer(JSONNode)
    case misconfigured(reason: String)
    case unavailable(reason: String)

    init(_ reply: StripeReply) {
        switch reply.last {
        case .answer(let answer):
            switch answer.status {
            case 200..<300:
                if let node = try? JSONNode(parsing: answer.body) {
                    self = .answer(node)
                } else {
                    self = .unavailable(reason: "\(answer.summary) with what is no JSON")
                }
            case 400, 401, 403, 404:
                self =
                    answer.fault.isLimit ? .unavailable(reason: answer.summary) : .misconfigured(reason: answer.summary)
            default: self = .unavailable(reason: answer.summary)
            }
        case .unsendable(let reason): self = .misconfigured(reason: reason)
        case .notSent(let reason, _), .noAnswer(let reason): self = .unavailable(reason: reason)
        }
    }
}
