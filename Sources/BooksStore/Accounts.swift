internal import Accounts
public import Billing
public import BillingPorts
public import Dates
internal import JSONText
internal import JobKit
internal import Money
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    var transaction: Transaction { work.transaction }

    func reader(of seller: Seller.ID) -> AccountReader {
        AccountReader(seller: seller, context: context, transaction: transaction, own: own)
    }

    public func customersDue(
        of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int
    ) async throws -> [CustomerKey] {
        try await transaction.query(AccountSQL.due(of: seller, by: instant, after: cursor, limit: limit))
            .decode(Customer.ID.self).map { CustomerKey(seller: seller, customer: $0) }
    }

    public func accounts(_ keys: [CustomerKey]) async throws -> [OpenAccount] {
        guard let seller = keys.first?.seller else { return [] }
        precondition(keys.allSatisfy { $0.seller == seller }, "accounts of several sellers")
        return try await reader(of: seller).accounts(Set(keys.map(\.customer)).sorted(), locking: true)
    }

    public func store(_ accounts: [OpenAccount]) async throws { try await store(accounts, dueAt: nil) }

    /// `dueAt`: when all of them must be looked at, if that is known better than by their own rules.
    func store(_ accounts: [OpenAccount], dueAt: Instant?) async throws {
        guard let seller = accounts.first?.key.seller else { return }
        precondition(accounts.allSatisfy { $0.key.seller == seller }, "accounts of several sellers")
        let sellerVersions = try own.storing(accounts.map(\.key))
        let changes = AccountChanges(accounts)
        let plans = try await planIDs(changes.plans, of: seller)
        let rows = try accounts.map { try AccountRow($0, at: now, dueAt: dueAt) }
        let writing = StoreSQL(seller: seller, now: now, changes: changes) { plans[$0] }
        let statements = StoreSQL.customers(rows, of: seller, at: now) + (try writing.statements())
        do {
            let answers = try await transaction.pipeline(statements.map(\.sql) + [AccountSQL.ownVersion])
            for (statement, answer) in zip(statements, answers) { try answer.require(statement.rows, statement.noun) }
            keep(accounts, sellerVersions, by: try answers[statements.count].only(Int64.self))
        } catch {
            context.accounts.forget(accounts.map(\.key))
            throw error
        }
        let mails = changes.mails.map { mail in
            MailKey(customer: CustomerKey(seller: seller, customer: mail.customer), mail: mail.ordinal)
        }
        let jobs =
            try accounts.flatMap { try $0.documentJobs }
            + mails.batches(of: SendMail.most).map { mails in try NewJob(SendMail(mails)) }
            + changes.refunds.map { refund in
                try NewJob(
                    RefundPayment(
                        customer: CustomerKey(seller: seller, customer: refund.customer), attempt: refund.ordinal))
            }
        if !jobs.isEmpty { try await enqueue(jobs) }
        if own.tells(seller) { try await tell(accounts, of: seller) }
    }

    private func keep(_ accounts: [OpenAccount], _ sellerVersions: [Int64], by transaction: Int64) {
        for (open, seller) in zip(accounts, sellerVersions) {
            let version = KeptAccounts.Version(customer: transaction, seller: seller)
            context.accounts.keep(open.account.asStored, of: open.key, version)
        }
    }

    /// The ids of sold plans, those included that nobody bought before.
    private func planIDs(_ plans: Set<Plan>, of seller: Seller.ID) async throws -> [Plan: Int64] {
        var ids: [Plan: Int64] = [:]
        var unknown: [Plan] = []
        for plan in plans {
            if let id = context.id(of: plan, of: seller) { ids[plan] = id } else { unknown.append(plan) }
        }
        guard !unknown.isEmpty else { return ids }
        let texts = try unknown.map { PostgresJSON(try $0.json().text()) }
        let answers = try await transaction.pipeline([
            StoreSQL.makePlans(unknown, texts, of: seller), StoreSQL.findPlans(unknown, texts, of: seller),
        ])
        let made = try answers[0].decode(Int64.self)
        own.made(plans: made)
        for (place, id) in try answers[1].decode(Int.self, Int64.self) {
            let plan = unknown[place - 1]
            ids[plan] = id
            if !own.made(plan: id) { context.keep(plan, id, of: seller) }
        }
        return ids
    }
}

extension PostgresBooks {
    public func numbering(of seller: Seller.ID) async throws -> InvoiceNumbering {
        let row = try await transaction.query(AccountSQL.seller(seller)).only()
        return try StoredSeller(row, id: seller).settings.numbering
    }

    public func takeNumbers(_ count: Int, of seller: Seller.ID) async throws -> Int64 {
        precondition(count > 0, "no number to take")
        return try await transaction.query(NumbersSQL.take(count, of: seller)).only(Int64.self)
    }

    public func requestInvoices(_ keys: [CustomerKey]) async throws {
        guard let seller = keys.first?.seller else { return }
        precondition(keys.allSatisfy { $0.seller == seller }, "customers of several sellers")
        let customers = Set(keys.map(\.customer)).sorted()
        _ = try await transaction.pipeline([
            AccountSQL.lock(customers, of: seller), NumbersSQL.request(customers, of: seller),
        ])
    }

    public func takeInvoiceRequests(of seller: Seller.ID, limit: Int) async throws -> [CustomerKey] {
        try await transaction.query(NumbersSQL.takeRequests(of: seller, limit: limit)).decode(Customer.ID.self)
            .sorted().map { CustomerKey(seller: seller, customer: $0) }
    }
}

/// Statements about a seller's own series, and who waits for a number of it.
enum NumbersSQL {
    /// The last statement that waits for anybody: the row stays locked until the transaction ends, and a roll-back gives
    /// the numbers back.
    static func take(_ count: Int, of seller: Seller.ID) -> SQL {
        """
        INSERT INTO books.number_series AS taken (seller_id, last) VALUES (\(seller), \(count))
            ON CONFLICT (seller_id) DO UPDATE SET last = taken.last + \(count)
        RETURNING last - \(count) + 1
        """
    }

    static func request(_ customers: [Customer.ID], of seller: Seller.ID) -> SQL {
        """
        UPDATE books.customers SET invoice_requested = true
         WHERE seller_id = \(seller) AND customer_id = ANY (\(customers)) AND NOT invoice_requested
        """
    }

    static func takeRequests(of seller: Seller.ID, limit: Int) -> SQL {
        """
        WITH waiting AS MATERIALIZED (
            SELECT customer_id FROM books.customers
             WHERE seller_id = \(seller) AND invoice_requested
             ORDER BY customer_id
             LIMIT \(limit)
               FOR NO KEY UPDATE
        )
        UPDATE books.customers AS customer SET invoice_requested = false
          FROM waiting
         WHERE customer.seller_id = \(seller) AND customer.customer_id = waiting.customer_id
        RETURNING customer.customer_id
        """
    }
}
