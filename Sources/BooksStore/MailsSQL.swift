internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import Postgres

/// Every statement about mails as they are sent.
enum MailsSQL {
    /// Lines of an invoice that a mail shows; nobody reads more of them in a mail.
    static let lineLimit = 50

    static func mail(_ ordinal: Int, of key: CustomerKey) -> SQL {
        """
        SELECT mail.template, mail.subject, mail.at, mail.message_id, mail.state, mail.tries, mail.recipient,
               EXISTS (SELECT FROM books.bounced_addresses AS bounced
                        WHERE (bounced.seller_id, bounced.address) = (mail.seller_id, lower(mail.recipient))
                          AND bounced.lifted_at IS NULL),
               customer.name, customer.code, customer.language, customer.time_zone, seller.name, seller.code,
               seller.language
          FROM books.mails AS mail
          JOIN books.customers AS customer USING (seller_id, customer_id)
          JOIN books.sellers AS seller USING (seller_id)
         WHERE mail.seller_id = \(key.seller) AND mail.customer_id = \(key.customer) AND mail.ordinal = \(ordinal)
        """
    }

    /// As `mail`, of one that is not there.
    static func unwritten(
        _ template: Mail.Template, about subject: String, of key: CustomerKey, at now: Instant
    ) -> SQL {
        """
        SELECT \(template.rawValue), \(subject), \(now), 'preview', 'intended', 0, coalesce(customer.email, ''), false,
               customer.name, customer.code, customer.language, customer.time_zone, seller.name, seller.code,
               seller.language
          FROM books.customers AS customer
          JOIN books.sellers AS seller USING (seller_id)
         WHERE customer.seller_id = \(key.seller) AND customer.customer_id = \(key.customer)
        """
    }

    /// What a mail is about, as a table for the statements below.
    static func subject(_ ordinal: Int, of key: CustomerKey) -> SQL {
        """
        (SELECT seller_id, customer_id, subject FROM books.mails
          WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND ordinal = \(ordinal)) AS mail
        """
    }

    static func subject(_ subject: String, of key: CustomerKey) -> SQL {
        """
        (SELECT seller_id, customer_id, \(subject) AS subject FROM books.customers
          WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)) AS mail
        """
    }

    private static let billed: SQL = """
        books.invoices AS invoice
            ON (invoice.number, invoice.seller_id, invoice.customer_id)
               = (mail.subject, mail.seller_id, mail.customer_id)
        """

    static func invoice(_ mail: SQL) -> SQL {
        """
        SELECT invoice.ordinal, invoice.issued_on, invoice.due_on, invoice.currency, invoice.subtotal, invoice.tax,
               invoice.total, invoice.paid,
               CASE WHEN invoice.state = 'open'
                    THEN greatest(0, invoice.total - invoice.credit_applied - invoice.paid - invoice.noted)
                    ELSE 0 END,
               invoice.line_count, invoice.dunning, customer.state ? 'dunning_paused_since', seller.settings
          FROM \(mail)
          JOIN books.customers AS customer USING (seller_id, customer_id)
          JOIN books.sellers AS seller USING (seller_id)
          JOIN \(billed)
        """
    }

    static func lines(_ mail: SQL) -> SQL {
        """
        SELECT line.kind, line.code, line.period_start, line.period_end, line.quantity, line.amount
          FROM \(mail)
          JOIN \(billed)
         CROSS JOIN LATERAL (
               SELECT * FROM books.invoice_lines AS billed
                WHERE (billed.seller_id, billed.customer_id, billed.invoice)
                      = (mail.seller_id, mail.customer_id, invoice.ordinal)
                ORDER BY position
                LIMIT \(lineLimit)) AS line
         ORDER BY line.position
        """
    }

    static func subscription(_ mail: SQL) -> SQL {
        """
        SELECT subscription.plan, subscription.ends_on, (subscription.content ->> 'trial_end')::date,
               (subscription.content #>> '{term,end}')::date, seller.settings #>> '{cancellation,win_back,coupon}'
          FROM \(mail)
          JOIN books.sellers AS seller USING (seller_id)
          JOIN books.subscriptions AS subscription
            ON (subscription.code, subscription.seller_id, subscription.customer_id)
               = (mail.subject, mail.seller_id, mail.customer_id)
        """
    }

    static func note(_ mail: SQL) -> SQL {
        """
        SELECT invoice.number, note.issued_on, note.total, note.currency
          FROM \(mail)
          JOIN books.credit_notes AS note
            ON (note.number, note.seller_id, note.customer_id) = (mail.subject, mail.seller_id, mail.customer_id)
          JOIN books.invoices AS invoice
            ON (invoice.seller_id, invoice.customer_id, invoice.ordinal)
               = (note.seller_id, note.customer_id, note.invoice)
        """
    }

    static func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String, at now: Instant) -> SQL {
        """
        UPDATE books.mails SET state = \(state.rawValue), reply = \(reply), settled_at = \(now), tries = tries + 1
         WHERE seller_id = \(mail.customer.seller) AND customer_id = \(mail.customer.customer)
           AND ordinal = \(mail.ordinal) AND state = \(mail.state.rawValue)
        """
    }

    static func markBounced(
        _ address: String, of seller: Seller.ID, by actor: String, why reason: String, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.bounced_addresses AS known (seller_id, address, reason, marked_by, marked_at)
        VALUES (\(seller), lower(\(address)), \(reason), \(actor), \(now))
            ON CONFLICT (seller_id, address) DO UPDATE
           SET reason = excluded.reason, marked_by = excluded.marked_by, marked_at = excluded.marked_at,
               lifted_by = NULL, lifted_at = NULL
         WHERE known.lifted_at IS NOT NULL
        """
    }
}
