public import Accounts
internal import Billing
public import BillingPorts
public import Dates
internal import JobKit
public import Postgres
internal import QueueStore

extension PostgresBooks {
    public func paymentPage(_ key: String, of customer: CustomerKey) async throws -> PaymentPage? {
        try await PaymentPageSQL.read(key, of: customer, transaction)
    }

    public func store(_ page: PaymentPage) async throws {
        try await transaction.query(PaymentPageSQL.store(page)).require(1, "payment page \(page.key)")
    }
}

/// An invoice as its payment page shows it.
public struct PayableInvoice: Sendable, Hashable {
    /// What a mail would tell of it.
    public let facts: MailRecord
    public let isOpen: Bool
    /// Whether there is something at the gateway that can be charged.
    public let isChargeable: Bool
    /// The newest attempt to collect it.
    public let lastAttempt: Attempt?

    public struct Attempt: Sendable, Hashable {
        public let at: Instant
        /// `nil`: nobody has answered yet.
        public let outcome: PaymentAttempt.Outcome?
    }
}

/// The books as the web process may see them, by its own role: one seller a transaction, nothing written but jobs of the
/// kinds that it was granted.
public struct WebBooks: Sendable {
    private let pool: PostgresPool
    private let inspection: BooksInspection

    /// `pool` connects as the web's role.
    public init(_ pool: PostgresPool, _ context: BooksContext) {
        self.pool = pool
        inspection = BooksInspection(pool, context)
    }

    /// `nil`: there is no such invoice.
    public func invoice(_ place: Int, of customer: CustomerKey, at now: Instant) async throws -> PayableInvoice? {
        try await inspection.read(customer.seller) { transaction in
            let row = try await transaction.query(PaymentPageSQL.invoice(place, of: customer))
                .first(String.self, String.self, Bool.self, Instant?.self, String?.self)
            guard let (number, state, isChargeable, at, outcome) = row,
                let facts = try await inspection.mailReader(transaction).mail(
                    .invoiceIssued, about: number, of: customer, at: now)
            else { return nil }
            let stored = Stored("payment_attempts", "\(customer)/\(place)")
            return PayableInvoice(
                facts: facts, isOpen: state == "open", isChargeable: isChargeable,
                lastAttempt: try at.map {
                    PayableInvoice.Attempt(
                        at: $0, outcome: try stored.choice(PaymentAttempt.Outcome.self, ifAny: outcome))
                })
        }
    }

    public func paymentPage(_ key: String, of customer: CustomerKey) async throws -> PaymentPage? {
        try await inspection.read(customer.seller) { transaction in
            try await PaymentPageSQL.read(key, of: customer, transaction)
        }
    }

    public func enqueue(_ arguments: OpenPaymentPage) async throws {
        try await enqueue(NewJob(arguments), for: arguments.customer)
    }

    public func enqueue(_ arguments: FinishPaymentPage) async throws {
        try await enqueue(NewJob(arguments), for: arguments.customer)
    }

    private func enqueue(_ job: NewJob, for customer: CustomerKey) async throws {
        try await pool.transaction(settings: [.tenant(.one(customer.seller.rawValue))]) { transaction in
            _ = try await transaction.query(PaymentPageSQL.enqueue(job))
        }
    }
}

private enum PaymentPageSQL {
    static func read(
        _ key: String, of customer: CustomerKey, _ transaction: Transaction
    ) async throws -> PaymentPage? {
        let row = try await transaction.query(page(key, of: customer)).first(
            Int.self, String.self, String.self, String?.self, String?.self, Int?.self, PaymentMethod.ID?.self,
            Instant.self, Instant.self)
        guard let (invoice, wish, state, address, reference, attempt, method, createdAt, changedAt) = row else {
            return nil
        }
        let stored = Stored("payment_pages", "\(customer)/\(key)")
        return PaymentPage(
            customer: customer, key: key, invoice: invoice, wish: try stored.choice(PaymentWish.self, wish),
            state: try stored.choice(PaymentPage.State.self, state), address: address, reference: reference,
            attempt: attempt, method: method, createdAt: createdAt, changedAt: changedAt)
    }

    static func page(_ key: String, of customer: CustomerKey) -> SQL {
        """
        SELECT invoice, wish, state, address, reference, attempt, method, created_at, changed_at
          FROM books.payment_pages
         WHERE seller_id = \(customer.seller) AND customer_id = \(customer.customer) AND key = \(key)
        """
    }

    static func store(_ page: PaymentPage) -> SQL {
        """
        INSERT INTO books.payment_pages
               (seller_id, customer_id, key, invoice, wish, state, address, reference, attempt, method, created_at,
                changed_at)
        VALUES (\(page.customer.seller), \(page.customer.customer), \(page.key), \(page.invoice), \(page.wish.rawValue),
                \(page.state.rawValue), \(page.address), \(page.reference), \(page.attempt), \(page.method),
                \(page.createdAt), \(page.changedAt))
            ON CONFLICT (seller_id, customer_id, key) DO UPDATE
           SET state = excluded.state, address = excluded.address, reference = excluded.reference,
               attempt = excluded.attempt, method = excluded.method, changed_at = excluded.changed_at
        """
    }

    static func invoice(_ place: Int, of customer: CustomerKey) -> SQL {
        """
        SELECT invoice.number, invoice.state,
               customer.gateway_customer IS NOT NULL AND customer.payment_method IN ('card', 'ach')
               AND EXISTS (SELECT FROM books.payment_methods AS method
                            WHERE (method.seller_id, method.customer_id) = (invoice.seller_id, invoice.customer_id)
                              AND method.state = 'active'),
               attempt.at, attempt.outcome
          FROM books.invoices AS invoice
          JOIN books.customers AS customer USING (seller_id, customer_id)
          LEFT JOIN LATERAL (
               SELECT at, outcome FROM books.payment_attempts AS tried
                WHERE (tried.seller_id, tried.customer_id, tried.invoice)
                      = (invoice.seller_id, invoice.customer_id, invoice.ordinal)
                  AND tried.number > 0
                ORDER BY tried.ordinal DESC
                LIMIT 1) AS attempt ON true
         WHERE invoice.seller_id = \(customer.seller) AND invoice.customer_id = \(customer.customer)
           AND invoice.ordinal = \(place)
        """
    }

    static func enqueue(_ job: NewJob) -> SQL {
        """
        SELECT queue.enqueue(\(job.kind.name), \(PostgresJSON(String(decoding: job.arguments, as: UTF8.self))),
                             queue => \(job.queue.name), priority => \(Int(job.priority.rank))::integer, tenant => \(job.tenant),
                             unique_key => \(job.uniqueKey), version => \(job.version)::integer)
        """
    }
}
