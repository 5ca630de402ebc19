extension StripeEndpoint {
    private static let confirmFields: StripeForm.Schema = [
        "payment_method": .text, "return_url": .text, "expand": .texts, "use_stripe_sdk": .boolean,
    ]

    static let setupIntents: [StripeEndpoint] = [
        StripeEndpoint(
            "POST", "/v1/setup_intents",
            confirmFields + [
                "customer": .text, "usage": .choice(["on_session", "off_session"]), "confirm": .boolean,
                "description": .text, "metadata": .metadata, "allowed_payment_method_types": .texts,
            ]
        ) { (call: inout StripeCall) throws(StripeError) in
            if let customer = call.form.text("customer") { _ = try call.require(customer, StripeCustomer.self) }
            let id = StripeCall.newID("seti")
            let intent = StripeSetupIntent(
                id: id, created: call.now, status: "requires_payment_method", customer: call.form.text("customer"),
                usage: call.form.text("usage") ?? "off_session",
                clientSecret: "\(id)_secret_\(StripeCall.randomText(25))", description: call.form.text("description"),
                metadata: call.form.metadata)
            call.put(intent)
            call.emit("setup_intent.created", call.render(intent))
            return call.form.boolean("confirm") ? try call.confirm(intent) : call.render(intent)
        },
        StripeEndpoint("GET", "/v1/setup_intents/{id}", ["expand": .texts, "client_secret": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripeSetupIntent.self))
        },
        StripeEndpoint("POST", "/v1/setup_intents/{id}/confirm", confirmFields) {
            (call: inout StripeCall) throws(StripeError) in
            try call.confirm(try call.subject(StripeSetupIntent.self))
        },
        StripeEndpoint("POST", "/v1/setup_intents/{id}/cancel", ["cancellation_reason": .text, "expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            var intent = try call.subject(StripeSetupIntent.self)
            guard !["succeeded", "canceled"].contains(intent.status) else { throw call.unexpected(intent, "cancel") }
            intent.status = "canceled"
            call.put(intent)
            call.emit("setup_intent.canceled", call.render(intent))
            return call.render(intent)
        },
        // The customer answers the bank's question.
        StripeEndpoint("POST", "/_sandbox/setup_intents/{id}/authenticate", [:]) {
            (call: inout StripeCall) throws(StripeError) in
            let intent = try call.subject(StripeSetupIntent.self)
            guard intent.status == "requires_action", let id = intent.paymentMethod else {
                throw call.unexpected(intent, "authenticate")
            }
            return try call.succeed(intent, try call.require(id, StripePaymentMethod.self))
        },
    ]
}

extension StripeCall {
    fileprivate func unexpected(_ intent: StripeSetupIntent, _ verb: String) -> StripeError {
        .invalid(
            "You cannot \(verb) this SetupIntent because it has a status of \(intent.status).",
            code: "setup_intent_unexpected_state", isSaved: true)
    }

    fileprivate mutating func confirm(_ unconfirmed: StripeSetupIntent) throws(StripeError) -> JSON {
        guard !["succeeded", "canceled"].contains(unconfirmed.status) else { throw unexpected(unconfirmed, "confirm") }
        guard let id = form.text("payment_method") ?? unconfirmed.paymentMethod else {
            throw .invalid(
                "You cannot confirm this SetupIntent because it's missing a payment method.",
                code: "setup_intent_unexpected_state", param: "payment_method")
        }
        let method = try usableMethod(id, param: "payment_method")
        guard let card = TestCard(name: method.card) else {
            throw .invalid("The card of \(id) is none this sandbox knows.", param: "payment_method")
        }
        var intent = unconfirmed
        intent.returnUrl = form.text("return_url") ?? intent.returnUrl
        switch card.charge {
        case .succeeds: return try succeed(intent, method)
        // The one card that is saved, and declines when it is charged.
        case .declines where method.card == "chargeCustomerFail": return try succeed(intent, method)
        case .needsAuthentication:
            intent.status = "requires_action"
            intent.paymentMethod = method.id
            put(intent)
            emit("setup_intent.requires_action", render(intent))
            return render(intent)
        case .declines(let refusal):
            intent.status = "requires_payment_method"
            intent.paymentMethod = nil
            intent.refusal = refusal
            intent.refusedMethod = method.id
            put(intent)
            emit("setup_intent.setup_failed", render(intent))
            throw StripeError(
                status: 402, type: "card_error", code: refusal.code, message: refusal.message, isSaved: true,
                card: StripeError.CardError(
                    refusal: refusal, charge: nil, intent: render(intent), method: render(method), isSetup: true))
        }
    }

    /// Saves the card to the customer, if one is named.
    fileprivate mutating func succeed(
        _ unconfirmed: StripeSetupIntent, _ method: StripePaymentMethod
    ) throws(StripeError) -> JSON {
        var (intent, method) = (unconfirmed, method)
        if let customer = intent.customer {
            guard method.customer == nil || method.customer == customer else {
                throw .invalid("The payment method belongs to a different Customer.", param: "payment_method")
            }
            method.customer = customer
            emit("payment_method.attached", render(method))
        }
        put(method)
        intent.status = "succeeded"
        intent.paymentMethod = method.id
        intent.refusal = nil
        put(intent)
        emit("setup_intent.succeeded", render(intent))
        return render(intent)
    }

    func render(_ intent: StripeSetupIntent) -> JSON {
        [
            "id": .string(intent.id), "object": "setup_intent", "application": nil, "automatic_payment_methods": nil,
            "cancellation_reason": nil, "client_secret": .string(intent.clientSecret),
            "created": .integer(intent.created), "customer": JSON(intent.customer),
            "description": JSON(intent.description), "flow_directions": nil, "last_setup_error": lastError(intent),
            "latest_attempt": nil, "livemode": false, "mandate": nil, "metadata": JSON(intent.metadata),
            "next_action": nextAction(intent), "on_behalf_of": nil, "payment_method": JSON(intent.paymentMethod),
            "payment_method_configuration_details": nil, "payment_method_options": nil,
            "payment_method_types": ["card"], "single_use_mandate": nil, "status": .string(intent.status),
            "usage": .string(intent.usage),
        ]
    }

    private func lastError(_ intent: StripeSetupIntent) -> JSON {
        guard let refusal = intent.refusal, let id = intent.refusedMethod,
            let method = find(id, StripePaymentMethod.self)
        else { return nil }
        return [
            "advice_code": JSON(refusal.advice), "code": .string(refusal.code),
            "decline_code": JSON(refusal.declineCode), "message": .string(refusal.message),
            "payment_method": render(method), "type": "card_error",
        ]
    }

    private func nextAction(_ intent: StripeSetupIntent) -> JSON {
        guard intent.status == "requires_action" else { return nil }
        guard let url = intent.returnUrl else { return ["type": "use_stripe_sdk", "use_stripe_sdk": .object([])] }
        return [
            "redirect_to_url": [
                "return_url": .string(url),
                "url": .string("https://hooks.stripe.com/3d_secure_2/hosted?setup_intent=\(intent.id)"),
            ], "type": "redirect_to_url",
        ]
    }
}
