internal import Accounts
internal import Billing
internal import BillingPorts
internal import JSONText
internal import Money

/// What a seller is told of, worked out in one place from what has changed in an account, whatever changed it.
struct EventDraft {
    let customer: Customer.ID
    let type: String
    let object: JSONValue

    /// In the order in which things hang together: subscriptions, invoices, payments.
    static func all(_ open: OpenAccount) throws -> [EventDraft] {
        try subscriptions(open) + invoices(open) + payments(open)
    }

    private static func subscriptions(_ open: OpenAccount) -> [EventDraft] {
        let (account, before) = (open.account, open.before)
        return account.subscriptions.enumerated().flatMap { place, subscription -> [EventDraft] in
            let old = before.subscriptions.indices.contains(place) ? before.subscriptions[place] : nil
            guard old != subscription else { return [] }
            let moves = subscription.history.dropFirst(old?.history.count ?? 0).map(\.to)
            var types = moves.map { "subscription.\($0.rawValue)" }
            if old == nil { types.insert("subscription.created", at: 0) }
            // Something else of it: its plan, quantity, what waits.
            if types.isEmpty { types = ["subscription.updated"] }
            return types.map {
                EventDraft(customer: open.key.customer, type: $0, object: subscription.told(of: account))
            }
        }
    }

    private static func invoices(_ open: OpenAccount) throws -> [EventDraft] {
        let (account, before) = (open.account, open.before)
        return try account.invoices.enumerated().flatMap { place, invoice -> [EventDraft] in
            let old = before.invoices.indices.contains(place) ? before.invoices[place] : nil
            var types: [String] = []
            if old == nil { types.append("invoice.issued") }
            if let type = type(of: invoice.state, after: old?.state) { types.append(type) }
            if invoice.dunning != nil, old?.dunning == nil { types.append("invoice.overdue") }
            return try types.map {
                EventDraft(customer: open.key.customer, type: $0, object: try invoice.told(of: account))
            }
        }
    }

    private static func type(of state: InvoiceState, after old: InvoiceState?) -> String? {
        guard state != old else { return nil }
        switch state {
        case .draft: return nil
        case .open: return old == nil ? nil : "invoice.reopened"
        case .paid: return "invoice.paid"
        case .void: return "invoice.voided"
        case .uncollectible: return "invoice.uncollectible"
        }
    }

    private static func payments(_ open: OpenAccount) -> [EventDraft] {
        let (account, before) = (open.account, open.before)
        return account.attempts.enumerated().compactMap { place, attempt in
            let old = before.attempts.indices.contains(place) ? before.attempts[place] : nil
            guard let type = type(of: attempt, after: old) else { return nil }
            return EventDraft(customer: open.key.customer, type: type, object: attempt.told(of: account))
        }
    }

    private static func type(of attempt: PaymentAttempt, after old: PaymentAttempt?) -> String? {
        if attempt.outcome == .refunded, old?.declineCode != attempt.declineCode { return "payment.refund_failed" }
        guard attempt.outcome != old?.outcome else { return nil }
        switch attempt.outcome {
        case .success: return "payment.succeeded"
        case .processing: return "payment.processing"
        case .requiresAction: return "payment.action_required"
        case .insufficientFunds, .cardDeclined, .expiredCard, .lostCard: return "payment.failed"
        case .refunded: return "payment.refunded"
        // Nothing anybody could act on: it is not known yet, or was never sent.
        case .unknown, .withdrawn, nil: return nil
        }
    }
}

extension Subscription {
    fileprivate func told(of account: Account) -> JSONValue {
        .present([
            "object": "subscription", "id": .string(code), "customer": .string(account.code),
            "plan": .string(plan.code),
            "state": .string(state.rawValue), "starts_on": .text(start), "ends_on": end.map { .text($0.date) },
        ])
    }
}

extension Invoice {
    fileprivate func told(of account: Account) throws -> JSONValue {
        [
            "object": "invoice", "id": .string(number), "customer": .string(account.code),
            "state": .string(state.rawValue), "currency": .string(total.currency.code),
            "subtotal": .integer(subtotal.minorUnits), "tax": .integer(tax.minorUnits),
            "total": .integer(total.minorUnits), "amount_due": .integer(try amountDue.minorUnits),
            "issued_on": .text(date), "due_on": .text(due), "overdue": .bool(dunning != nil),
        ]
    }
}

extension PaymentAttempt {
    fileprivate func told(of account: Account) -> JSONValue {
        .present([
            "object": "payment", "customer": .string(account.code),
            "invoice": .string(account.invoices[invoice].number),
            "number": .integer(Int64(number)), "amount": .integer(amount.minorUnits),
            "currency": .string(amount.currency.code), "method": method.map { .string($0.rawValue) },
            "outcome": outcome.map { .string($0.rawValue) }, "decline_code": declineCode.map { .string($0) },
            "gateway_reference": reference.map { .string($0) },
        ])
    }
}
