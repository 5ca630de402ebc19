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
    let name: String
    let state: PostgresJSON
    let nextDue: Instant?
    /// Whether all that fell due by now has been done or handed on; otherwise it stays due.
    let isAdvanced: Bool

    init(_ open: OpenAccount, at now: Instant, dueAt: Instant?) throws {
        customer = open.key.customer
        account = open.account
        name = open.profile.name
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

    /// Found as what a new customer would conflict with, by the key and nothing else: asked for a join the planner keeps to
    /// reading all there were while the table was new. Counts only grow; with more than is known nothing is written.
    static func customers(_ rows: [AccountRow], of seller: Seller.ID, at now: Instant) -> [Writing] {
        [true, false].compactMap { isAdvanced in
            let nextDue: SQL =
                isAdvanced ? "excluded.next_due_at" : "least(customer.next_due_at, excluded.next_due_at)"
            let some = rows.filter { $0.isAdvanced == isAdvanced }
            return some.isEmpty ? nil : customers(some, of: seller, nextDue: nextDue, at: now)
        }
    }

    private static func customers(
        _ rows: [AccountRow], of seller: Seller.ID, nextDue: SQL, at now: Instant
    ) -> Writing {
        let accounts = rows.map(\.account)
        return Writing(
            "an account", rows: rows.count,
            """
            INSERT INTO books.customers AS customer
                   (seller_id, created_at, customer_id, code, name, currency, time_zone, email, country, region,
                    postal_code, tax_exempt, billing_day, payment_method, net_days, credit, recognized_booked,
                    entry_count, mail_count, state, parked_at, next_due_at)
            OVERRIDING SYSTEM VALUE
            SELECT \(seller), \(now), * FROM unnest(
                   \(rows.map(\.customer)), \(accounts.map(\.code)), \(rows.map(\.name)),
                   \(accounts.map(\.currency.code)), \(accounts.map(\.calendar.zone.id)), \(accounts.map(\.email)),
                   \(accounts.map { $0.address?.country }), \(accounts.map { $0.address?.region }),
                   \(accounts.map { $0.address?.postalCode }), \(accounts.map(\.isTaxExempt)),
                   \(accounts.map(\.billingDay)), \(accounts.map { $0.arrangement?.method.rawValue }),
                   \(accounts.map { $0.arrangement?.netDays }), \(accounts.map(\.credit.minorUnits)),
                   \(accounts.map(\.recognizedBooked.minorUnits)), \(rows.map(\.entryCount)),
                   \(rows.map(\.mailCount)), \(rows.map(\.state)), \(rows.map(\.parkedAt)), \(rows.map(\.nextDue)))
                ON CONFLICT (seller_id, customer_id) DO UPDATE
               SET email = excluded.email, country = excluded.country, region = excluded.region,
                   postal_code = excluded.postal_code, tax_exempt = excluded.tax_exempt,
                   billing_day = excluded.billing_day, payment_method = excluded.payment_method,
                   net_days = excluded.net_days, credit = excluded.credit,
                   recognized_booked = excluded.recognized_booked, entry_count = excluded.entry_count,
                   mail_count = excluded.mail_count, state = excluded.state, parked_at = excluded.parked_at,
                   next_due_at = \(nextDue)
             WHERE customer.entry_count <= excluded.entry_count AND customer.mail_count <= excluded.mail_count
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
