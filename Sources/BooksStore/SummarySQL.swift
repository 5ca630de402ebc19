internal import Postgres

/// Every statement of the summary. Row-level security says whose books are read.
enum SummarySQL {
    static let customers: SQL = "SELECT count(*) FROM books.customers"
    static let subscriptions: SQL = "SELECT state, count(*) FROM books.subscriptions GROUP BY state"
    static let invoices: SQL = "SELECT state, count(*) FROM books.invoices GROUP BY state"
    static let attempts: SQL = "SELECT state, count(*) FROM books.payment_attempts GROUP BY state"
    static let mails: SQL = "SELECT state, count(*) FROM books.mails GROUP BY state"
    static let invoiced: SQL = """
        SELECT currency, count(*), sum(total)::bigint FROM books.invoices WHERE state NOT IN ('draft', 'void')
         GROUP BY currency ORDER BY currency
        """
    static let payments: SQL = """
        SELECT currency, count(*), sum(amount)::bigint FROM books.payments GROUP BY currency ORDER BY currency
        """
    static let balances: SQL = """
        SELECT side.account, posting.currency, sum(side.amount)::bigint
          FROM books.postings AS posting,
               LATERAL (VALUES (debit, amount), (credit, -amount)) AS side(account, amount)
         GROUP BY side.account, posting.currency
         ORDER BY posting.currency, side.account
        """

    /// What is wrong, and where, at most `limit` of each: enough to begin looking.
    static func violations(of check: BooksSummary.Check, limit: Int) -> SQL {
        let found =
            switch check {
            case .invoiceTotals: invoiceTotals
            case .invoicesPaid: invoicesPaid
            case .invoicesBooked: invoicesBooked
            case .receivable: receivable
            case .cash: cash
            case .paymentsOfAttempts: paymentsOfAttempts
            case .numbering: numbering
            }
        return "SELECT subject, fault FROM (\(found)) AS found(subject, fault) ORDER BY subject LIMIT \(limit)"
    }

    private static let invoiceTotals: SQL = """
        SELECT 'invoice ' || invoice.invoice_id,
               'its total is ' || invoice.total || ', its lines add up to ' || coalesce(sum(line.amount), 0)
          FROM books.invoices AS invoice
          LEFT JOIN books.invoice_lines AS line USING (seller_id, customer_id, invoice_id)
         GROUP BY invoice.seller_id, invoice.customer_id, invoice.invoice_id
        HAVING invoice.total <> coalesce(sum(line.amount), 0)
        """

    private static let invoicesPaid: SQL = """
        SELECT 'invoice ' || invoice.invoice_id,
               'it is ' || invoice.state || ' of ' || invoice.total || ' with ' || invoice.paid
                   || ' paid, its payments add up to ' || coalesce(sum(payment.amount), 0)
          FROM books.invoices AS invoice
          LEFT JOIN books.payments AS payment
                 ON (payment.seller_id, payment.customer_id, payment.invoice_id, payment.currency)
                    = (invoice.seller_id, invoice.customer_id, invoice.invoice_id, invoice.currency)
         GROUP BY invoice.seller_id, invoice.customer_id, invoice.invoice_id
        HAVING invoice.paid <> coalesce(sum(payment.amount), 0) OR invoice.paid > invoice.total
            OR (invoice.state = 'paid' AND invoice.paid <> invoice.total)
            OR (invoice.state = 'open' AND invoice.paid = invoice.total)
        """

    /// An invoice of nothing needs no entry.
    private static let invoicesBooked: SQL = """
        SELECT 'invoice ' || invoice.invoice_id,
               'its total is ' || invoice.total || ', booked as receivable ' || coalesce(sum(posting.amount), 0)
          FROM books.invoices AS invoice
          LEFT JOIN books.journal_entries AS entry
                 ON (entry.seller_id, entry.customer_id, entry.kind, entry.reference)
                    = (invoice.seller_id, invoice.customer_id, 'invoice_issued', invoice.number)
          LEFT JOIN books.postings AS posting
                 ON (posting.seller_id, posting.customer_id, posting.entry_id, posting.debit, posting.currency)
                    = (entry.seller_id, entry.customer_id, entry.entry_id, 'receivable', invoice.currency)
         WHERE invoice.state <> 'draft'
         GROUP BY invoice.seller_id, invoice.customer_id, invoice.invoice_id
        HAVING invoice.total <> coalesce(sum(posting.amount), 0)
        """

    private static let receivable: SQL = balance(
        of: "receivable", owed: "its invoices are owed",
        """
        SELECT seller_id, customer_id, currency, total - paid AS amount
          FROM books.invoices WHERE state NOT IN ('draft', 'void')
        """)

    private static let cash: SQL = balance(
        of: "cash", owed: "its payments add up to",
        "SELECT seller_id, customer_id, currency, amount FROM books.payments")

    /// Where an account's balance of a customer is not what the documents say.
    private static func balance(of account: String, owed: String, _ documents: SQL) -> SQL {
        """
        SELECT 'customer ' || customer_id,
               'its ' || \(account) || ' is ' || sum(booked) || ' ' || currency || ', ' || \(owed) || ' ' || sum(owed)
          FROM (SELECT posting.seller_id, posting.customer_id, posting.currency,
                       CASE WHEN posting.debit = \(account) THEN posting.amount ELSE -posting.amount END AS booked,
                       0 AS owed
                  FROM books.postings AS posting
                 WHERE \(account) IN (posting.debit, posting.credit)
                UNION ALL
                SELECT seller_id, customer_id, currency, 0, amount FROM (\(documents)) AS documents) AS sides
         GROUP BY seller_id, customer_id, currency
        HAVING sum(booked) <> sum(owed)
        """
    }

    private static let paymentsOfAttempts: SQL = """
        SELECT 'payment attempt ' || attempt.attempt_id,
               'it is ' || attempt.state || ' of ' || attempt.amount || ', its payment is '
                   || coalesce(payment.amount::text, 'missing')
          FROM books.payment_attempts AS attempt
          LEFT JOIN books.payments AS payment USING (seller_id, customer_id, attempt_id)
         WHERE (attempt.state = 'succeeded') <> (payment.payment_id IS NOT NULL)
            OR (payment.amount, payment.currency) <> (attempt.amount, attempt.currency)
        """

    /// Over all its series a seller has given as many numbers as it has invoices.
    private static let numbering: SQL = """
        SELECT 'seller ' || seller.seller_id, given.count || ' numbers were given to ' || used.count || ' invoices'
          FROM books.sellers AS seller,
               LATERAL (SELECT coalesce(sum(last), 0) AS count FROM books.number_series AS series
                         WHERE series.seller_id = seller.seller_id) AS given,
               LATERAL (SELECT count(invoice.number) AS count FROM books.invoices AS invoice
                         WHERE invoice.seller_id = seller.seller_id) AS used
         WHERE given.count <> used.count
        """
}
