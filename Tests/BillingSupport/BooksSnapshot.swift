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
        SELECT ROW('customer', code, gateway_customer IS NOT NULL)::text AS line FROM books.customers ORDER BY line
        """,
        """
        SELECT ROW('payment method', token, state, gateway_reference IS NOT NULL, refusal)::text AS line
          FROM books.payment_methods ORDER BY line
        """,
        """
        SELECT ROW('subscription', code, state, ends_on, looked_on, next_action_on)::text AS line
          FROM books.subscriptions ORDER BY line
        """,
        """
        SELECT ROW('transition', code, from_state, to_state, cause, effective_on)::text AS line
          FROM books.subscription_transitions JOIN books.subscriptions USING (seller_id, customer_id, subscription_id)
         ORDER BY line
        """,
        "SELECT ROW('series', series, last)::text AS line FROM books.number_series ORDER BY line",
        """
        SELECT ROW('invoice', number, state, issued_on, due_on, currency, subtotal, tax, total, paid)::text AS line
          FROM books.invoices ORDER BY line
        """,
        """
        SELECT ROW('line', number, position, kind, line.code, subscription.code, period_start, period_end, quantity,
                   factor, amount, explanation)::text AS line
          FROM books.invoice_lines AS line
          JOIN books.invoices USING (seller_id, customer_id, invoice_id)
          LEFT JOIN books.subscriptions AS subscription USING (seller_id, customer_id, subscription_id)
         ORDER BY line
        """,
        """
        SELECT ROW('attempt', invoice.number, attempt.number, attempt.amount, attempt.state,
                   attempt.gateway_reference IS NOT NULL, decline_code, decline)::text AS line
          FROM books.payment_attempts AS attempt
          JOIN books.invoices AS invoice USING (seller_id, customer_id, invoice_id)
         ORDER BY line
        """,
        """
        SELECT ROW('payment', number, amount, payment.currency)::text AS line
          FROM books.payments AS payment JOIN books.invoices USING (seller_id, customer_id, invoice_id)
         ORDER BY line
        """,
        """
        SELECT ROW('posting', customer.code, entry.kind, regexp_replace(entry.reference, '^payment/.*', 'payment'),
                   entry.booked_on, posting.position, posting.debit, posting.credit, posting.amount, posting.currency)
                   ::text AS line
          FROM books.postings AS posting
          JOIN books.journal_entries AS entry USING (seller_id, customer_id, entry_id)
          JOIN books.customers AS customer USING (seller_id, customer_id)
         ORDER BY line
        """,
        """
        SELECT ROW('mail', template, recipient, state, reply)::text AS line FROM books.mails ORDER BY line
        """,
        """
        SELECT ROW('charge of', number, count(*))::text AS line
          FROM queue.all_jobs JOIN books.invoices ON invoice_id = (arguments ->> 'invoice')::bigint
         WHERE kind = 'charge_invoice' AND tenant = seller_id
         GROUP BY number ORDER BY line
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
