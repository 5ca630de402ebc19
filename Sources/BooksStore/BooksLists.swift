internal import Accounts
public import Billing
public import BillingPorts
public import Dates
internal import JobKit
public import Money
public import Postgres
internal import QueueStore

/// What people page through: each page is one statement, and the next begins behind its last row.
extension BooksInspection {
    /// A seller, as commands name it.
    public struct SellerFacts: Hashable, Sendable {
        public let id: Seller.ID
        public let code: String
        /// IANA name.
        public let timeZone: String
    }

    /// A customer in a list. Amounts are in its currency.
    public struct CustomerFacts: Hashable, Sendable {
        public let key: CustomerKey
        public let code: String
        public let name: String
        public let subscriptions: Int
        /// What is left to pay on open invoices.
        public let due: Money
        public let credit: Money
        /// Since a brake holds its invoice; `nil`: none does.
        public let parkedAt: Instant?
    }

    /// An invoice in a list.
    public struct InvoiceFacts: Hashable, Sendable {
        public let number: String
        public let customer: String
        public let date: LocalDate
        public let due: LocalDate
        public let state: InvoiceState
        public let total: Money
        public let amountDue: Money
    }

    /// What was done to an account, by whom and why.
    public struct RecordedOperation: Hashable, Sendable {
        /// Counted from 0 within the customer's.
        public let ordinal: Int
        public let at: Instant
        public let person: String
        public let reason: String
        /// JSON, as in a scenario's timeline.
        public let operation: String
    }

    /// Up to `limit` sellers in the order of their ids; with a code, that one.
    public static func sellers(_ code: String? = nil, limit: Int, _ pool: PostgresPool) async throws -> [SellerFacts] {
        try await pool.transaction(settings: [.tenant(.all)], readOnly: true) { transaction in
            try await transaction.query(ListSQL.sellers(code, limit: limit)).decode(
                Seller.ID.self, String.self, String.self
            ).map { SellerFacts(id: $0, code: $1, timeZone: $2) }
        }
    }

    /// In the order of their codes in upper case, those after `code`.
    public func customers(
        of seller: Seller.ID, after code: String? = nil, onlyParked: Bool = false, limit: Int
    ) async throws -> [CustomerFacts] {
        try await read(seller) { transaction in
            try await transaction.query(ListSQL.customers(of: seller, after: code, onlyParked, limit: limit)).decode(
                Customer.ID.self, String.self, String.self, String.self, Int64.self, Instant?.self, Int.self, Int64.self
            ).map { id, code, name, currency, credit, parkedAt, subscriptions, due in
                let stored = Stored("customers", id)
                return CustomerFacts(
                    key: CustomerKey(seller: seller, customer: id), code: code, name: name,
                    subscriptions: subscriptions, due: try stored.money(due, currency),
                    credit: try stored.money(credit, currency), parkedAt: parkedAt)
            }
        }
    }

    /// In the order of their numbers, those after `number`; of one customer or in one state only, where that is asked.
    public func invoices(
        of seller: Seller.ID, customer: CustomerKey? = nil, state: InvoiceState? = nil, after number: String? = nil,
        limit: Int
    ) async throws -> [InvoiceFacts] {
        try await read(seller) { transaction in
            try await transaction.query(
                ListSQL.invoices(of: seller, customer?.customer, state, after: number, limit: limit)
            ).decode(
                String.self, String.self, LocalDate.self, LocalDate.self, String.self, String.self, Int64.self,
                Int64.self
            ).map { number, customer, date, due, state, currency, total, amountDue in
                let stored = Stored("invoices", number)
                return InvoiceFacts(
                    number: number, customer: customer, date: try stored.date(date), due: try stored.date(due),
                    state: try stored.choice(InvoiceState.self, state), total: try stored.money(total, currency),
                    amountDue: try stored.money(amountDue, currency))
            }
        }
    }

    /// Newest first; of one subscription only, where that is asked.
    public func operations(
        on customer: CustomerKey, about subscription: String? = nil, limit: Int
    ) async throws -> [RecordedOperation] {
        try await read(customer.seller) { transaction in
            try await transaction.query(ListSQL.operations(on: customer, about: subscription, limit: limit)).decode(
                Int.self, Instant.self, String.self, String.self, PostgresJSON.self
            ).map { RecordedOperation(ordinal: $0, at: $1, person: $2, reason: $3, operation: $4.text) }
        }
    }

    /// Whose subscription that is; `nil`: nobody's.
    public func owner(ofSubscription code: String, of seller: Seller.ID) async throws -> CustomerKey? {
        try await read(seller) { transaction in
            try await transaction.query(ListSQL.owner(ofSubscription: code, of: seller)).first(Customer.ID.self)
                .map { CustomerKey(seller: seller, customer: $0) }
        }
    }

