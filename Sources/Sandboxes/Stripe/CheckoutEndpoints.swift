/// Checkout in its mode `setup`: a page of the sandbox's own on which one of the published test cards is chosen.
extension StripeEndpoint {
    static let checkout: [StripeEndpoint] = [
        StripeEndpoint(
            "POST", "/v1/checkout/sessions",
            [
                "mode": .choice(["setup"]), "currency": .text, "customer": .text, "client_reference_id": .text,
                "success_url": .text, "cancel_url": .text, "metadata": .metadata, "expand": .texts,
            ]
        ) { (call: inout StripeCall) throws(StripeError) in
            _ = try call.form.text(required: "mode")
            let success = try call.form.text(required: "success_url")
            let customer = call.form.text("customer")
            if let customer { _ = try call.require(customer, StripeCustomer.self) }
            let session = StripeSession(
                id: "cs_test_" + StripeCall.randomText(40), created: call.now, customer: customer,
                currency: call.form.text("currency"), clientReferenceId: call.form.text("client_reference_id"),
                successUrl: success, cancelUrl: call.form.text("cancel_url"), setupIntent: StripeCall.newID("seti"),
                metadata: call.form.metadata)
            call.put(session)
            return call.render(session)
        },
        StripeEndpoint("GET", "/v1/checkout/sessions/{id}", ["expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            call.render(
                try call.subject(StripeSession.self), expandsSetup: call.form.texts("expand").contains("setup_intent"))
        },
    ]
}

struct StripeSession: StripeRecord {
    static var table: ReferenceWritableKeyPath<StripeBooks, StripeTable<Self>> { \.sessions }
    static var changes: WritableKeyPath<StripeChange, [Self]> { \.sessions }
    static var kind: (name: String, param: String) { ("checkout.session", "session") }

    /// Stripe's sessions live as long.
    static let lifetime = 86_400

    let id: String
    let created: Int
    let customer: String?
    let currency: String?
    let clientReferenceId: String?
    let successUrl: String
    let cancelUrl: String?
    let setupIntent: String
    var paymentMethod: String?
    var metadata: [String: String] = [:]
}

extension StripeCall {
    func render(_ session: StripeSession, expandsSetup: Bool = false) -> JSON {
        let isComplete = session.paymentMethod != nil
        let isExpired = !isComplete && now >= session.created + StripeSession.lifetime
        let setup: JSON = [
            "id": .string(session.setupIntent), "object": "setup_intent", "payment_method": JSON(session.paymentMethod),
            "status": .string(isComplete ? "succeeded" : "requires_payment_method"), "customer": JSON(session.customer),
        ]
        return [
            "id": .string(session.id), "object": "checkout.session", "mode": "setup",
            "status": .string(isComplete ? "complete" : isExpired ? "expired" : "open"),
            "client_reference_id": JSON(session.clientReferenceId), "created": .integer(session.created),
            "currency": JSON(session.currency), "customer": JSON(session.customer),
            "expires_at": .integer(session.created + StripeSession.lifetime), "livemode": false,
            "metadata": JSON(session.metadata), "payment_status": "no_payment_required",
            "setup_intent": expandsSetup ? setup : .string(session.setupIntent),
            "success_url": .string(session.successUrl),
            "cancel_url": JSON(session.cancelUrl),
            "url": isComplete || isExpired ? nil : .string("\(books.origin.text)/_hosted/checkout/\(session.id)"),
        ]
    }

    /// The customer has chosen a card. Returns where the customer goes; `nil`: there is no such page any more.
    mutating func complete(_ id: String, card: String) -> String? {
        guard var session = find(id, StripeSession.self), session.paymentMethod == nil,
            var method = try? usableMethod("pm_card_\(card)", param: "card")
        else { return nil }
        method.customer = session.customer
        put(method)
        session.paymentMethod = method.id
        put(session)
        emit("checkout.session.completed", render(session))
        return session.successUrl.replacing("{CHECKOUT_SESSION_ID}", with: id)
    }
}
