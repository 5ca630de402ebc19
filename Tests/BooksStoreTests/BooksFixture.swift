import Billing
import BillingPorts
import BooksStore
import Dates
import JobKit
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

extension Trait where Self == DatabaseTrait {
    /// A database with the queue's schema and the books'.
    static var books: Self { .database(migrations: QueueMigrations.all + BooksMigrations.all) }
}

/// A seller with a catalogue and customers in books of their own, reached as the worker's role.
struct BooksFixture: Sendable {
    let store: PostgresJobStore<PostgresWork>
    let pool: PostgresPool
    let loader: CatalogueLoader
    let catalogue: Catalogue
    let seller: Seller.ID
    let start: Instant
    let today: LocalDate

    static func with(
        catalogue: String = catalogue(), _ body: (BooksFixture) async throws -> Void
    ) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 10)
        let control = PostgresPool(configuration, size: 1)
        do {
            let store = PostgresJobStore(pool: pool, control: control, listener: configuration) { $0 }
            let loader = CatalogueLoader(store)
            let start = try Instant(parsing: "2026-11-21T00:00:00Z")
            let read = try Catalogue.read(Array(catalogue.utf8), name: "test.json")
            let seller = try await loader.loadSeller(#require(read.seller), now: start)
            _ = try await loader.loadCatalogue(read, of: seller, now: start)
            try await body(
                BooksFixture(
                    store: store, pool: pool, loader: loader, catalogue: read, seller: seller, start: start,
                    today: LocalDate(parsing: "2026-11-21")))
        } catch {
            await pool.close()
            await control.close()
            throw error
        }
        await pool.close()
        await control.close()
    }

    static func catalogue(
        seller: String = "practice", numbering: String = "customer", starter: String = "299.00"
    ) -> String {
        """
        {"seller": {"code": "\(seller)", "name": "Practice Software", "time_zone": "UTC", "currency": "USD",
                    "invoice": {"numbering": "\(numbering)", "net_days": 14}},
         "plans": [
            {"code": "starter", "interval": "month", "prices": [
                {"code": "base", "model": "flat", "amount": "\(starter)"}]},
            {"code": "seats", "interval": "month", "prices": [
                {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "0.3333", "included": "0.5"}]},
            {"code": "trial", "interval": "month", "trial_days": 14, "prices": [
                {"code": "base", "model": "flat", "amount": "799.00"}]}]}
        """
    }

    /// `count` customers named `acme-1` and so on, each with a payment method and a subscription of the same code.
    static func customers(_ count: Int, plan: String = "starter", start: String = "2026-11-21") -> String {
        let entries = (1...count).map {
            """
            {"id": "acme-\($0)", "email": "a\($0)@practice.example", "payment": {"method": "card", "token": "pm_\($0)"},
             "subscriptions": [{"id": "acme-\($0)", "plan": "\(plan)", "start": "\(start)"
             \(plan == "seats" ? ", \"quantities\": {\"seat\": \"7.25\"}" : "")}]}
            """
        }
        return "{\"customers\": [\(entries.joined(separator: ","))]}"
    }

    @discardableResult
    func load(_ customers: String, of other: Seller.ID? = nil) async throws -> CatalogueLoader.Loaded {
        let file = try CustomerFile.read(
            Array(customers.utf8), name: "customers.json", catalogue: catalogue, loadDate: today)
        return try await loader.loadCustomers(file, of: other ?? seller, on: today, now: start)
    }

    /// Runs `body` in a transaction of the seller's and commits it.
    func work<Value: Sendable>(
        at now: Instant? = nil, _ body: (PostgresWork) async throws -> Value
    ) async throws -> Value {
        try await store.transaction(tenant: .one(seller.rawValue), now: now ?? start, body)
    }

    func customers() async throws -> [CustomerKey] {
        try await rows("SELECT customer_id FROM books.customers ORDER BY customer_id").decode(Customer.ID.self)
            .map { CustomerKey(seller: seller, customer: $0) }
    }

    /// Walks every due subscription on to `date`.
    func renew(by date: LocalDate? = nil, hasPaymentMethod: Bool = true) async throws {
        let date = date ?? today
        try await work { work in
            for due in try await work.subscriptionsToRenew(of: seller, by: date, after: nil, limit: 1000) {
                let decision = try Renewal.decide(
                    for: due.subscription, plan: due.plan, today: date, since: due.lookedOn,
                    hasPaymentMethod: hasPaymentMethod)
                try await work.renew(due, decision, on: date)
            }
        }
    }

    /// Issues what is due; nil: nothing is.
    func invoice(_ customer: CustomerKey, on date: LocalDate? = nil) async throws -> IssuedInvoice? {
        try await work { work in try await invoice(customer, on: date ?? today, in: work) }
    }

    func invoice(
        _ customer: CustomerKey, on date: LocalDate, in work: PostgresWork
    ) async throws -> IssuedInvoice? {
        let account = try #require(try await work.accountToInvoice(customer))
        let lines = try Invoicing.linesDue(for: account.account, existing: account.lines, upTo: date)
        guard !lines.isEmpty else { return nil }
        let draft = try DraftInvoice(customer: customer.customer, currency: account.account.currency, lines: lines)
        return try await work.issue(draft, for: account, on: date)
    }

    /// A new customer with one open invoice of 299.00 USD and a chargeable payment method.
    func invoicedCustomer() async throws -> (CustomerKey, IssuedInvoice) {
        try await load(BooksFixture.customers(1))
        try await renew()
        let customer = try #require(try await customers().first)
        try await activate(customer)
        return (customer, try #require(try await invoice(customer)))
    }

    @discardableResult
    func activate(_ customer: CustomerKey, reference: String = "pm_card") async throws -> [Invoice.ID] {
        let method = try await rows(
            """
            SELECT payment_method_id FROM books.payment_methods WHERE customer_id = \(customer.customer)
             ORDER BY payment_method_id DESC LIMIT 1
            """
        ).only(PaymentMethod.ID.self)
        return try await work { work in try await work.activate(method, of: customer, reference: reference) }
    }

    /// Reads as the worker, scoped to the seller.
    func rows(_ sql: SQL) async throws -> Rows {
        try await pool.transaction(settings: [.tenant(.one(seller.rawValue))]) { transaction in
            try await transaction.query(sql)
        }
    }

    func count(_ sql: SQL) async throws -> Int { try await rows(sql).only(Int.self) }

    /// What the server refused `sql` with, done as the superuser, whom no privilege stops.
    static func refusal(asSuperuser sql: SQL) async throws -> String? {
        try await TestDatabase.current.withPool { pool in
            do {
                _ = try await pool.query(sql)
                return nil
            } catch let error as PostgresError { return error.sqlState }
        }
    }
}
