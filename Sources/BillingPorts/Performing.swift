public import Accounts
internal import Billing
internal import Dates
internal import JobKit

extension BillingWork {
    /// Does an operation for a customer, writes it down with who asked for it and why, and enqueues what follows. Throws
    /// `OperationFault`, and has written nothing then.
    public func perform(
        _ operation: Operation, for customer: CustomerKey, by actor: String, why reason: String = ""
    ) async throws {
        let open = try await performed(operation, for: customer) { open in
            let numbering = open.account.settings.numbering
            switch numbering.scheme {
            case .customer: return open.account.nextNumber
            case .seller:
                return numbering.number(
                    try await takeNumbers(1, of: customer.seller), customer: open.account.code)
            }
        }
        try await store([open])
        try await record(operation, of: customer, by: actor, why: reason)
        if operation.isChange {
            try await enqueue(ProrateChange(customer: customer))
        } else {
            try await followUp([open])
        }
    }

    /// The customer's account as an operation leaves it. Throws `OperationFault`; nothing is written.
    public func performed(_ operation: Operation, for customer: CustomerKey) async throws -> OpenAccount {
        try await performed(operation, for: customer) { open in open.account.nextNumber }
    }

    /// `number`: for the invoice that was due before and that nobody has issued yet.
    private func performed(
        _ operation: Operation, for customer: CustomerKey, number: (OpenAccount) async throws -> String
    ) async throws -> OpenAccount {
        guard var open = try await accounts([customer]).first else {
            throw OperationFault(.notFound, "there is no customer \(customer)")
        }
        // When the renewals lag, whatever they would have done by now comes first.
        if let dueAt = open.dueAt, dueAt < now, let draft = open.account.catchUp(before: now) {
            try open.account.issueLate(draft, before: now, number: try await number(open))
        }
        let surroundings = try await surroundings(of: operation, for: customer)
        try open.account.perform(operation, at: now, among: surroundings)
        return open
    }
}

extension Operation {
    /// Whether it changes what is to be billed.
    fileprivate var isChange: Bool {
        switch self {
        case .subscribe, .changePlan, .changeQuantity, .addPrice, .removePrice, .changeBillingDay, .cancel,
            .acceptOffer, .pause, .resume, .reactivate, .extendTrial, .useCoupon, .setAddress, .bill:
            true
        case .usage, .credit, .setPayment, .creditNote, .pay, .refund, .chargeback, .chargebackReversed, .void,
            .writeOff, .invoice, .overrideDunning, .release:
            false
        }
    }
}
