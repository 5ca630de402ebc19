internal import Accounts
internal import Billing
internal import Dates
internal import Ledger
internal import Money
internal import Postgres

/// Movements of money, what is booked of them, and what customers are told.
extension StoreSQL {
    /// New ones and changed ones: what ends stands before what begins, for of an invoice's attempts one is pending at most.
    func storeAttempts() -> Writing {
        let rows = changes.changedAttempts + changes.newAttempts
        let attempts = rows.map(\.value)
        return Writing(
            "a payment attempt", rows: rows.count,
            """
            INSERT INTO books.payment_attempts
                   (seller_id, customer_id, ordinal, invoice, number, at, amount, currency, method, sent_at, outcome,
                    gateway_reference, decline_code)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(attempts.map(\.invoice)),
                   \(attempts.map(\.number)), \(attempts.map(\.at)), \(attempts.map(\.amount.minorUnits)),
                   \(attempts.map(\.amount.currency.code)), \(attempts.map { $0.method?.rawValue }),
                   \(attempts.map(\.sentAt)), \(attempts.map { $0.outcome?.rawValue }), \(attempts.map(\.reference)),
                   \(attempts.map(\.declineCode)))
                ON CONFLICT (seller_id, customer_id, ordinal) DO UPDATE
               SET sent_at = excluded.sent_at, outcome = excluded.outcome,
                   gateway_reference = excluded.gateway_reference, decline_code = excluded.decline_code
            """)
    }

    func insertEntries() -> Writing {
        let rows = changes.entries
        let entries = rows.map(\.value)
        let postings = rows.flatMap { row in
            row.value.postings.enumerated().map { place, posting in
                (customer: row.customer, entry: row.ordinal, position: place, posting: posting)
            }
        }
        return Writing(
            "a journal entry", rows: postings.count,
            """
            WITH booked AS (
                INSERT INTO books.journal_entries
                       (seller_id, customer_id, ordinal, kind, reference, booked_on, created_at)
                SELECT \(seller), entry.*, \(now) FROM unnest(
                       \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(entries.map(\.kind.rawValue)),
                       \(entries.map(\.reference)), \(entries.map(\.date))) AS entry
            )
            INSERT INTO books.postings (seller_id, customer_id, entry, position, debit, credit, amount, currency)
            SELECT \(seller), * FROM unnest(
                   \(postings.map(\.customer)), \(postings.map(\.entry)), \(postings.map(\.position)),
                   \(postings.map(\.posting.debit.rawValue)), \(postings.map(\.posting.credit.rawValue)),
                   \(postings.map(\.posting.amount.minorUnits)), \(postings.map(\.posting.amount.currency.code)))
            """)
    }

    func insertMails() -> Writing {
        let rows = changes.mails
        let mails = rows.map(\.value.0)
        return Writing(
            "a mail", rows: rows.count,
            """
            INSERT INTO books.mails (seller_id, customer_id, ordinal, template, subject, at, recipient)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(mails.map(\.template.rawValue)),
                   \(mails.map(\.subject)), \(mails.map(\.at)), \(rows.map(\.value.recipient)))
            """)
    }
}
