internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres

/// A statement that must change so many rows.
struct Writing {
    let sql: SQL
    let rows: Int
    private let what: StaticString

    init(_ what: StaticString, rows: Int, _ sql: SQL) {
        self.what = what
        self.rows = rows
        self.sql = sql
    }

    var noun: String { "\(what)" }
}

/// What is written of an account in its customer's own row.
struct AccountRow {
    let customer: Customer.ID
    let account: Account
    /// What the row says so far.
    let entriesBefore, mailsBefore: Int
    let state: PostgresJSON
    let nextDue: Instant?
    /// Whether all that fell due by now has been done or handed on; otherwise it stays due.
    let isAdvanced: Bool

    init(_ open: OpenAccount, at now: Instant, dueAt: Instant?) throws {
        customer = open.key.customer
        account = open.account
        entriesBefore = open.before.entriesBefore
        mailsBefore = open.before.mailsBefore
        state = PostgresJSON(open.account.stateJSON.text())
        let own = [try account.nextDue(after: now), account.nextCollection(after: now)].compactMap(\.self).min()
        nextDue = dueAt ?? own
        isAdvanced = account.advancedTo == now
    }

    var entryCount: Int { account.entriesBefore + account.entries.count }
    var parkedAt: Instant? { account.parking.flatMap { $0.isReleased ? nil : $0.since } }
    var mailCount: Int { account.mailsBefore + account.mails.count }
}

/// Writes what has changed in accounts of one seller: one statement for each kind of row, however many there are.
struct StoreSQL {
    let seller: Seller.ID
    let now: Instant
    let changes: AccountChanges
    let planID: (Plan) -> Int64?

    /// In an order in which each row finds those it names.
    func statements() throws -> [Writing] {
        var statements: [Writing] = []
        if !changes.subscriptions.isEmpty { statements.append(try storeSubscriptions()) }
        if !changes.transitions.isEmpty { statements.append(insertTransitions()) }
        if !changes.coupons.isEmpty { statements.append(try insertCoupons()) }
        if !changes.usage.isEmpty { statements.append(insertUsage()) }
        if !changes.invoices.isEmpty { statements.append(try insertInvoices()) }
        if !changes.changedInvoices.isEmpty { statements.append(updateInvoices()) }
        if !changes.notes.isEmpty { statements.append(insertNotes()) }
        if !(changes.changedAttempts + changes.newAttempts).isEmpty { statements.append(storeAttempts()) }
        if !changes.entries.isEmpty { statements.append(insertEntries()) }
        if !changes.mails.isEmpty { statements.append(insertMails()) }
        return statements
    }

    /// Only rows whose counts are those that were read: nobody else can have changed them, and if somebody has, nothing
    /// is written.
    static func customers(_ rows: [AccountRow], of seller: Seller.ID) -> Writing {
        let accounts = rows.map(\.account)
        return Writing(
            "an account", rows: rows.count,
            """
            UPDATE books.customers AS customer
               SET email = stored.email, country = stored.country, region = stored.region,
                   postal_code = stored.postal_code, tax_exempt = stored.tax_exempt, billing_day = stored.billing_day,
                   payment_method = stored.payment_method, net_days = stored.net_days, credit = stored.credit,
                   recognized_booked = stored.recognized_booked, entry_count = stored.entry_count,
                   mail_count = stored.mail_count, state = stored.state, parked_at = stored.parked_at,
                   next_due_at = CASE WHEN stored.is_advanced THEN stored.next_due_at
                                      ELSE least(customer.next_due_at, stored.next_due_at) END
              FROM unnest(\(rows.map(\.customer)), \(accounts.map(\.email)), \(accounts.map { $0.address?.country }),
                          \(accounts.map { $0.address?.region }), \(accounts.map { $0.address?.postalCode }),
                          \(accounts.map(\.isTaxExempt)), \(accounts.map(\.billingDay)),
                          \(accounts.map { $0.arrangement?.method.rawValue }),
                          \(accounts.map { $0.arrangement?.netDays }), \(accounts.map(\.credit.minorUnits)),
                          \(accounts.map(\.recognizedBooked.minorUnits)),
                          \(rows.map(\.entriesBefore)), \(rows.map(\.entryCount)),
                          \(rows.map(\.mailsBefore)), \(rows.map(\.mailCount)), \(rows.map(\.state)), \(rows.map(\.parkedAt)),
                          \(rows.map(\.nextDue)), \(rows.map(\.isAdvanced)))
                   AS stored(customer_id, email, country, region, postal_code, tax_exempt, billing_day, payment_method,
                             net_days, credit, recognized_booked, entries_before, entry_count, mails_before,
                             mail_count, state, parked_at, next_due_at, is_advanced)
             WHERE customer.seller_id = \(seller) AND customer.customer_id = stored.customer_id
               AND customer.entry_count = stored.entries_before AND customer.mail_count = stored.mails_before
            """)
    }

    /// Those that say something new. Whoever makes the same ones waits for the other; by their digests in one order.
    static func makePlans(_ plans: [Plan], _ texts: [PostgresJSON], of seller: Seller.ID) -> SQL {
        """
        INSERT INTO books.sold_plans (seller_id, code, currency, digest, definition)
        SELECT \(seller), given.code, given.currency, given.digest, given.definition
          FROM \(given(plans, texts)) AS given
         WHERE NOT EXISTS (SELECT FROM books.sold_plans AS known
                            WHERE known.seller_id = \(seller) AND known.digest = given.digest)
         ORDER BY given.digest
            ON CONFLICT (digest, seller_id) DO NOTHING
        RETURNING plan_id
        """
    }

    /// A statement of its own, so that it sees those that somebody else has just committed.
    static func findPlans(_ plans: [Plan], _ texts: [PostgresJSON], of seller: Seller.ID) -> SQL {
        """
        SELECT given.place, known.plan_id
          FROM \(given(plans, texts)) AS given
          JOIN books.sold_plans AS known ON known.seller_id = \(seller) AND known.digest = given.digest
        """
    }

    private static func given(_ plans: [Plan], _ texts: [PostgresJSON]) -> SQL {
        """
        (SELECT code, currency, definition, place,
                sha256(convert_to(currency || definition::text, 'UTF8')) AS digest
           FROM unnest(\(plans.map(\.code)), \(plans.map(\.currency.code)), \(texts))
                WITH ORDINALITY AS plan(code, currency, definition, place))
        """
    }
}
