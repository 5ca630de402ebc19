extension StripeEndpoint {
    private static let confirmFields: StripeForm.Schema = [
        "payment_method": .text, "off_session": .boolean, "return_url": .text, "receipt_email": .text,
        "error_on_requires_action": .boolean, "use_stripe_sdk": .boolean, "expand": .texts,
        "setup_future_usage": .choice(["on_session", "off_session"]),
    ]

    private static let createFields: StripeForm.Schema =
        confirmFields + [
            "amount": .integer, "currency": .text, "customer": .text, "confirm": .boolean, "metadata": .metadata,
            "description": .text, "allowed_payment_method_types": .texts, "statement_descriptor": .text,
            "statement_descriptor_suffix": .text,
            "automatic_payment_methods": .map(["enabled": .boolean, "allow_redirects": .choice(["always", "never"])]),
            "capture_method": .choice(["automatic", "automatic_async"]), "confirmation_method": .choice(["automatic"]),
        ]

    static let paymentIntents: [StripeEndpoint] = [
        StripeEndpoint("POST", "/v1/payment_intents", createFields) { (call: inout StripeCall) throws(StripeError) in
            try call.createIntent()
        },
        StripeEndpoint("GET", "/v1/payment_intents/{id}", ["expand": .texts, "client_secret": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripePaymentIntent.self))
        },
        StripeEndpoint("POST", "/v1/payment_intents/{id}/confirm", confirmFields) {
            (call: inout StripeCall) throws(StripeError) in
            let intent = try call.subject(StripePaymentIntent.self)
            guard [.requiresPaymentMethod, .requiresConfirmation, .requiresAction].contains(intent.status) else {
                throw call.unexpectedState(intent, "confirm")
            }
            return try call.confirm(intent)
        },
        StripeEndpoint(
            "POST", "/v1/payment_intents/{id}/cancel",
            [
                "cancellation_reason": .choice(["duplicate", "fraudulent", "requested_by_customer", "abandoned"]),
                "expand": .texts,
            ]
        ) { (call: inout StripeCall) throws(StripeError) in
            var intent = try call.subject(StripePaymentIntent.self)
            guard ![.succeeded, .canceled].contains(intent.status) else {
                throw call.unexpectedState(intent, "cancel")
            }
            intent.status = .canceled
            intent.canceledAt = call.now
            intent.cancellationReason = call.form.text("cancellation_reason")
            call.put(intent)
            call.emit("payment_intent.canceled", call.render(intent))
            return call.render(intent)
        },
        StripeEndpoint("GET", "/v1/payment_intents", .page + ["customer": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let ids = call.form.text("customer").map { call.books.intentsByCustomer[$0] ?? [] }
            return try call.list(StripePaymentIntent.self, of: ids) { call.render($0) }
        },
    ]
}

extension StripeCall {
    /// What Stripe charges at least, in minor units; others are not checked.
    private static let leastAmounts = ["usd": 50, "eur": 50, "gbp": 30, "chf": 50, "cad": 50, "aud": 50, "jpy": 50]

    fileprivate mutating func createIntent() throws(StripeError) -> JSON {
        let (amount, currency) = try price()
        if form.boolean("off_session") && !form.boolean("confirm") {
            throw .invalid("You can only pass `off_session` when `confirm` is true.", param: "off_session")
        }
        let customer = form.text("customer")
        if let customer { _ = try require(customer, StripeCustomer.self) }
        let id = Self.newID("pi")
        var intent = StripePaymentIntent(
            id: id, created: now, amount: amount, currency: currency, status: .requiresPaymentMethod,
            customer: customer, clientSecret: "\(id)_secret_\(Self.randomText(25))",
            description: form.text("description"), receiptEmail: form.text("receipt_email"),
            statementDescriptor: form.text("statement_descriptor"),
            statementDescriptorSuffix: form.text("statement_descriptor_suffix"),
            setupFutureUsage: form.text("setup_future_usage"),
            usesAutomaticMethods: form.texts("allowed_payment_method_types").isEmpty, metadata: form.metadata)
        try checkMethodTypes()
        if form.boolean("confirm") {
            emit("payment_intent.created", render(intent))
            return try confirm(intent)
        }
        if let method = form.text("payment_method") {
            intent.paymentMethod = try chargeable(method, intent).id
            intent.status = .requiresConfirmation
        }
        put(intent)
        emit("payment_intent.created", render(intent))
        return render(intent)
    }

    private func price() throws(StripeError) -> (Int, String) {
        _ = try form.text(required: "amount")
        let currency = try form.text(required: "currency").lowercased()
        guard currency.utf8.count == 3, currency.allSatisfy({ $0.isASCII && $0.isLetter }) else {
            throw .invalid("Invalid currency: \(currency).", param: "currency")
        }
        guard let amount = form.integer("amount"), amount >= 1 else {
            throw .invalid(
                "This value must be greater than or equal to 1.", code: "parameter_invalid_integer", param: "amount")
        }
        guard amount <= 99_999_999 else {
            throw .invalid("Amount must be no more than 999,999.99", code: "amount_too_large", param: "amount")
        }
        guard amount >= Self.leastAmounts[currency] ?? 1 else {
            throw .invalid(
                "Amount must convert to at least 50 cents.", code: "amount_too_small", param: "amount")
        }
        return (amount, currency)
    }

