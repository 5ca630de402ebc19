internal import Postgres

/// Every statement of the summary. Row-level security says whose books are read.
enum SummarySQL {
    static let customers: SQL = "SELECT count(*), count(parked_at) FROM books.customers"
    static let subscriptions: SQL = "SELECT state, count(*) FROM books.subscriptions GROUP BY state"
    static let invoices: SQL = "SELECT state, count(*) FROM books.invoices GROUP BY state"
    static let attempts: SQL = "SELECT outcome, count(*) FROM books.payment_attempts GROUP BY outcome"
    static let mails: SQL = "SELECT state, count(*) FROM books.mails GROUP BY state"
    static let invoiced: SQL = """
        SELECT currency, count(*), sum(total)::bigint FROM books.invoices WHERE state <> 'void'
         GROUP BY currency ORDER BY currency
        """
    static let paid: SQL = """
        SELECT posting.currency, count(DISTINCT (posting.seller_id, posting.customer_id, posting.entry)),
               sum(posting.amount)::bigint
          FROM books.postings AS posting
          JOIN books.journal_entries AS entry
            ON (entry.seller_id, entry.customer_id, entry.ordinal)
               = (posting.seller_id, posting.customer_id, posting.entry)
         WHERE entry.kind = 'payment_received' AND posting.debit = 'cash'
         GROUP BY posting.currency ORDER BY posting.currency
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
            case .invoicesBooked: invoicesBooked
            case .receivable: receivable
            case .cash: cash
            case .credit: credit
            case .charges: charges
            case .counts: counts
            case .numbering: numbering
            }
        return "SELECT subject, fault FROM (\(found)) AS found(subject, fault) ORDER BY subject LIMIT \(limit)"
    }

    private static let invoiceTotals: SQL = """
        SELECT 'invoice ' || invoice.number,
               'its total is ' || invoice.total || ', its lines add up to ' || coalesce(sum(line.amount), 0)
          FROM books.invoices AS invoice
          LEFT JOIN books.invoice_lines AS line
                 ON (line.seller_id, line.customer_id, line.invoice)
                    = (invoice.seller_id, invoice.customer_id, invoice.ordinal)
         GROUP BY invoice.seller_id, invoice.customer_id, invoice.ordinal
        HAVING invoice.total <> coalesce(sum(line.amount), 0)
        """

    /// An invoice of nothing needs no entry; one that owes the customer is booked the other way round.
    private static let invoicesBooked: SQL = """
        SELECT 'invoice ' || invoice.number,
               'its total is ' || invoice.total || ', booked as receivable ' || coalesce(sum(side.amount), 0)
          FROM books.invoices AS invoice
          LEFT JOIN books.journal_entries AS entry
                 ON (entry.seller_id, entry.customer_id, entry.kind, entry.reference)
                    = (invoice.seller_id, invoice.customer_id, 'invoice_issued', invoice.number)
          LEFT JOIN books.postings AS posting
                 ON (posting.seller_id, posting.customer_id, posting.entry)
                    = (entry.seller_id, entry.customer_id, entry.ordinal)
          LEFT JOIN LATERAL (SELECT CASE 'receivable' WHEN posting.debit THEN posting.amount
                                                      WHEN posting.credit THEN -posting.amount END) AS side(amount)
                 ON true
         GROUP BY invoice.seller_id, invoice.customer_id, invoice.ordinal
        HAVING invoice.total <> coalesce(sum(side.amount), 0)
        """

    private static let receivable: SQL = balance(
        of: "receivable", owed: "its invoices are owed",
        """
        SELECT seller_id, customer_id, currency, greatest(0, total - credit_applied - paid - noted) AS amount
          FROM books.invoices WHERE state = 'open'
        """)

    private static let cash: SQL = balance(
        of: "cash", owed: "its payments come to",
        """
        SELECT seller_id, customer_id, currency, paid - refunded AS amount FROM books.invoices
        UNION ALL
        SELECT seller_id, customer_id, currency, amount FROM books.postings
         WHERE debit = 'cash' AND credit = 'customer_credit'
        """)

    private static let credit: SQL = balance(
        of: "customer_credit", owed: "its credit is less",
        "SELECT seller_id, customer_id, currency, -credit AS amount FROM books.customers WHERE credit <> 0")

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

    private static let charges: SQL = """
        SELECT 'customer ' || customer_id,
               'its charges brought ' || sum(brought) || ' ' || currency || ', received were ' || sum(received)
          FROM (SELECT seller_id, customer_id, currency, amount AS brought, 0 AS received
                  FROM books.payment_attempts WHERE outcome = 'success'
                UNION ALL
                SELECT posting.seller_id, posting.customer_id, posting.currency, 0, posting.amount
                  FROM books.postings AS posting
                  JOIN books.journal_entries AS entry
                    ON (entry.seller_id, entry.customer_id, entry.ordinal)
                       = (posting.seller_id, posting.customer_id, posting.entry)
                 WHERE entry.kind = 'payment_received' AND posting.debit = 'cash') AS sides
         GROUP BY seller_id, customer_id, currency
        HAVING sum(brought) > sum(received)
        """

    private static let counts: SQL = """
        SELECT 'customer ' || customer.customer_id,
               'it counts ' || customer.entry_count || ' entries and ' || customer.mail_count || ' mails, there are '
                   || coalesce(entries.count, 0) || ' and ' || coalesce(mails.count, 0)
          FROM books.customers AS customer
          LEFT JOIN (SELECT seller_id, customer_id, count(*) AS count FROM books.journal_entries GROUP BY 1, 2)
               AS entries USING (seller_id, customer_id)
          LEFT JOIN (SELECT seller_id, customer_id, count(*) AS count FROM books.mails GROUP BY 1, 2)
               AS mails USING (seller_id, customer_id)
         WHERE customer.entry_count <> coalesce(entries.count, 0) OR customer.mail_count <> coalesce(mails.count, 0)
        """

    /// A customer's invoices are numbered within it; those that do not bear such a number are of the seller's series,
    /// which has given as many numbers as there are of them.
    private static let numbering: SQL = """
        SELECT 'seller ' || seller.seller_id,
               coalesce(series.last, 0) || ' numbers were given to ' || used.count || ' invoices'
          FROM books.sellers AS seller
          LEFT JOIN books.number_series AS series USING (seller_id),
               LATERAL (SELECT count(*) AS count
                          FROM books.invoices AS invoice
                          JOIN books.customers AS customer USING (seller_id, customer_id)
                         WHERE invoice.seller_id = seller.seller_id
                           AND right(invoice.number, length(customer.printed_code) + 1 + greatest(
                                   4, length((invoice.ordinal + 1)::text)))
                               <> customer.printed_code || '-' || lpad(
                                   (invoice.ordinal + 1)::text, greatest(4, length((invoice.ordinal + 1)::text)), '0'))
               AS used
         WHERE coalesce(series.last, 0) <> used.count
        """
}
