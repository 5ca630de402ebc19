internal import Billing
internal import BillingPorts
internal import Dates
internal import Money
internal import Postgres

/// Every statement about payment methods, attempts and payments. Writers lock the customer in the same round trip,
/// before anything else.
enum PaymentsSQL {
    static func lockMethod(_ id: PaymentMethod.ID, of key: CustomerKey) -> SQL {
        """
        SELECT token, state FROM books.payment_methods
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND payment_method_id = \(id)
           FOR NO KEY UPDATE
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

    static func openInvoices(of key: CustomerKey) -> SQL {
        """
        SELECT invoice_id FROM books.invoices
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND state = 'open' AND paid < total
         ORDER BY due_on, invoice_id
        """
    }

    static func refuse(_ id: PaymentMethod.ID, of key: CustomerKey, reason: String) -> SQL {
        """
        UPDATE books.payment_methods SET state = 'refused', refusal = \(reason)
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND payment_method_id = \(id)
           AND state = 'pending'
        """
    }

    static func invoice(_ id: Invoice.ID, of key: CustomerKey) -> SQL {
        """
        SELECT number, state, total, paid, currency, due_on FROM books.invoices
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND invoice_id = \(id)
           AND state <> 'draft'
        """
    }

    static func activeMethod(of key: CustomerKey) -> SQL {
        """
        SELECT payment_method_id, gateway_reference FROM books.payment_methods
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND state = 'active'
        """
    }

    /// Whether the method that is active now has been declined for the invoice.
    static func declined(_ invoice: Invoice.ID, of key: CustomerKey) -> SQL {
        """
        SELECT EXISTS (
            SELECT FROM books.payment_attempts AS attempt
              JOIN books.payment_methods AS method USING (seller_id, customer_id, payment_method_id)
             WHERE attempt.seller_id = \(key.seller) AND attempt.customer_id = \(key.customer)
               AND attempt.invoice_id = \(invoice) AND attempt.state = 'declined' AND method.state = 'active')
        """
    }

    /// The states are those of `PaymentState.isPending` and of the index that admits one such attempt.
    static func pendingAttempt(at invoice: Invoice.ID, of key: CustomerKey) -> SQL {
        """
        SELECT attempt.attempt_id, attempt.number, attempt.amount, attempt.currency, attempt.payment_method_id,
               method.gateway_reference, attempt.state, attempt.sent_at
          FROM books.payment_attempts AS attempt
          JOIN books.payment_methods AS method USING (seller_id, customer_id, payment_method_id)
         WHERE attempt.seller_id = \(key.seller) AND attempt.customer_id = \(key.customer)
           AND attempt.invoice_id = \(invoice)
           AND attempt.state IN ('intended', 'sent', 'processing', 'requires_action', 'unknown')
        """
    }

    /// The numbers of an invoice's attempts have no gap, because the customer is locked; the key would refuse two alike.
    static func openAttempt(at invoice: InvoiceToCollect, with method: PaymentMethod.ID, at now: Instant) -> SQL {
        let key = invoice.customer.key
        return """
            INSERT INTO books.payment_attempts
                   (seller_id, customer_id, invoice_id, number, payment_method_id, amount, currency, state, created_at,
                    sent_at)
            SELECT \(key.seller), \(key.customer), \(invoice.id),
                   1 + coalesce((SELECT max(earlier.number) FROM books.payment_attempts AS earlier
                                  WHERE earlier.seller_id = \(key.seller) AND earlier.customer_id = \(key.customer)
                                    AND earlier.invoice_id = \(invoice.id)), 0),
                   \(method), \(invoice.amountDue.minorUnits), \(invoice.amountDue.currency.code),
                   \(PaymentState.sent.rawValue), \(now), \(now)
            RETURNING attempt_id, number
            """
    }

    static func move(_ attempt: PaymentAttemptRecord, to move: PaymentMove, at now: Instant) -> SQL {
        let sentAt = move.state == .sent ? now : nil
        let settledAt = move.state.isFinal ? now : nil
        return """
            UPDATE books.payment_attempts
               SET state = \(move.state.rawValue), gateway_reference = coalesce(\(move.reference), gateway_reference),
                   decline_code = \(move.declineCode), decline = \(move.decline?.rawValue),
                   sent_at = coalesce(\(sentAt), sent_at), settled_at = \(settledAt)
             WHERE seller_id = \(attempt.customer.seller) AND customer_id = \(attempt.customer.customer)
               AND attempt_id = \(attempt.id) AND state = \(attempt.state.rawValue)
            """
    }

    static func insertPayment(from attempt: PaymentAttemptRecord, at now: Instant) -> SQL {
        """
        INSERT INTO books.payments
               (seller_id, customer_id, invoice_id, attempt_id, amount, currency, received_at)
        VALUES (\(attempt.customer.seller), \(attempt.customer.customer), \(attempt.invoice), \(attempt.id),
                \(attempt.amount.minorUnits), \(attempt.amount.currency.code), \(now))
        RETURNING payment_id
        """
    }

    /// Only if the invoice is what the caller took it for when it worked out `state`.
    static func credit(
        _ attempt: PaymentAttemptRecord, to invoice: InvoiceToCollect, becoming state: InvoiceState, at now: Instant
    ) -> SQL {
        let paidAt = state == .paid ? now : nil
        return """
            UPDATE books.invoices
               SET paid = paid + \(attempt.amount.minorUnits), state = \(state.rawValue),
                   paid_at = coalesce(paid_at, \(paidAt))
             WHERE seller_id = \(attempt.customer.seller) AND customer_id = \(attempt.customer.customer)
               AND invoice_id = \(attempt.invoice) AND state = \(invoice.state.rawValue)
               AND total - paid = \(invoice.amountDue.minorUnits) AND currency = \(attempt.amount.currency.code)
            """
    }
}
