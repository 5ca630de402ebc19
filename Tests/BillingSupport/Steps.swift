public import Accounts
internal import Billing
public import BillingPorts
public import Dates
internal import JobKit
internal import Money
internal import Postgres
internal import QueueStore
internal import Testing

// What a job finds done when it begins, done by the books' own operations and by no other job.
extension BillingFixture {
    /// Makes every payment method of a seller chargeable, at the gateway and in the books.
    public func registerMethods(of seller: SampleSeller, at gateway: any PaymentGateway) async throws {
        let waiting = try await query(
            "SELECT customer_id, payment_method_id FROM books.payment_methods WHERE state = 'pending' ORDER BY 2",
            of: seller.id
        ).decode(Customer.ID.self, PaymentMethod.ID.self)
        for (customer, method) in waiting {
            let key = CustomerKey(seller: seller.id, customer: customer)
            let owner = GatewayCustomer(name: "Sample", email: "sample@customers.example", metadata: [:])
            let reference = try await gateway.createCustomer(owner, key: IdempotencyKey("customer \(key)")).reference()
            let attachment = IdempotencyKey("method \(key)/\(method)")
            let attached = try await gateway.attach("pm_card_visa", toCustomer: reference, key: attachment).reference()
            try await work(of: seller.id) { work in
                try await work.recordGatewayCustomer(reference, of: key)
                try await work.activate(method, of: key, reference: attached)
            }
        }
    }

    /// Moves a seller's customers on to `start`. Those who were due, in the order of their loading.
    @discardableResult
    public func renew(_ seller: SampleSeller) async throws -> [CustomerKey] {
        try await work(of: seller.id) { work in
            let due = try await work.customersDue(of: seller.id, by: work.now, after: nil, limit: 1000)
            try await change(due, in: work) { account in try account.advance(to: start) }
            return due
        }
    }

    /// Renews, and issues to each customer what is due at `start`, each in its own series.
    public func bill(_ seller: SampleSeller) async throws {
        let due = try await renew(seller)
        try await change(due) { account in
            let number = account.nextNumber
            _ = try account.invoice(at: start) { _ in number }
        }
    }

    /// Changes accounts of one seller by the books' own rules, at `start` or another instant.
    public func change(
        _ keys: [CustomerKey], at now: Instant? = nil, _ body: @Sendable (inout Account) throws -> Void
    ) async throws {
        guard let seller = keys.first?.seller else { return }
        try await work(of: seller, at: now) { work in try await change(keys, in: work, body) }
    }

    private func change(
        _ keys: [CustomerKey], in work: any BillingWork, _ body: @Sendable (inout Account) throws -> Void
    ) async throws {
        var accounts = try await work.accounts(keys)
        for index in accounts.indices { try body(&accounts[index].account) }
        try await work.store(accounts)
    }

    /// Does what a person asks for, and enqueues what follows.
    public func perform(_ operation: Accounts.Operation, for customer: CustomerKey, at now: Instant? = nil) async throws
    {
        try await work(of: customer.seller, at: now) { work in
            try await work.perform(operation, for: customer, by: "test")
        }
    }

    /// An account as it stands.
    public func account(_ customer: CustomerKey) async throws -> Account {
        try await work(of: customer.seller) { work in try #require(try await work.accounts([customer]).first).account }
    }
}

extension SetupOutcome {
    struct NotDone: Error { let outcome: SetupOutcome }

    /// The gateway's id. Throws for every other outcome.
    public func reference() throws -> String {
        guard case .done(let reference) = self else { throw NotDone(outcome: self) }
        return reference
    }
}
