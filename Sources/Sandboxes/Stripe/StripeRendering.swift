/// Stripe's objects as its API of version 2026-10-28.endive writes them, with every member its SDK requires.
extension StripeCall {
    func render(_ customer: StripeCustomer) -> JSON {
        if customer.isDeleted == true { return ["id": .string(customer.id), "object": "customer", "deleted": true] }
        return [
            "id": .string(customer.id), "object": "customer", "address": Self.render(customer.address), "balance": 0,
            "created": .integer(customer.created), "currency": nil, "default_source": nil, "delinquent": false,
            "description": JSON(customer.description), "discount": nil, "email": JSON(customer.email),
            "invoice_prefix": .string(String(customer.id.suffix(8)).uppercased()),
            "invoice_settings": [
                "custom_fields": nil, "default_payment_method": JSON(customer.defaultPaymentMethod), "footer": nil,
                "rendering_options": nil,
            ],
            "livemode": false, "metadata": JSON(customer.metadata), "name": JSON(customer.name),
            "next_invoice_sequence": 1, "phone": JSON(customer.phone), "preferred_locales": [], "shipping": nil,
            "tax_exempt": "none", "test_clock": nil,
        ]
    }

    func render(_ method: StripePaymentMethod) -> JSON {
        let card = TestCard(name: method.card)
        let brand = JSON.string(card?.brand ?? "unknown")
        return [
            "id": .string(method.id), "object": "payment_method", "allow_redisplay": "unspecified",
            "billing_details": Self.billing(method),
            "card": [
                "brand": brand, "checks": Self.checks, "country": "US", "display_brand": brand, "exp_month": 12,
                "exp_year": .integer(Self.expiryYear), "fingerprint": .string("sandbox" + (card?.last4 ?? "")),
                "funding": "credit", "generated_from": nil, "last4": .string(card?.last4 ?? ""),
                "networks": ["available": [brand], "preferred": nil], "regulated_status": "unregulated",
                "three_d_secure_usage": ["supported": true], "wallet": nil,
            ],
            "created": .integer(method.created), "customer": JSON(method.customer), "livemode": false,
            "metadata": JSON(method.metadata), "type": "card",
        ]
    }

    func render(_ intent: StripePaymentIntent) -> JSON {
        [
            "id": .string(intent.id), "object": "payment_intent", "amount": .integer(intent.amount),
            "amount_capturable": 0, "amount_details": ["tip": .object([])],
            "amount_received": .integer(intent.amountReceived), "application": nil, "application_fee_amount": nil,
            "automatic_payment_methods": intent.usesAutomaticMethods
                ? ["allow_redirects": "always", "enabled": true] : nil,
            "canceled_at": JSON(intent.canceledAt), "cancellation_reason": JSON(intent.cancellationReason),
            "capture_method": "automatic_async", "client_secret": .string(intent.clientSecret),
            "confirmation_method": "automatic", "created": .integer(intent.created),
            "currency": .string(intent.currency), "customer": JSON(intent.customer),
            "description": JSON(intent.description), "last_payment_error": lastError(intent),
            "latest_charge": JSON(intent.latestCharge), "livemode": false, "metadata": JSON(intent.metadata),
            "next_action": nextAction(intent), "on_behalf_of": nil, "payment_method": JSON(intent.paymentMethod),
            "payment_method_configuration_details": nil,
            "payment_method_options": [
                "card": [
                    "installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
                ]
            ],
            "payment_method_types": ["card"], "payment_record": nil, "processing": nil,
            "receipt_email": JSON(intent.receiptEmail), "review": nil,
            "setup_future_usage": JSON(intent.setupFutureUsage), "shipping": nil, "source": nil,
            "statement_descriptor": JSON(intent.statementDescriptor),
            "statement_descriptor_suffix": JSON(intent.statementDescriptorSuffix),
            "status": .string(intent.status.rawValue), "transfer_data": nil, "transfer_group": nil,
        ]
    }

    func render(_ charge: StripeCharge) -> JSON {
        let method = find(charge.paymentMethod, StripePaymentMethod.self)
        let isPaid = charge.refusal == nil
        return [
            "id": .string(charge.id), "object": "charge", "amount": .integer(charge.amount),
            "amount_captured": .integer(isPaid ? charge.amount : 0),
            "amount_refunded": .integer(charge.amountRefunded), "application": nil, "application_fee": nil,
            "application_fee_amount": nil, "balance_transaction": nil,
            "billing_details": method.map(Self.billing) ?? Self.billing(nil),
            "calculated_statement_descriptor": "BILLWRIGHT SANDBOX", "captured": .bool(isPaid),
            "created": .integer(charge.created), "currency": .string(charge.currency),
            "customer": JSON(charge.customer), "description": JSON(charge.description), "disputed": false,
            "failure_balance_transaction": nil, "failure_code": JSON(charge.refusal?.code),
            "failure_message": JSON(charge.refusal?.message), "fraud_details": .object([]), "livemode": false,
            "metadata": JSON(charge.metadata), "on_behalf_of": nil, "outcome": Self.outcome(charge),
            "paid": .bool(isPaid), "payment_intent": .string(charge.paymentIntent),
            "payment_method": .string(charge.paymentMethod),
            "payment_method_details": details(charge, method), "receipt_email": JSON(charge.receiptEmail),
            "receipt_number": nil, "receipt_url": nil,
            "refunded": .bool(isPaid && charge.amountRefunded == charge.amount), "review": nil, "shipping": nil,
            "source": nil, "source_transfer": nil, "statement_descriptor": nil,
            "statement_descriptor_suffix": JSON(charge.statementDescriptorSuffix),
            "status": isPaid ? "succeeded" : "failed", "transfer": nil, "transfer_data": nil, "transfer_group": nil,
        ]
    }

