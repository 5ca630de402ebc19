extension StripeEndpoint {
    static let refundsAndCharges: [StripeEndpoint] = [
        StripeEndpoint(
            "POST", "/v1/refunds",
            [
                "payment_intent": .text, "charge": .text, "amount": .integer, "metadata": .metadata, "expand": .texts,
                "reason": .choice(["duplicate", "fraudulent", "requested_by_customer"]),
            ]
        ) { (call: inout StripeCall) throws(StripeError) in
            try call.refund()
        },
        StripeEndpoint("GET", "/v1/refunds/{id}", ["expand": .texts]) { (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripeRefund.self))
        },
        StripeEndpoint("GET", "/v1/refunds", .page + ["payment_intent": .text, "charge": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let intent = call.form.text("payment_intent")
            let charge = call.form.text("charge")
            return try call.list(
                StripeRefund.self,
                where: { (intent == nil || $0.paymentIntent == intent) && (charge == nil || $0.charge == charge) }
            ) { call.render($0) }
        },
        StripeEndpoint("GET", "/v1/charges/{id}", ["expand": .texts]) { (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripeCharge.self))
        },
        StripeEndpoint("GET", "/v1/charges", .page + ["customer": .text, "payment_intent": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let customer = call.form.text("customer")
            let intent = call.form.text("payment_intent")
            return try call.list(
                StripeCharge.self,
                where: { (customer == nil || $0.customer == customer) && (intent == nil || $0.paymentIntent == intent) }
            ) { call.render($0) }
        },
    ]
}

extension StripeCall {
    fileprivate mutating func refund() throws(StripeError) -> JSON {
        var charge = try chargeToRefund()
        guard charge.refusal == nil else {
            throw .invalid("Charge \(charge.id) has not been paid.", code: "charge_not_refundable", isSaved: true)
        }
        let left = charge.amount - charge.amountRefunded
        guard left > 0 else {
            throw .invalid(
                "Charge \(charge.id) has already been refunded.", code: "charge_already_refunded", isSaved: true)
        }
        let amount = form.integer("amount") ?? left
        guard amount >= 1 else {
            throw .invalid("Invalid positive integer", code: "parameter_invalid_integer", param: "amount")
        }
        guard amount <= left else {
            throw .invalid(
                "Refund amount (\(amount)) is greater than unrefunded amount on charge (\(left))", param: "amount",
                isSaved: true)
        }
        charge.amountRefunded += amount
        let refund = StripeRefund(
            id: Self.newID("re"), created: now, amount: amount, currency: charge.currency, charge: charge.id,
            paymentIntent: charge.paymentIntent, reason: form.text("reason"), metadata: form.metadata)
        put(charge)
        put(refund)
        emit("refund.created", render(refund))
        emit("charge.refunded", render(charge))
        return render(refund)
    }

    private func chargeToRefund() throws(StripeError) -> StripeCharge {
        if let id = form.text("charge") { return try require(id, StripeCharge.self) }
        guard let id = form.text("payment_intent") else { throw .parameterMissing("payment_intent") }
        let intent = try require(id, StripePaymentIntent.self, param: "payment_intent")
        guard let charge = intent.latestCharge.flatMap({ find($0, StripeCharge.self) }), charge.refusal == nil else {
            throw .invalid(
                "This PaymentIntent (\(id)) does not have a successful charge to refund.", param: "payment_intent",
                isSaved: true)
        }
        return charge
    }
}
