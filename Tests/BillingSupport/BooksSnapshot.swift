public import Billing
internal import JobKit
public import Postgres
internal import QueueStore

/// A seller's books and jobs as text, without what may differ between two runs that did the same: ids, keys, clocks.
public struct BooksSnapshot: Sendable, Equatable {
    public let lines: [String]

    public static func read(_ seller: Seller.ID, _ pool: PostgresPool) async throws -> BooksSnapshot {
        let answers = try await pool.transaction(settings: [.tenant(.one(seller.rawValue))]) { transaction in
            try await transaction.pipeline(books + queue(seller))
        }
        return BooksSnapshot(lines: try answers.flatMap { try $0.decode(String.self) })
    }

    /// Of work in batches: who was seen to by a job alone depends on who died when.
    public var withoutJobs: BooksSnapshot {
        BooksSnapshot(lines: lines.filter { !$0.hasPrefix("(job,") && !$0.hasPrefix("(\"job of\",") })
    }

    /// What only one of the two has: `-` the other, `+` this one.
    public func differences(from other: BooksSnapshot) -> [String] {
        lines.difference(from: other.lines).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(line)"
            case .remove(_, let line, _): "- \(line)"
            }
        }
    }

    private static let books: [SQL] = [
        """
        SELECT ROW('customer', code, gateway_customer IS NOT NULL, payment_method, credit, recognized_booked,
                   entry_count, mail_count, state, (next_due_at AT TIME ZONE 'UTC')::date, invoice_requested)
                   ::text AS line
          FROM books.customers ORDER BY line
        """,
        """
        SELECT ROW('payment method', token, state, gateway_reference IS NOT NULL, refusal)::text AS line
          FROM books.payment_methods ORDER BY line
        """,
        """
        SELECT ROW('subscription', code, state, plan, starts_on, ends_on)::text AS line
          FROM books.subscriptions ORDER BY line
        """,
        """
        SELECT ROW('transition', code, moved.ordinal, to_state, cause, (at AT TIME ZONE 'UTC')::date)::text AS line
          FROM books.subscription_transitions AS moved
          JOIN books.subscriptions AS owner
            ON (owner.seller_id, owner.customer_id, owner.ordinal)
               = (moved.seller_id, moved.customer_id, moved.subscription)
         ORDER BY line
        """,
        "SELECT ROW('series', last)::text AS line FROM books.number_series ORDER BY line",
        """
        SELECT ROW('invoice', number, state, issued_on, due_on, currency, subtotal, tax, total, credit_applied, paid,
                   noted, refunded, charged_back, dunning - 'since', withdrawn, voided_on)::text AS line
          FROM books.invoices ORDER BY line
        """,
        """
        SELECT ROW('line', number, position, kind, code, subscription, period_start, period_end, quantity, factor,
                   amount, explanation, extras)::text AS line
          FROM books.invoice_lines AS line
          JOIN books.invoices AS invoice
            ON (invoice.seller_id, invoice.customer_id, invoice.ordinal)
               = (line.seller_id, line.customer_id, line.invoice)
         ORDER BY line
        """,
        """
        SELECT ROW('attempt', invoice.number, attempt.number, attempt.amount, attempt.method, attempt.outcome,
                   attempt.sent_at IS NOT NULL, attempt.gateway_reference IS NOT NULL, decline_code)::text AS line
          FROM books.payment_attempts AS attempt
          JOIN books.invoices AS invoice
            ON (invoice.seller_id, invoice.customer_id, invoice.ordinal)
               = (attempt.seller_id, attempt.customer_id, attempt.invoice)
         ORDER BY line
        """,
        """
        SELECT ROW('posting', customer.code, entry.ordinal, entry.kind, entry.reference, entry.booked_on,
                   posting.position, posting.debit, posting.credit, posting.amount, posting.currency)::text AS line
          FROM books.postings AS posting
          JOIN books.journal_entries AS entry
            ON (entry.seller_id, entry.customer_id, entry.ordinal)
               = (posting.seller_id, posting.customer_id, posting.entry)
          JOIN books.customers AS customer
            ON (customer.seller_id, customer.customer_id) = (entry.seller_id, entry.customer_id)
         ORDER BY line
        """,
        """
        SELECT ROW('mail', customer.code, ordinal, template, subject, recipient, mail.state, reply)::text AS line
          FROM books.mails AS mail JOIN books.customers AS customer USING (seller_id, customer_id)
         ORDER BY line
        """,
        """
        SELECT ROW('job of', code, kind, count(*))::text AS line
          FROM queue.all_jobs
          JOIN books.customers
            ON customer_id = (arguments -> 'customer' ->> 'customer')::bigint
            OR (arguments::jsonb -> 'customers') @> to_jsonb(customer_id)
            OR (arguments::jsonb -> 'mails') @> jsonb_build_array(
                   jsonb_build_object('customer', jsonb_build_object('customer', customer_id)))
         WHERE tenant = seller_id
         GROUP BY code, kind ORDER BY line
        """,
    ]

    /// A job waits, is held or has ended; whether it waits for a moment or a minute is not compared.
    private static func queue(_ seller: Seller.ID) -> [SQL] {
        [
            """
            SELECT ROW('job', kind, CASE WHEN state IN ('scheduled', 'available', 'retryable') THEN 'waiting'
                                         ELSE state END, count(*))::text AS line
              FROM queue.all_jobs WHERE tenant = \(seller.rawValue)
             GROUP BY kind, CASE WHEN state IN ('scheduled', 'available', 'retryable') THEN 'waiting' ELSE state END
             ORDER BY line
            """,
            """
            SELECT ROW('effect', name, regexp_replace(scope, '/.*', ''), state, count(*))::text AS line
              FROM queue.effects WHERE tenant = \(seller.rawValue)
             GROUP BY name, regexp_replace(scope, '/.*', ''), state ORDER BY line
            """,
        ]
    }
}