    func render(_ refund: StripeRefund) -> JSON {
        let charge = find(refund.charge, StripeCharge.self)
        return [
            "id": .string(refund.id), "object": "refund", "amount": .integer(refund.amount),
            "balance_transaction": nil, "charge": .string(refund.charge), "created": .integer(refund.created),
            "currency": .string(refund.currency), "customer": JSON(charge?.customer),
            "destination_details": [
                "card": [
                    "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
                ], "type": "card",
            ],
            "failure_balance_transaction": nil, "failure_reason": JSON(refund.failureReason),
            "metadata": JSON(refund.metadata), "payment_intent": .string(refund.paymentIntent),
            "payment_method": JSON(charge?.paymentMethod),
            "pending_reason": nil, "reason": JSON(refund.reason), "receipt_number": nil,
            "source_transfer_reversal": nil, "status": .string(refund.status ?? "succeeded"), "transfer_reversal": nil,
        ]
    }

    private func lastError(_ intent: StripePaymentIntent) -> JSON {
        guard let refusal = intent.refusal, let id = intent.refusedMethod,
            let method = find(id, StripePaymentMethod.self)
        else { return nil }
        return [
            "advice_code": JSON(refusal.advice), "charge": JSON(intent.latestCharge), "code": .string(refusal.code),
            "decline_code": JSON(refusal.declineCode), "message": .string(refusal.message),
            "payment_method": render(method), "type": "card_error",
        ]
    }

    private func nextAction(_ intent: StripePaymentIntent) -> JSON {
        guard intent.status == .requiresAction else { return nil }
        guard let returnUrl = intent.returnUrl else {
            return ["type": "use_stripe_sdk", "use_stripe_sdk": .object([])]
        }
        return [
            "redirect_to_url": [
                "return_url": .string(returnUrl),
                "url": .string("\(books.origin.text)/_hosted/authenticate/\(intent.id)"),
            ], "type": "redirect_to_url",
        ]
    }

    private func details(_ charge: StripeCharge, _ method: StripePaymentMethod?) -> JSON {
        guard let card = method.flatMap({ TestCard(name: $0.card) }) else { return nil }
        return [
            "card": [
                "amount_authorized": .integer(charge.refusal == nil ? charge.amount : 0), "authorization_code": nil,
                "brand": .string(card.brand), "capture_before": nil, "checks": Self.checks, "country": "US",
                "exp_month": 12, "exp_year": .integer(Self.expiryYear),
                "extended_authorization": ["status": "disabled"], "fingerprint": .string("sandbox" + card.last4),
                "funding": "credit", "incremental_authorization": ["status": "unavailable"], "installments": nil,
                "last4": .string(card.last4), "mandate": nil, "multicapture": ["status": "unavailable"],
                "network": .string(card.brand), "network_token": ["used": false], "network_transaction_id": nil,
                "overcapture": ["maximum_amount_capturable": .integer(charge.amount), "status": "unavailable"],
                "regulated_status": "unregulated", "three_d_secure": nil, "transaction_link_id": nil, "wallet": nil,
            ], "type": "card",
        ]
    }

    private static func outcome(_ charge: StripeCharge) -> JSON {
        guard let refusal = charge.refusal else {
            return [
                "advice_code": nil, "network_advice_code": nil, "network_decline_code": nil,
                "network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 1,
                "seller_message": "Payment complete.", "type": "authorized",
            ]
        }
        return [
            "advice_code": JSON(refusal.advice), "network_advice_code": nil, "network_decline_code": "01",
            "network_status": "declined_by_network", "reason": JSON(refusal.declineCode ?? refusal.code),
            "risk_level": "normal", "risk_score": 1, "seller_message": .string(refusal.message),
            "type": "issuer_declined",
        ]
    }

    private static func billing(_ method: StripePaymentMethod?) -> JSON {
        [
            "address": method?.billingAddress.map(render)
                ?? ["city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil],
            "email": JSON(method?.billingEmail), "name": JSON(method?.billingName),
            "phone": JSON(method?.billingPhone), "tax_id": nil,
        ]
    }

    private static func render(_ address: StripeAddress?) -> JSON {
        guard let address else { return nil }
        return [
            "city": JSON(address.city), "country": JSON(address.country), "line1": JSON(address.line1),
            "line2": JSON(address.line2), "postal_code": JSON(address.postalCode), "state": JSON(address.state),
        ]
    }

    private static var checks: JSON {
        ["address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"]
    }

    /// Far enough that no test meets it by accident.
    private static var expiryYear: Int { 2040 }
}

extension StripeEvent {
    /// The event as it is listed and delivered; its object is text already, so the whole is put together as text.
    func text(pendingWebhooks: Int) -> String {
        let head: JSON = [
            "id": .string(id), "object": "event", "api_version": .string(StripeSandbox.version),
            "created": .integer(created), "livemode": false, "pending_webhooks": .integer(pendingWebhooks),
            "request": ["id": .string(request), "idempotency_key": JSON(idempotencyKey)], "type": .string(type),
        ]
        return "\(head.text.dropLast()),\"data\":{\"object\":\(objectText)}}"
    }
}
