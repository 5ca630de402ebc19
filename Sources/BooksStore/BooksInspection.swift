public import Accounts
public import Billing
public import BillingPorts
internal import Dates
internal import JobKit
internal import Ledger
internal import Money
public import Postgres
internal import QueueStore

/// The books as people look at them: nothing is locked, and what one call returns is of one moment.
public struct BooksInspection: Sendable {
    let pool: PostgresPool
    private let context: BooksContext

    /// `pool` connects as the worker's role.
    public init(_ pool: PostgresPool, _ context: BooksContext) {
        self.pool = pool
        self.context = context
    }

    /// An invoice by its number, with its customer's code and name; nil: there is none.
    public func invoice(_ number: String, of seller: Seller.ID) async throws -> InspectedInvoice? {
        try await read(seller) { transaction in
            let row = try await transaction.query(InspectionSQL.customer(of: number, seller)).first(Customer.ID.self)
            guard let customer = row,
                let open = try await reader(seller, transaction).accounts([customer], locking: false).first,
                let invoice = open.account.invoices.first(where: { $0.number == number })
            else { return nil }
            return InspectedInvoice(
                customer: open.key, customerCode: open.account.code, customerName: open.profile.name, invoice: invoice)
        }
    }

    /// The account of a customer by the seller's code for it, in whatever case, with all its entries and mails.
    public func account(_ code: String, of seller: Seller.ID) async throws -> OpenAccount? {
        try await read(seller) { transaction in
            let ids = try await transaction.query(LoadingSQL.customerIDs([code.uppercased()], of: seller))
                .decode(String.self, Customer.ID.self)
            return try await reader(seller, transaction).whole(ids.map(\.1)).first
        }
    }

    /// What each account of the ledger holds, by currency; a seller's, or everybody's.
    public func trialBalance(of seller: Seller.ID?) async throws -> [BooksSummary.Balance] {
        let scope = seller.map { TenantScope.one($0.rawValue) } ?? .all
        return try await pool.transaction(settings: [.tenant(scope)], readOnly: true) { transaction in
            try await transaction.query(SummarySQL.balances).balances()
        }
    }

    /// Every account of a seller in the order of ids, with all its entries and mails.
    public func allAccounts(of seller: Seller.ID) async throws -> [OpenAccount] {
        try await read(seller) { transaction in
            var accounts: [OpenAccount] = []
            var cursor: Customer.ID?
            repeat {
                let page = try await transaction.query(
                    AccountSQL.page(of: seller, after: cursor, limit: BooksInspection.page)
                ).decode(Customer.ID.self)
                accounts += try await reader(seller, transaction).whole(page)
                cursor = page.count < BooksInspection.page ? nil : page.last
            } while cursor != nil
            return accounts
        }
    }

    /// Accounts read at once: enough to be quick, few enough that their rows fit anywhere.
    private static let page = 200

    func reader(_ seller: Seller.ID, _ transaction: Transaction) -> AccountReader {
        AccountReader(seller: seller, context: context, transaction: transaction, own: OwnChanges())
    }

    func mailReader(_ transaction: Transaction) -> MailReader {
        MailReader(zones: context.zones, transaction: transaction)
    }

    func read<Value: Sendable>(
        _ seller: Seller.ID, _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        try await pool.transaction(
            settings: [.tenant(.one(seller.rawValue))], isolation: .repeatableRead, readOnly: true, body: body)
    }

    /// The accounts of these customers of one seller, in the order of their ids.
    public func accounts(_ keys: [CustomerKey]) async throws -> [OpenAccount] {
        guard let seller = keys.first?.seller else { return [] }
        return try await read(seller) { transaction in
            try await reader(seller, transaction).accounts(keys.map(\.customer).sorted(), locking: false)
        }
    }
}

extension AccountReader {
    /// Accounts as if all of their entries and mails had only now been made.
    func whole(_ customers: [Customer.ID], locking: Bool = false) async throws -> [OpenAccount] {
        let accounts = try await accounts(customers, locking: locking)
        let answers = try await transaction.pipeline([
            AccountSQL.entries(customers, of: seller), AccountSQL.mails(customers, of: seller),
        ])
        let entries = try Journal.entries(answers[0])
        let mails = try Journal.mails(answers[1])
        return accounts.map { open in
            var account = open.account
            account.restore(entries: entries[open.key.customer] ?? [], mails: mails[open.key.customer] ?? [])
            return OpenAccount(key: open.key, profile: open.profile, account: account)
        }
    }
}

/// An invoice with whose it is.
public struct InspectedInvoice: Sendable, Hashable {
    public let customer: CustomerKey
    public let customerCode: String
    public let customerName: String
    public let invoice: Invoice
}

/// Reads what was booked and written of customers.
private enum Journal {
    static func entries(_ rows: Rows) throws -> [Customer.ID: [JournalEntry]] {
        var found: [Place: (kind: String, reference: String, date: LocalDate, postings: [Posting])] = [:]
        var order: [Place] = []
        for row in rows {
            let (customer, ordinal, kind, reference, date, debit, credit, amount, currency) = try row.decode(
                Customer.ID.self, Int.self, String.self, String.self, LocalDate.self, String.self, String.self,
                Int64.self, String.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("postings", place)
            if found[place] == nil {
                order.append(place)
                found[place] = (kind, reference, try stored.date(date), [])
            }
            found[place]?.postings.append(
                try Posting(
                    debit: try stored.choice(LedgerAccount.self, debit),
                    credit: try stored.choice(LedgerAccount.self, credit), amount: try stored.money(amount, currency)))
        }
        var entries: [Customer.ID: [JournalEntry]] = [:]
        for place in order {
            guard let (kind, reference, date, postings) = found[place] else { continue }
            entries[place.customer, default: []].append(
                try JournalEntry(
                    kind: try Stored("journal_entries", place).choice(JournalEntry.Kind.self, kind), date: date,
                    reference: reference, postings: postings))
        }
        return entries
    }

    static func mails(_ rows: Rows) throws -> [Customer.ID: [Mail]] {
        var mails: [Customer.ID: [Mail]] = [:]
        for row in rows {
            let (customer, ordinal, at, template, subject) = try row.decode(
                Customer.ID.self, Int.self, Instant.self, String.self, String.self)
            let stored = Stored("mails", Place(customer: customer, ordinal: ordinal))
            mails[customer, default: []].append(
                Mail(at: at, template: try stored.choice(Mail.Template.self, template), subject: subject))
        }
        return mails
    }
}

enum InspectionSQL {
    static func customer(of number: String, _ seller: Seller.ID) -> SQL {
        "SELECT customer_id FROM books.invoices WHERE seller_id = \(seller) AND number = \(number)"
    }
}