    /// For whom something falls due by an instant, or who is parked: in the order of their ids, those after `cursor`.
    public func customersToBill(
        of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int
    ) async throws -> [CustomerKey] {
        try await read(seller) { transaction in
            try await transaction.query(ListSQL.toBill(of: seller, by: instant, after: cursor, limit: limit))
                .decode(Customer.ID.self).map { CustomerKey(seller: seller, customer: $0) }
        }
    }

    /// How many those are.
    public func countOfCustomersToBill(of seller: Seller.ID, by instant: Instant) async throws -> Int {
        try await read(seller) { transaction in
            try await transaction.query(ListSQL.countToBill(of: seller, by: instant)).only(Int.self)
        }
    }
}

/// Every statement of the lists. Pages are found by the unique index of what they are ordered by.
enum ListSQL {
    static func sellers(_ code: String?, limit: Int) -> SQL {
        """
        SELECT seller_id, code, time_zone FROM books.sellers WHERE code = \(code) OR \(code)::text IS NULL
         ORDER BY seller_id LIMIT \(limit)
        """
    }

    static func customers(of seller: Seller.ID, after code: String?, _ onlyParked: Bool, limit: Int) -> SQL {
        let parked: SQL = onlyParked ? "AND customer.parked_at IS NOT NULL" : ""
        return """
            SELECT customer.customer_id, customer.code, customer.name, customer.currency, customer.credit,
                   customer.parked_at,
                   (SELECT count(*) FROM books.subscriptions AS subscription
                     WHERE (subscription.seller_id, subscription.customer_id)
                           = (customer.seller_id, customer.customer_id)),
                   (SELECT coalesce(sum(greatest(0, total - credit_applied - paid - noted)), 0)::bigint
                      FROM books.invoices AS invoice
                     WHERE (invoice.seller_id, invoice.customer_id) = (customer.seller_id, customer.customer_id)
                       AND invoice.state = 'open')
              FROM books.customers AS customer
             WHERE customer.seller_id = \(seller) AND customer.printed_code > \(code?.uppercased() ?? "") \(parked)
             ORDER BY customer.printed_code
             LIMIT \(limit)
            """
    }

    static func invoices(
        of seller: Seller.ID, _ customer: Customer.ID?, _ state: InvoiceState?, after number: String?, limit: Int
    ) -> SQL {
        let ofCustomer: SQL = if let customer { "AND invoice.customer_id = \(customer)" } else { "" }
        let inState: SQL = if let state { "AND invoice.state = \(state.rawValue)" } else { "" }
        return """
            SELECT invoice.number, customer.code, invoice.issued_on, invoice.due_on, invoice.state, invoice.currency,
                   invoice.total,
                   CASE WHEN invoice.state = 'open'
                        THEN greatest(0, invoice.total - invoice.credit_applied - invoice.paid - invoice.noted)
                        ELSE 0 END
              FROM books.invoices AS invoice
              JOIN books.customers AS customer USING (seller_id, customer_id)
             WHERE seller_id = \(seller) AND invoice.number > \(number ?? "") \(ofCustomer) \(inState)
             ORDER BY invoice.number
             LIMIT \(limit)
            """
    }

    static func operations(on key: CustomerKey, about subscription: String?, limit: Int) -> SQL {
        """
        SELECT ordinal, at, by, why, operation FROM books.operations
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
           AND (\(subscription)::text IS NULL OR operation ->> 'subscription' = \(subscription)
                OR operation ->> 'do' = 'subscribe' AND operation ->> 'id' = \(subscription))
         ORDER BY ordinal DESC
         LIMIT \(limit)
        """
    }

    static func owner(ofSubscription code: String, of seller: Seller.ID) -> SQL {
        "SELECT customer_id FROM books.subscriptions WHERE seller_id = \(seller) AND code = \(code)"
    }

    /// Two ordered passes over two indexes, each cut short.
    static func toBill(of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int) -> SQL {
        let cursor = cursor ?? Customer.ID(0)
        return """
            SELECT customer_id FROM (
                (SELECT customer_id FROM books.customers
                  WHERE seller_id = \(seller) AND next_due_at <= \(instant) AND customer_id > \(cursor)
                  ORDER BY customer_id LIMIT \(limit))
                UNION
                (SELECT customer_id FROM books.customers
                  WHERE seller_id = \(seller) AND parked_at IS NOT NULL AND customer_id > \(cursor)
                  ORDER BY customer_id LIMIT \(limit))) AS found
             ORDER BY customer_id
             LIMIT \(limit)
            """
    }

    static func countToBill(of seller: Seller.ID, by instant: Instant) -> SQL {
        """
        SELECT count(*) FROM books.customers
         WHERE seller_id = \(seller) AND (next_due_at <= \(instant) OR parked_at IS NOT NULL)
        """
    }
}
