public import Billing
public import BillingPorts
public import Dates
public import JobKit
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func take(_ events: [GatewayEventArrival]) async throws -> Int {
        guard !events.isEmpty else { return 0 }
        return try await transaction.query(InboxSQL.take(events, from: "sweep")).only(Int.self)
    }

    public func swept(_ gateway: String) async throws -> Instant? {
        try await transaction.query(InboxSQL.swept(gateway)).decode(Instant.self).first
    }

    public func recordSweep(of gateway: String, to instant: Instant) async throws {
        _ = try await transaction.query(InboxSQL.recordSweep(of: gateway, to: instant))
    }

    public func gatewayEvent(_ id: Int64) async throws -> GatewayEventRecord? {
        guard let row = try await transaction.query(InboxSQL.event(id)).first else { return nil }
        let (reference, type, state, body) = try row.decode(String.self, String.self, String.self, [UInt8].self)
        return GatewayEventRecord(
            id: id, reference: reference, type: type,
            state: try Stored("gateway_events", id).choice(GatewayEventRecord.State.self, state), body: body)
    }

    public func settle(
        _ event: GatewayEventRecord, as state: GatewayEventRecord.State, note: String, about customer: CustomerKey?
    ) async throws {
        precondition(state != .stored, "settling says what became of it")
        try await transaction.query(
            InboxSQL.settle(
                event.id, as: state.rawValue, note: note, seller: customer?.seller.rawValue,
                customer: customer?.customer.rawValue, at: now)
        ).require(1, "gateway event \(event.id)")
    }

    public func effect(under key: IdempotencyKey) async throws -> AnnouncedEffect? {
        try await work.effect(under: key)
    }

    public func attempt(known reference: String) async throws -> AttemptPlace? {
        try await transaction.query(GatewaySQL.attempt(reference))
            .decode(Seller.ID.self, Customer.ID.self, Int.self)
            .map { AttemptPlace(customer: CustomerKey(seller: $0, customer: $1), place: $2) }.only("attempt", reference)
    }

    public func paymentMethod(known reference: String) async throws -> (CustomerKey, PaymentMethod.ID)? {
        try await transaction.query(GatewaySQL.method(reference))
            .decode(Seller.ID.self, Customer.ID.self, PaymentMethod.ID.self)
            .map { (CustomerKey(seller: $0, customer: $1), $2) }.only("payment method", reference)
    }

    public func isGiven(_ token: String, by customer: CustomerKey) async throws -> Bool {
        try await transaction.query(GatewaySQL.isGiven(token, by: customer)).only(Bool.self)
    }

    public func customer(known reference: String) async throws -> CustomerKey? {
        try await transaction.query(GatewaySQL.customer(reference)).decode(Seller.ID.self, Customer.ID.self)
            .map { CustomerKey(seller: $0, customer: $1) }.only("customer", reference)
    }

    public func remove(_ method: PaymentMethod.ID, of customer: CustomerKey) async throws {
        _ = try await transaction.pipeline([
            AccountSQL.lock([customer.customer], of: customer.seller), GatewaySQL.remove(method, of: customer),
        ])
    }

    public func forgetGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        _ = try await transaction.pipeline([
            AccountSQL.lock([customer.customer], of: customer.seller), GatewaySQL.removeAll(of: customer),
            GatewaySQL.forget(reference, of: customer),
        ])
    }

    public func disputes(of customer: CustomerKey) async throws -> [DisputeRecord] {
        try await transaction.query(GatewaySQL.disputes(of: customer)).map { row in
            let (reference, attempt, invoice, amount, currency, reason, state) = try row.decode(
                String.self, Int.self, Int.self, Int64.self, String.self, String.self, String.self)
            let stored = Stored("disputes", "\(customer)/\(reference)")
            return DisputeRecord(
                reference: reference, attempt: attempt, invoice: invoice,
                amount: try stored.money(amount, currency), reason: reason,
                state: try stored.choice(DisputeRecord.State.self, state))
        }
    }

    public func record(_ dispute: DisputeRecord, of customer: CustomerKey) async throws {
        try await transaction.query(GatewaySQL.record(dispute, of: customer, at: now))
            .require(1, "dispute \(dispute.reference)")
    }
}

extension Array {
    /// The gateway's ids are its own: two of ours behind one are a fault that nobody may build on.
    fileprivate func only(_ noun: String, _ reference: String) throws(UnreadableRow) -> Element? {
        guard count <= 1 else {
            throw UnreadableRow("the gateway's id \(reference) stands for \(count) \(noun)s of ours")
        }
        return first
    }
}

/// Every statement about what the gateway knows by its own ids.
enum GatewaySQL {
    static func attempt(_ reference: String) -> SQL {
        """
        SELECT seller_id, customer_id, ordinal FROM books.payment_attempts
         WHERE gateway_reference = \(reference) AND number > 0 LIMIT 2
        """
    }

    static func method(_ reference: String) -> SQL {
        """
        SELECT seller_id, customer_id, payment_method_id FROM books.payment_methods
         WHERE gateway_reference = \(reference) AND state = 'active' LIMIT 2
        """
    }

    static func isGiven(_ token: String, by key: CustomerKey) -> SQL {
        """
        SELECT EXISTS (SELECT FROM books.payment_methods
                        WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
                          AND (token = \(token) OR gateway_reference = \(token)))
        """
    }

    static func customer(_ reference: String) -> SQL {
        "SELECT seller_id, customer_id FROM books.customers WHERE gateway_customer = \(reference) LIMIT 2"
    }

    static func remove(_ method: PaymentMethod.ID, of key: CustomerKey) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'removed'
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND payment_method_id = \(method)
           AND state IN ('pending', 'active')
        """
    }

    static func removeAll(of key: CustomerKey) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'removed'
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND state = 'active'
        """
    }

    static func forget(_ reference: String, of key: CustomerKey) -> SQL {
        """
        UPDATE books.customers SET gateway_customer = NULL, gateway_losses = gateway_losses + 1
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND gateway_customer = \(reference)
        """
    }

    static func disputes(of key: CustomerKey) -> SQL {
        """
        SELECT reference, attempt, invoice, amount, currency, reason, state FROM books.disputes
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) ORDER BY booked_at, reference
        """
    }

    static func record(_ dispute: DisputeRecord, of key: CustomerKey, at now: Instant) -> SQL {
        """
        INSERT INTO books.disputes AS known
               (seller_id, customer_id, reference, attempt, invoice, amount, currency, reason, state, booked_at,
                changed_at)
        VALUES (\(key.seller), \(key.customer), \(dispute.reference), \(dispute.attempt), \(dispute.invoice),
                \(dispute.amount.minorUnits), \(dispute.amount.currency.code), \(dispute.reason),
                \(dispute.state.rawValue), \(now), \(now))
            ON CONFLICT (seller_id, customer_id, reference)
            DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at
        """
    }
}
