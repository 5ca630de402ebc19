internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Ledger
internal import Money
internal import Postgres

/// Every statement about invoices.
enum InvoicesSQL {
    /// Every line that covers time, those of void invoices too: what was billed once is not billed again by itself.
    static func billedLines(of key: CustomerKey) -> SQL {
        """
        SELECT line.invoice_id, line.position, line.subscription_id, line.code, line.kind, line.period_start,
               line.period_end, line.amount, invoice.currency, invoice.number
          FROM books.invoice_lines AS line
          JOIN books.invoices AS invoice USING (seller_id, customer_id, invoice_id)
         WHERE line.seller_id = \(key.seller) AND line.customer_id = \(key.customer)
           AND line.period_start IS NOT NULL AND invoice.number IS NOT NULL
         ORDER BY line.invoice_id, line.position
        """
    }

    /// The last statement that waits for anybody: the row stays locked until the transaction ends, and a roll-back
    /// gives the number back.
    static func takeNumber(in series: String, of seller: Seller.ID) -> SQL {
        """
        INSERT INTO books.number_series AS taken (seller_id, series, last) VALUES (\(seller), \(series), 1)
            ON CONFLICT (seller_id, series) DO UPDATE SET last = taken.last + 1
        RETURNING last
        """
    }

    /// Invoice and lines in one statement, so that a trigger can check that they add up.
    static func insert(
        _ invoice: Invoice, state: InvoiceState, for key: CustomerKey, at now: Instant
    ) -> SQL {
        let lines = invoice.lines
        let settledAt = state == .paid ? now : nil
        return """
            WITH issued AS (
                INSERT INTO books.invoices
                       (seller_id, customer_id, state, number, issued_on, due_on, currency, subtotal, tax, total,
                        created_at, paid_at)
                VALUES (\(key.seller), \(key.customer), \(state.rawValue), \(invoice.number), \(invoice.date),
                        \(invoice.due), \(invoice.total.currency.code), \(invoice.subtotal.minorUnits),
                        \(invoice.tax.minorUnits), \(invoice.total.minorUnits), \(now), \(settledAt))
                RETURNING invoice_id
            ), billed AS (
                INSERT INTO books.invoice_lines
                       (seller_id, customer_id, invoice_id, position, kind, code, subscription_id, period_start,
                        period_end, quantity, factor, amount, explanation)
                SELECT \(key.seller), \(key.customer), issued.invoice_id, line.position, line.kind, line.code,
                       line.subscription_id, line.period_start, line.period_end, line.quantity, line.factor,
                       line.amount, line.explanation
                  FROM issued,
                       unnest(\(lines.map(\.kind.rawValue)), \(lines.map(\.code)), \(lines.map(\.subscription)),
                              \(lines.map(\.period.start)), \(lines.map(\.period.end)),
                              \(lines.map(\.quantity.stored)), \(lines.map { $0.factor?.description }),
                              \(lines.map(\.amount.minorUnits)),
                              \(lines.map { PostgresJSON($0.explanation.json.text()) }))
                       WITH ORDINALITY AS line(kind, code, subscription_id, period_start, period_end, quantity, factor,
                                               amount, explanation, position)
            )
            SELECT invoice_id FROM issued
            """
    }
}

/// Statements about the ledger, which only grows.
enum LedgerSQL {
    static func record(_ entry: JournalEntry, for key: CustomerKey, at now: Instant) -> SQL {
        let postings = entry.postings
        return """
            WITH entry AS (
                INSERT INTO books.journal_entries (seller_id, customer_id, kind, reference, booked_on, created_at)
                VALUES (\(key.seller), \(key.customer), \(entry.kind.rawValue), \(entry.reference), \(entry.date),
                        \(now))
                RETURNING entry_id
            )
            INSERT INTO books.postings (seller_id, customer_id, entry_id, position, debit, credit, amount, currency)
            SELECT \(key.seller), \(key.customer), entry.entry_id, posting.position, posting.debit, posting.credit,
                   posting.amount, \(entry.currency.code)
              FROM entry,
                   unnest(\(postings.map(\.debit.rawValue)), \(postings.map(\.credit.rawValue)),
                          \(postings.map(\.amount.minorUnits)))
                   WITH ORDINALITY AS posting(debit, credit, amount, position)
            """
    }
}
