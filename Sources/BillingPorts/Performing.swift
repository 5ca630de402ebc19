public import Accounts
internal import Dates
internal import JobKit

extension BillingWork {
    /// Does an operation for a customer, writes it down with who asked for it and why, and enqueues what follows. Throws
    /// `OperationFault`, and has written nothing then.
    public func perform(
        _ operation: Operation, for customer: CustomerKey, by actor: String, why reason: String = ""
    ) async throws {
        let open = try await performed(operation, for: customer)
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
        guard var open = try await accounts([customer]).first else {
            throw OperationFault(.notFound, "there is no customer \(customer)")
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
        case .subscribe, .changePlan, .changeQuantity, .addPrice, .removePrice, .changeBillingDay, .cancel, .pause,
            .resume, .reactivate, .extendTrial, .useCoupon, .setAddress, .bill:
            true
        case .usage, .credit, .setPayment, .creditNote, .pay, .refund, .chargeback, .chargebackReversed, .void,
            .writeOff, .invoice, .overrideDunning, .release:
            false
        }
    }
}
