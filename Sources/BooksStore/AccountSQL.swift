internal import Billing
internal import BillingPorts
internal import Dates
internal import Postgres

/// Every statement that reads accounts: one for each of their parts, however many customers are asked for.
enum AccountSQL {
    /// One after the other in the order given, which is that of their ids, so that two who lock several never wait in a
    /// circle. NO KEY UPDATE excludes every other that locks a customer, but not the foreign keys of those who do not: a
    /// row that merely names it need not wait.
    static func lock(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        """
        SELECT locked.customer_id
          FROM unnest(\(customers)) AS given(id)
         CROSS JOIN LATERAL (
               SELECT customer_id FROM books.customers
                WHERE seller_id = \(seller) AND customer_id = given.id
                  FOR NO KEY UPDATE) AS locked
        """
    }

    /// One pass over the index of what falls due, in the order of ids. A row that somebody has locked is being seen to.
    static func due(of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int) -> SQL {
        """
        SELECT customer_id FROM books.customers
         WHERE seller_id = \(seller) AND next_due_at <= \(instant) AND customer_id > \(cursor ?? Customer.ID(0))
         ORDER BY customer_id
         LIMIT \(limit)
           FOR NO KEY UPDATE SKIP LOCKED
        """
    }

    static func page(of seller: Seller.ID, after cursor: Customer.ID?, limit: Int) -> SQL {
        """
        SELECT customer_id FROM books.customers
         WHERE seller_id = \(seller) AND customer_id > \(cursor ?? Customer.ID(0))
         ORDER BY customer_id
         LIMIT \(limit)
        """
    }

    /// Of accounts: in this order, as `AccountRows` reads them.
    static func parts(_ customers: [Customer.ID], of seller: Seller.ID) -> [SQL] {
        [
            subscriptions(customers, of: seller), transitions(customers, of: seller), invoices(customers, of: seller),
            lines(customers, of: seller),
            notes(customers, of: seller), attempts(customers, of: seller), coupons(customers, of: seller),
            usage(customers, of: seller),
        ]
    }

    static func seller(_ seller: Seller.ID) -> SQL {
        """
        SELECT code, name, time_zone, settings, catalogue_revision, xmin::text::bigint, tells_events FROM books.sellers
         WHERE seller_id = \(seller)
        """
    }

    static func customers(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        """
        SELECT customer.customer_id, customer.code, customer.name, customer.email, customer.currency,
               customer.time_zone, customer.country, customer.region, customer.postal_code, customer.tax_exempt,
               customer.billing_day, customer.payment_method, customer.net_days, customer.gateway_customer,
               customer.credit, customer.recognized_booked, customer.entry_count, customer.mail_count, customer.state,
               customer.next_due_at,
               method.payment_method_id, method.gateway_reference, customer.written_by
          FROM \(each("*, xmin::text::bigint AS written_by", of: "customers", customers, seller, by: "customer_id"))
               AS customer
          LEFT JOIN LATERAL (
               SELECT payment_method_id, gateway_reference FROM books.payment_methods
                WHERE seller_id = \(seller) AND customer_id = customer.customer_id AND state = 'active'
                LIMIT 1) AS method ON true
         ORDER BY customer.customer_id
        """
    }

    /// Rows of those customers, each one's in that order, looked for customer by customer. A list of customers the
    /// planner would rather find by reading all of the seller's in order, as long as it does not know how many there are,
    /// and it keeps to what it once planned.
    private static func each(
        _ columns: SQL, of table: SQL, _ customers: [Customer.ID], _ seller: Seller.ID, by order: SQL
    ) -> SQL {
        """
        (SELECT part.*
           FROM unnest(\(customers)) AS given(id)
          CROSS JOIN LATERAL (
                SELECT \(columns) FROM books.\(table)
                 WHERE seller_id = \(seller) AND customer_id = given.id
                 ORDER BY \(order)) AS part)
        """
    }

    private static func subscriptions(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            "customer_id, ordinal, code, state, starts_on, content", of: "subscriptions", customers, seller,
            by: "ordinal")
    }

    private static func transitions(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            "customer_id, subscription, to_state, cause, at", of: "subscription_transitions", customers, seller,
            by: "subscription, ordinal")
    }

    private static func invoices(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            """
            customer_id, ordinal, number, issued_on, due_on, issued_at, currency, line_count, subtotal, tax, state,
            credit_applied, paid, noted, refunded, charged_back, dunning, withdrawn, voided_on
            """, of: "invoices", customers, seller, by: "ordinal")
    }

    private static func lines(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            """
            customer_id, invoice, kind, code, subscription, period_start, period_end, quantity, factor, amount,
            explanation, extras
            """, of: "invoice_lines", customers, seller, by: "invoice, position")
    }

    private static func notes(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            """
            customer_id, ordinal, number, invoice, issued_on, issued_at, currency, subtotal, tax, credited, refunded,
            shares
            """, of: "credit_notes", customers, seller, by: "ordinal")
    }

    private static func attempts(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            """
            customer_id, ordinal, invoice, number, at, amount, currency, method, outcome, sent_at, gateway_reference,
            decline_code
            """, of: "payment_attempts", customers, seller, by: "ordinal")
    }

    private static func coupons(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            "customer_id, ordinal, currency, definition, subscription, used_on", of: "coupon_uses", customers, seller,
            by: "ordinal")
    }

    private static func usage(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each(
            "customer_id, ordinal, event_id, metric, quantity, properties, given_at, at, counted_on",
            of: "usage_events", customers, seller, by: "ordinal")
    }

    static func mails(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        each("customer_id, ordinal, at, template, subject", of: "mails", customers, seller, by: "ordinal")
    }

    static func entries(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        """
        SELECT entry.customer_id, entry.ordinal, entry.kind, entry.reference, entry.booked_on, posting.debit,
               posting.credit, posting.amount, posting.currency
          FROM books.journal_entries AS entry
          JOIN books.postings AS posting
            ON (posting.seller_id, posting.customer_id, posting.entry)
               = (entry.seller_id, entry.customer_id, entry.ordinal)
         WHERE entry.seller_id = \(seller) AND entry.customer_id = ANY (\(customers))
         ORDER BY entry.customer_id, entry.ordinal, posting.position
        """
    }

    /// As `xmin` has it, of what this transaction writes.
    static let ownVersion: SQL = "SELECT pg_current_xact_id()::xid::text::bigint"

    static func catalogue(_ revision: Int, of seller: Seller.ID) -> SQL {
        """
        SELECT currency, definition FROM books.catalogues
         WHERE seller_id = \(seller) AND revision = \(Int32(revision))
        """
    }

    static func plans(_ ids: [Int64], of seller: Seller.ID) -> SQL {
        """
        SELECT plan_id, currency, definition FROM books.sold_plans
         WHERE seller_id = \(seller) AND plan_id = ANY (\(ids))
        """
    }
}
