internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money
internal import Postgres

/// Invoices and the notes on them.
extension StoreSQL {
    /// Invoices and their lines in one statement, so that triggers can check that they add up.
    func insertInvoices() throws -> Writing {
        Writing(
            "a new invoice", rows: changes.lines.count,
            """
            WITH issued AS (\(insertHeads(changes.invoices)))
            \(try insertLines())
            """)
    }

    private func insertHeads(_ rows: [Owned<Invoice>]) -> SQL {
        let (invoices, progress) = (rows.map(\.value), rows.map(\.value.progress))
        return """
            INSERT INTO books.invoices
                   (seller_id, customer_id, ordinal, number, issued_on, due_on, issued_at, currency, line_count,
                    subtotal, tax, total, \(StoreSQL.progressColumns))
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(invoices.map(\.number)),
                   \(invoices.map(\.date)), \(invoices.map(\.due)), \(invoices.map(\.issuedAt)),
                   \(invoices.map(\.total.currency.code)), \(invoices.map(\.lines.count)),
                   \(invoices.map(\.subtotal.minorUnits)), \(invoices.map(\.tax.minorUnits)),
                   \(invoices.map(\.total.minorUnits)), \(values(progress)))
            """
    }

    private static let progressColumns: SQL = """
        state, credit_applied, paid, noted, refunded, charged_back, dunning, withdrawn, voided_on
        """

    /// In the order of `progressColumns`.
    private func values(_ progress: [Invoice.Progress]) -> SQL {
        """
        \(progress.map(\.state.rawValue)), \(progress.map(\.creditApplied.minorUnits)),
        \(progress.map(\.paid.minorUnits)), \(progress.map(\.noted.minorUnits)),
        \(progress.map(\.refunded.minorUnits)), \(progress.map(\.chargedBack.minorUnits)),
        \(progress.map { progress in progress.dunning.map { PostgresJSON($0.json.text()) } }),
        \(progress.map(\.isWithdrawn)), \(progress.map(\.voidedOn))
        """
    }

    private func insertLines() throws -> SQL {
        let rows = changes.lines
        let lines = rows.map(\.value.line)
        let explanations = try lines.map { PostgresJSON(try $0.explanation.json().text()) }
        return """
            INSERT INTO books.invoice_lines
                   (seller_id, customer_id, invoice, position, kind, code, subscription, plan, period_start, period_end,
                    start_second, quantity, factor, amount, explanation, extras)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(rows.map(\.value.position)),
                   \(lines.map(\.kind.rawValue)), \(lines.map(\.code)), \(rows.map(\.value.subscription)),
                   \(rows.map(\.value.plan)), \(lines.map { $0.period?.start }), \(lines.map { $0.period?.end }),
                   \(rows.map(\.value.startSecond)), \(lines.map { $0.quantity?.exactText }),
                   \(lines.map { $0.factor?.description }), \(lines.map(\.amount.minorUnits)), \(explanations),
                   \(lines.map { PostgresJSON($0.extras.text()) }))
            """
    }

    /// What became of issued ones. Found as what a new one would conflict with: the planner has no other way then, and
    /// asked for a join it keeps to reading all there were while the table was new.
    func updateInvoices() -> Writing {
        let rows = changes.changedInvoices
        return Writing(
            "an invoice", rows: rows.count,
            """
            \(insertHeads(rows))
                ON CONFLICT (seller_id, customer_id, ordinal) DO UPDATE
               SET state = excluded.state, credit_applied = excluded.credit_applied, paid = excluded.paid,
                   noted = excluded.noted, refunded = excluded.refunded, charged_back = excluded.charged_back,
                   dunning = excluded.dunning, withdrawn = excluded.withdrawn, voided_on = excluded.voided_on
            """)
    }

    func insertNotes() -> Writing {
        let rows = changes.notes
        let notes = rows.map(\.value)
        return Writing(
            "a credit note", rows: rows.count,
            """
            INSERT INTO books.credit_notes
                   (seller_id, customer_id, ordinal, number, invoice, issued_on, issued_at, currency, subtotal, tax,
                    total, credited, refunded, shares)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(notes.map(\.number)), \(notes.map(\.invoice)),
                   \(notes.map(\.date)), \(notes.map(\.issuedAt)), \(notes.map(\.total.currency.code)),
                   \(notes.map(\.subtotal.minorUnits)), \(notes.map(\.tax.minorUnits)),
                   \(notes.map(\.total.minorUnits)), \(notes.map(\.credited.minorUnits)),
                   \(notes.map(\.refunded.minorUnits)), \(notes.map { PostgresJSON($0.shares.json.text()) }))
            """)
    }
}
