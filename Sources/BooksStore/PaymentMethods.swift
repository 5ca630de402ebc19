public import Billing
public import BillingPorts
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func paymentMethod(
        _ id: PaymentMethod.ID, of customer: CustomerKey
    ) async throws -> PaymentMethodRecord? {
        let answers = try await transaction.pipeline([
            AccountSQL.lock([customer.customer], of: customer.seller), PaymentMethodSQL.method(id, of: customer),
        ])
        guard let row = answers[1].first else { return nil }
        let (token, state, code, name, email, gatewayCustomer, sellerCode, losses) = try row.decode(
            String.self, String.self, String.self, String.self, String?.self, String?.self, String.self, Int.self)
        return PaymentMethodRecord(
            id: id, customer: customer, customerCode: code, customerName: name, customerEmail: email,
            sellerCode: sellerCode, gatewayCustomer: gatewayCustomer, gatewayLosses: losses, token: token,
            state: try Stored("payment_methods", id).choice(PaymentMethodRecord.State.self, state))
    }

    public func addPaymentMethod(_ token: String, of customer: CustomerKey) async throws -> PaymentMethod.ID {
        try await transaction.query(
            LoadingSQL.paymentMethods([(customer.customer, token)], of: customer.seller, at: now)
        ).only(Customer.ID.self, PaymentMethod.ID.self).1
    }

    public func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws {
        try await transaction.query(PaymentMethodSQL.recordGatewayCustomer(reference, of: customer))
            .require(1, "the gateway's id of customer \(customer)")
    }

    public func activate(_ method: PaymentMethod.ID, of customer: CustomerKey, reference: String) async throws {
        try await transaction.pipeline([
            AccountSQL.lock([customer.customer], of: customer.seller),
            PaymentMethodSQL.removeActive(except: method, of: customer),
            PaymentMethodSQL.activate(method, of: customer, reference: reference),
        ])[2].require(1, "payment method \(method)")
    }

    public func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws {
        try await transaction.pipeline([
            AccountSQL.lock([customer.customer], of: customer.seller),
            PaymentMethodSQL.refuse(method, of: customer, reason: reason),
        ])[1].require(1, "payment method \(method)")
    }
}

/// Every statement about payment methods. Writers lock the customer in the same round trip, before anything else.
enum PaymentMethodSQL {
    static func method(_ id: PaymentMethod.ID, of key: CustomerKey) -> SQL {
        """
        SELECT method.token, method.state, customer.code, customer.name, customer.email, customer.gateway_customer,
               seller.code, customer.gateway_losses
          FROM books.payment_methods AS method
          JOIN books.customers AS customer USING (seller_id, customer_id)
          JOIN books.sellers AS seller USING (seller_id)
         WHERE method.seller_id = \(key.seller) AND method.customer_id = \(key.customer)
           AND method.payment_method_id = \(id)
           FOR NO KEY UPDATE OF method
        """
    }

    /// A second reference would mean a second customer at the gateway: no row changes then.
    static func recordGatewayCustomer(_ reference: String, of key: CustomerKey) -> SQL {
        """
        UPDATE books.customers SET gateway_customer = \(reference)
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
           AND coalesce(gateway_customer, \(reference)) = \(reference)
        """
    }

    /// Before the new one becomes active: of a customer's methods one is active at most.
    static func removeActive(except id: PaymentMethod.ID, of key: CustomerKey) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'removed'
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND state = 'active'
           AND payment_method_id <> \(id)
        """
    }

    static func activate(_ id: PaymentMethod.ID, of key: CustomerKey, reference: String) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'active', gateway_reference = \(reference)
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND payment_method_id = \(id)
           AND (state = 'pending' OR (state = 'active' AND gateway_reference = \(reference)))
        """
    }

    static func refuse(_ id: PaymentMethod.ID, of key: CustomerKey, reason: String) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'refused', refusal = \(reason)
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND payment_method_id = \(id)
           AND state = 'pending'
        """
    }
}
