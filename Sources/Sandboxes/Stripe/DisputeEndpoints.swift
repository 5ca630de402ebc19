extension StripeEndpoint {
    private static let open = ["warning_needs_response", "needs_response"]
    private static let later = ["warning_closed", "under_review", "won", "lost", "needs_response"]

    /// Disputes; and beside Stripe's own endpoints, under `/_sandbox/`, what banks and customers do.
    static let disputes: [StripeEndpoint] = [
        StripeEndpoint("GET", "/v1/disputes/{id}", ["expand": .texts]) { (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripeDispute.self))
        },
        StripeEndpoint("GET", "/v1/disputes", .page + ["payment_intent": .text, "charge": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let intent = call.form.text("payment_intent")
            let charge = call.form.text("charge")
            return try call.list(
                StripeDispute.self,
                where: { (intent == nil || $0.paymentIntent == intent) && (charge == nil || $0.charge == charge) }
            ) { call.render($0) }
        },
        StripeEndpoint(
            "POST", "/_sandbox/disputes",
            ["payment_intent": .text, "amount": .integer, "reason": .text, "status": .choice(open)]
        ) { (call: inout StripeCall) throws(StripeError) in
            let intent = try call.require(
                try call.form.text(required: "payment_intent"), StripePaymentIntent.self, param: "payment_intent")
            guard let charge = intent.latestCharge.flatMap({ call.find($0, StripeCharge.self) }), charge.refusal == nil
            else { throw .invalid("Nothing was charged that could be disputed.", param: "payment_intent") }
            let dispute = StripeDispute(
                id: StripeCall.newID("du"), created: call.now, amount: call.form.integer("amount") ?? charge.amount,
                currency: charge.currency, charge: charge.id, paymentIntent: intent.id,
                reason: call.form.text("reason") ?? "fraudulent", status: call.form.text("status") ?? "needs_response")
            call.put(dispute)
            call.emit("charge.dispute.created", call.render(dispute))
            if dispute.hasMoney { call.emit("charge.dispute.funds_withdrawn", call.render(dispute)) }
            return call.render(dispute)
        },
        StripeEndpoint("POST", "/_sandbox/disputes/{id}/{status}", [:]) {
            (call: inout StripeCall) throws(StripeError) in
            var dispute = try call.subject(StripeDispute.self)
            let status = call.path["status"] ?? ""
            guard later.contains(status) else {
                throw .invalid("A dispute becomes one of \(later.joined(separator: ", ")).", param: "status")
            }
            let hadMoney = dispute.hasMoney
            dispute.status = status
            call.put(dispute)
            if dispute.hasMoney && !hadMoney { call.emit("charge.dispute.funds_withdrawn", call.render(dispute)) }
            if hadMoney && !dispute.hasMoney { call.emit("charge.dispute.funds_reinstated", call.render(dispute)) }
            let isClosed = ["warning_closed", "won", "lost"].contains(status)
            call.emit(isClosed ? "charge.dispute.closed" : "charge.dispute.updated", call.render(dispute))
            return call.render(dispute)
        },
        StripeEndpoint("POST", "/_sandbox/refunds/{id}/fail", ["failure_reason": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            var refund = try call.subject(StripeRefund.self)
            guard refund.status != "failed" else { throw .invalid("It has failed already.") }
            refund.status = "failed"
            refund.failureReason = call.form.text("failure_reason") ?? "lost_or_stolen_card"
            var charge = try call.require(refund.charge, StripeCharge.self)
            charge.amountRefunded -= refund.amount
            call.put(refund)
            call.put(charge)
            call.emit("refund.updated", call.render(refund))
            call.emit("refund.failed", call.render(refund))
            return call.render(refund)
        },
        StripeEndpoint("POST", "/_sandbox/payment_methods/{id}/renew", [:]) {
            (call: inout StripeCall) throws(StripeError) in
            let method = try call.subject(StripePaymentMethod.self)
            // The network answers with a card that works.
            let renewed = StripePaymentMethod(
                id: method.id, created: method.created, customer: method.customer, card: "visa",
                billingName: method.billingName, billingEmail: method.billingEmail, billingPhone: method.billingPhone,
                billingAddress: method.billingAddress, metadata: method.metadata)
            call.put(renewed)
            call.emit("payment_method.automatically_updated", call.render(renewed))
            return call.render(renewed)
        },
    ]
}

extension StripeCall {
    func render(_ dispute: StripeDispute) -> JSON {
        [
            "id": .string(dispute.id), "object": "dispute", "amount": .integer(dispute.amount),
            // What moved the money is told by the status alone here.
            "balance_transactions": [], "charge": .string(dispute.charge), "created": .integer(dispute.created),
            "currency": .string(dispute.currency), "enhanced_eligibility_types": [],
            "evidence": ["enhanced_evidence": .object([])],
            "evidence_details": [
                "due_by": .integer(dispute.created + 7 * 86_400), "enhanced_eligibility": .object([]),
                "has_evidence": false, "past_due": false, "submission_count": 0, "submission_method": "not_submitted",
            ],
            "is_charge_refundable": .bool(!dispute.hasMoney), "livemode": false, "metadata": .object([]),
            "payment_intent": .string(dispute.paymentIntent), "reason": .string(dispute.reason),
            "status": .string(dispute.status),
        ]
    }
}
