internal import Billing
internal import BillingPorts
internal import Dates
internal import Postgres

/// Every statement about mails.
enum MailsSQL {
    static func receipt(of payment: Payment.ID, for key: CustomerKey) -> SQL {
        """
        SELECT invoice.number, payment.amount, payment.currency, payment.received_at, invoice.total - invoice.paid
          FROM books.payments AS payment
          JOIN books.invoices AS invoice USING (seller_id, customer_id, invoice_id)
         WHERE payment.seller_id = \(key.seller) AND payment.customer_id = \(key.customer)
           AND payment.payment_id = \(payment)
        """
    }

    /// Waits for another that stores the same mail, so that `find` then sees whichever there is.
    static func store(
        _ template: String, about reference: String, to recipient: String, for key: CustomerKey, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.mails (seller_id, customer_id, template, reference, recipient, state, created_at)
        VALUES (\(key.seller), \(key.customer), \(template), \(reference), \(recipient),
                \(MailRecord.State.intended.rawValue), \(now))
            ON CONFLICT (seller_id, customer_id, template, reference) DO NOTHING
        """
    }

    static func find(_ template: String, about reference: String, for key: CustomerKey) -> SQL {
        """
        SELECT mail_id, message_id, state FROM books.mails
         WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND template = \(template)
           AND reference = \(reference)
        """
    }

    static func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String, at now: Instant) -> SQL {
        """
        UPDATE books.mails SET state = \(state.rawValue), reply = \(reply), settled_at = \(now)
         WHERE seller_id = \(mail.customer.seller) AND customer_id = \(mail.customer.customer)
           AND mail_id = \(mail.id) AND state = \(mail.state.rawValue)
        """
    }
}
