public import Billing
public import BillingPorts
internal import Dates
internal import JobKit
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
            try await store.transaction(tenant: .one(seller.id.rawValue), now: start) { work in
                try await work.recordGatewayCustomer(reference, of: key)
                _ = try await work.activate(method, of: key, reference: attached)
            }
        }
    }

    /// Moves a seller's subscriptions on to the day of `start`. Their customers, in the order of their loading.
    @discardableResult
    public func renew(_ seller: SampleSeller) async throws -> [CustomerKey] {
        let today = TimeZoneRules.utc.localDate(of: start)
        return try await store.transaction(tenant: .one(seller.id.rawValue), now: start) { work in
            let due = try await work.subscriptionsToRenew(of: seller.id, by: today, after: nil, limit: 1000)
            for read in due {
                let decision = try Renewal.decide(
                    for: read.subscription, plan: read.plan, today: today, since: read.lookedOn,
                    hasPaymentMethod: read.hasPaymentMethod)
                try await work.renew(read, decision, on: today)
            }
            return due.map(\.customer)
        }
    }

    /// Renews, and issues to each customer what is due on the day of `start`. Nothing is enqueued.
    @discardableResult
    public func bill(_ seller: SampleSeller) async throws -> [IssuedInvoice] {
        let today = TimeZoneRules.utc.localDate(of: start)
        var issued: [IssuedInvoice] = []
        for key in try await renew(seller) {
            issued.append(
                try await store.transaction(tenant: .one(seller.id.rawValue), now: start) { work in
                    let account = try #require(try await work.accountToInvoice(key))
                    let lines = try Invoicing.linesDue(for: account.account, existing: account.lines, upTo: today)
                    let draft = try DraftInvoice(
                        customer: key.customer, currency: account.customer.currency, lines: lines)
                    return try await work.issue(draft, for: account, on: today)
                })
        }
        return issued
    }

    /// Pays an invoice in full, as the answer of a gateway would.
    public func pay(_ invoice: IssuedInvoice, of customer: CustomerKey) async throws -> Payment.ID {
        try await store.transaction(tenant: .one(customer.seller.rawValue), now: start) { work in
            let open = try #require(try await work.invoiceToCollect(invoice.id, of: customer))
            let attempt = try await work.openAttempt(at: open, with: try #require(open.method))
            try await work.move(attempt, to: PaymentMove(to: .succeeded, because: .answered, reference: "pi_paid"))
            return try await work.receivePayment(
                from: attempt, for: open, on: TimeZoneRules.utc.localDate(of: start))
        }
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
