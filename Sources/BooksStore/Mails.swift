internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    public func mail(_ ordinal: Int, of customer: CustomerKey) async throws -> MailRecord? {
        guard let row = try await transaction.query(MailsSQL.mail(ordinal, of: customer)).first else { return nil }
        let (
            template, subject, at, messageID, state, recipient, name, sellerName, timeZone, currency, total, paid, due,
            dueOn, daysAhead, coupon
        ) = try row.decode(
            String.self, String.self, Instant.self, String.self, String.self, String.self, String.self, String.self,
            String.self, String?.self, Int64?.self, Int64?.self, Int64?.self, LocalDate?.self, Int?.self, String?.self)
        let stored = Stored("mails", "\(customer)/\(ordinal)")
        var facts: MailRecord.InvoiceFacts?
        if let currency, let total, let paid, let due, let dueOn {
            facts = MailRecord.InvoiceFacts(
                total: try stored.money(total, currency), paid: try stored.money(paid, currency),
                due: try stored.money(due, currency), dueOn: try stored.date(dueOn))
        }
        return MailRecord(
            customer: customer, ordinal: ordinal, template: try stored.choice(Mail.Template.self, template),
            subject: subject, at: at, messageID: messageID, state: try stored.choice(MailRecord.State.self, state),
            recipient: recipient, customerName: name, sellerName: sellerName, timeZone: timeZone, invoice: facts,
            daysAhead: daysAhead, coupon: coupon)
    }

    public func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws {
        precondition(mail.state != .sent, "a mail that was sent stays sent")
        try await transaction.query(MailsSQL.settle(mail, as: state, reply: reply, at: now))
            .require(1, "mail \(mail.ordinal) of \(mail.customer)")
    }
}

/// Every statement about mails.
enum MailsSQL {
    /// With the invoice whose number is its subject, if there is one.
    static func mail(_ ordinal: Int, of key: CustomerKey) -> SQL {
        """
        SELECT mail.template, mail.subject, mail.at, mail.message_id, mail.state, mail.recipient, customer.name,
               seller.name, customer.time_zone, invoice.currency, invoice.total, invoice.paid,
               CASE WHEN invoice.state = 'open'
                    THEN greatest(0, invoice.total - invoice.credit_applied - invoice.paid - invoice.noted)
                    WHEN invoice.state IS NOT NULL THEN 0 END,
               invoice.due_on,
               CASE mail.template WHEN 'trial_ending' THEN (seller.settings #>> '{reminders,trial_days}')::integer
                                  WHEN 'renewal_reminder' THEN (seller.settings #>> '{reminders,term_days}')::integer
               END,
               CASE mail.template WHEN 'win_back' THEN seller.settings #>> '{cancellation,win_back,coupon}' END
          FROM books.mails AS mail
          JOIN books.customers AS customer USING (seller_id, customer_id)
          JOIN books.sellers AS seller USING (seller_id)
          LEFT JOIN books.invoices AS invoice
                 ON (invoice.seller_id, invoice.number) = (mail.seller_id, mail.subject)
                AND invoice.customer_id = mail.customer_id
         WHERE mail.seller_id = \(key.seller) AND mail.customer_id = \(key.customer) AND mail.ordinal = \(ordinal)
        """
    }

    static func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String, at now: Instant) -> SQL {
        """
        UPDATE books.mails SET state = \(state.rawValue), reply = \(reply), settled_at = \(now)
         WHERE seller_id = \(mail.customer.seller) AND customer_id = \(mail.customer.customer)
           AND ordinal = \(mail.ordinal) AND state = \(mail.state.rawValue)
        """
    }
}
