internal import Accounts
internal import Billing
internal import BillingPorts
internal import JobKit

// What became of what a customer pays with.
extension ReactToGatewayEventHandler {
    /// The network has put a new card behind the old one: what an old one could not pay is tried at once.
    func renew(_ method: String, _ event: GatewayEventRecord, in context: BillingContext) async throws -> JobOutcome {
        try await context.complete { work in
            guard let (customer, _) = try await work.paymentMethod(known: method),
                let open = try await work.accounts([customer]).first, let arrangement = open.account.arrangement
            else { return try await work.settle(event, as: .ignored, note: "no method of ours", about: nil) }
            guard open.account.invoices.contains(where: { $0.state == .open && $0.dunning != nil }) else {
                return try await work.settle(event, as: .ignored, note: "nothing is overdue", about: customer)
            }
            try await work.perform(.setPayment(arrangement), for: customer, by: "gateway", why: event.type)
            try await work.settle(event, as: .done, note: "", about: customer)
        }
    }

    func detach(_ method: String, _ event: GatewayEventRecord, in context: BillingContext) async throws -> JobOutcome {
        let known = try await context.transaction { work in try await work.paymentMethod(known: method) }
        guard let (customer, id) = known else { return try await ignore(event, "no method of ours", in: context) }
        // It may belong to the customer again by now.
        let owner = try found(await news.owner(ofMethod: method))
        return try await context.complete { work in
            guard let open = try await work.accounts([customer]).first,
                owner != open.profile.gatewayCustomer || owner == nil
            else { return try await work.settle(event, as: .ignored, note: "attached again", about: customer) }
            try await work.remove(id, of: customer)
            try await work.losePaymentMethod(of: open)
            try await work.settle(event, as: .done, note: "", about: customer)
        }
    }

    /// What the customer has saved at the gateway's own form is what is charged from now on.
    func take(
        _ method: String, of reference: String, _ event: GatewayEventRecord, in context: BillingContext
    ) async throws -> JobOutcome {
        let known = try await context.transaction { work in try await work.customer(known: reference) }
        guard let customer = known else { return try await ignore(event, "no customer of ours", in: context) }
        // By now it may be gone again.
        guard try found(await news.owner(ofMethod: method)) == reference else {
            return try await ignore(event, "no longer the customer's", about: customer, in: context)
        }
        return try await context.complete { work in
            guard try await !work.accounts([customer]).isEmpty, try await !work.isGiven(method, by: customer) else {
                return try await work.settle(event, as: .ignored, note: "the books know", about: customer)
            }
            let given = try await work.addPaymentMethod(method, of: customer)
            try await work.perform(
                .setPayment(PaymentArrangement(method: .card)), for: customer, by: "gateway", why: event.reference)
            try await work.enqueue(RegisterPaymentMethod(customer: customer, method: given))
            try await work.settle(event, as: .done, note: "", about: customer)
        }
    }

    func forget(_ reference: String, _ event: GatewayEventRecord, in context: BillingContext) async throws -> JobOutcome
    {
        let known = try await context.transaction { work in try await work.customer(known: reference) }
        guard let customer = known else { return try await ignore(event, "no customer of ours", in: context) }
        guard try found(await news.customer(reference)) == nil else {
            return try await ignore(event, "still there", about: customer, in: context)
        }
        return try await context.complete { work in
            guard let open = try await work.accounts([customer]).first else { return }
            try await work.forgetGatewayCustomer(reference, of: customer)
            try await work.losePaymentMethod(of: open)
            try await work.settle(event, as: .done, note: "", about: customer)
        }
    }
}

extension BillingWork {
    /// The customer has nothing to pay with: what is owed is asked for.
    fileprivate func losePaymentMethod(of open: OpenAccount) async throws {
        var open = open
        open.account.losePaymentMethod()
        try await store([open])
        try await followUp(try await accounts([open.key]))
    }
}
