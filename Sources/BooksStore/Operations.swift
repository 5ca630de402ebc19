public import Accounts
internal import Billing
public import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func surroundings(
        of operation: Accounts.Operation, for customer: CustomerKey
    ) async throws -> Surroundings {
        if case .invoice = operation { return Surroundings(sellerNumber: try await sellerNumber(customer.seller)) }
        let (codes, coupons) = (operation.subscriptionCodes, operation.coupons)
        guard !(codes.isEmpty && coupons.isEmpty) else { return Surroundings() }
        let answers = try await transaction.pipeline([
            OperationSQL.lock(coupons: coupons, of: customer.seller), OperationSQL.taken(codes, by: customer),
            OperationSQL.redemptions(of: coupons, customer.seller),
        ])
        let redemptions = try answers[2].decode(String.self, Int.self)
        return Surroundings(
            takenCodes: Set(try answers[1].decode(String.self)),
            redemptions: Dictionary(redemptions.map { ($0.0, $0.1) }) { first, _ in first })
    }

    /// The next number of a seller who numbers in one series.
    private func sellerNumber(_ seller: Seller.ID) async throws -> Int64? {
        switch try await numbering(of: seller).scheme {
        case .customer: nil
        case .seller: try await takeNumbers(1, of: seller)
        }
    }

    public func record(
        _ operation: Accounts.Operation, of customer: CustomerKey, by actor: String, why reason: String
    ) async throws {
        let (code, currency) = try await transaction.query(OperationSQL.customer(customer))
            .only(String.self, String.self)
        let known = try Stored("customers", customer.customer).currency(currency)
        let text = PostgresJSON(try operation.json(customer: code, in: known).text())
        try await transaction.query(OperationSQL.record(text, of: customer, by: actor, why: reason, at: now))
            .require(1, "customer \(customer)")
    }
}

extension Accounts.Operation {
    /// The codes that it would give to subscriptions.
    fileprivate var subscriptionCodes: [String] {
        if case .subscribe(let request) = self { [request.code] } else { [] }
    }

    /// In the order in which they are locked.
    fileprivate var coupons: [String] {
        switch self {
        case .subscribe(let request): Set(request.coupons).sorted()
        case .useCoupon(_, let coupon), .acceptOffer(_, let coupon): [coupon]
        default: []
        }
    }
}

/// Every statement about operations.
enum OperationSQL {
    /// One at a time hands in a coupon, so that its limit holds. A lock by name, since there is no row of it.
    static func lock(coupons: [String], of seller: Seller.ID) -> SQL {
        """
        SELECT pg_advisory_xact_lock(hashtextextended('coupon/' || \(seller) || '/' || given.code, 0))
          FROM unnest(\(coupons)) WITH ORDINALITY AS given(code, place)
         ORDER BY given.place
        """
    }

    static func taken(_ codes: [String], by other: CustomerKey) -> SQL {
        """
        SELECT code FROM books.subscriptions
         WHERE seller_id = \(other.seller) AND code = ANY (\(codes)) AND customer_id <> \(other.customer)
        """
    }

    static func redemptions(of coupons: [String], _ seller: Seller.ID) -> SQL {
        """
        SELECT code, count(*) FROM books.coupon_uses
         WHERE seller_id = \(seller) AND code = ANY (\(coupons))
         GROUP BY code
        """
    }

    static func customer(_ key: CustomerKey) -> SQL {
        """
        SELECT code, currency FROM books.customers
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
        """
    }

    /// The customer is locked, so nobody else numbers its operations.
    static func record(
        _ operation: PostgresJSON, of key: CustomerKey, by actor: String, why reason: String, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.operations (seller_id, customer_id, ordinal, at, by, why, operation)
        SELECT \(key.seller), \(key.customer), coalesce(max(ordinal) + 1, 0), \(now), \(actor), \(reason), \(operation)
          FROM books.operations
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
        """
    }
}