    private func checkMethodTypes() throws(StripeError) {
        for type in form.texts("allowed_payment_method_types") where type != "card" {
            throw .invalid("This sandbox knows cards only, not \(type).", param: "allowed_payment_method_types")
        }
    }

    private mutating func chargeable(
        _ id: String, _ intent: StripePaymentIntent
    ) throws(StripeError) -> StripePaymentMethod {
        let method = try usableMethod(id, param: "payment_method")
        if let owner = method.customer, owner != intent.customer {
            throw .invalid(
                intent.customer == nil
                    ? "The payment method you provided is attached to a customer so for security purposes you must "
                        + "provide the customer in the request."
                    : "The payment method supplied (\(id)) belongs to a different Customer.", param: "payment_method")
        }
        return method
    }

    fileprivate func unexpectedState(_ intent: StripePaymentIntent, _ verb: String) -> StripeError {
        .invalid(
            "You cannot \(verb) this PaymentIntent because it has a status of \(intent.status.rawValue).",
            code: "payment_intent_unexpected_state", isSaved: true)
    }

    /// Charges the intent's card; the intent, its charge and their events are in the change either way.
    fileprivate mutating func confirm(_ unconfirmed: StripePaymentIntent) throws(StripeError) -> JSON {
        var intent = unconfirmed
        guard let id = form.text("payment_method") ?? intent.paymentMethod else {
            throw .invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code: "payment_intent_unexpected_state", param: "payment_method")
        }
        let method = try chargeable(id, intent)
        guard let card = TestCard(name: method.card) else {
            throw .invalid("The card of \(id) is none this sandbox knows.", param: "payment_method")
        }
        intent.paymentMethod = method.id
        form.update(&intent.returnUrl, "return_url")
        form.update(&intent.receiptEmail, "receipt_email")
        let isAsking = !form.boolean("off_session") && !form.boolean("error_on_requires_action")
        switch card.charge {
        case .succeeds: return succeed(intent, method)
        case .needsAuthentication where isAsking:
            intent.status = .requiresAction
            put(intent)
            emit("payment_intent.requires_action", render(intent))
            return render(intent)
        case .needsAuthentication: throw fail(intent, method, .authenticationRequired)
        case .declines(let refusal): throw fail(intent, method, refusal)
        }
    }

    /// The customer has answered the bank's question.
    mutating func authenticate(_ intent: StripePaymentIntent, succeeds: Bool) -> JSON {
        guard let id = intent.paymentMethod, let method = find(id, StripePaymentMethod.self) else {
            return render(intent)
        }
        if succeeds { return succeed(intent, method) }
        let refusal = CardRefusal(
            code: "payment_intent_authentication_failure", declineCode: nil, advice: nil,
            message: "We are unable to authenticate your payment method. Please choose a different payment method.")
        _ = fail(intent, method, refusal)
        return find(intent.id, StripePaymentIntent.self).map(render) ?? nil
    }

    private mutating func succeed(_ unpaid: StripePaymentIntent, _ method: StripePaymentMethod) -> JSON {
        var intent = unpaid
        let charge = charge(intent, method, nil)
        intent.status = .succeeded
        intent.latestCharge = charge.id
        intent.refusal = nil
        intent.refusedMethod = nil
        put(intent)
        put(charge)
        emit("charge.succeeded", render(charge))
        emit("payment_intent.succeeded", render(intent))
        return render(intent)
    }

    private mutating func fail(
        _ unpaid: StripePaymentIntent, _ method: StripePaymentMethod, _ refusal: CardRefusal
    ) -> StripeError {
        var intent = unpaid
        let charge = charge(intent, method, refusal)
        intent.status = .requiresPaymentMethod
        intent.latestCharge = charge.id
        intent.paymentMethod = nil
        intent.refusal = refusal
        intent.refusedMethod = method.id
        put(intent)
        put(charge)
        emit("charge.failed", render(charge))
        emit("payment_intent.payment_failed", render(intent))
        return StripeError(
            status: 402, type: "card_error", code: refusal.code, message: refusal.message,
            param: refusal == .expiredCard ? "exp_month" : nil, isSaved: true,
            card: StripeError.CardError(
                refusal: refusal, charge: charge.id, intent: render(intent), method: render(method)))
    }

    private func charge(
        _ intent: StripePaymentIntent, _ method: StripePaymentMethod, _ refusal: CardRefusal?
    ) -> StripeCharge {
        StripeCharge(
            id: Self.newID("ch"), created: now, amount: intent.amount, currency: intent.currency,
            paymentIntent: intent.id, paymentMethod: method.id, customer: intent.customer, refusal: refusal,
            description: intent.description, receiptEmail: intent.receiptEmail,
            statementDescriptorSuffix: intent.statementDescriptorSuffix, metadata: intent.metadata)
    }
}
