import Accounts
import Billing
import BillingPorts
import BooksStore
import Dates
import Foundation
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

/// The host's time zones.
struct Zones: TimeZones {
    func rules(_ name: String) throws -> TimeZoneRules {
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")))
        return try TimeZoneRules(id: name, version: "test", tzif: bytes)
    }
}

/// A seller with a catalogue in books of its own, reached as the worker's role.
struct BooksFixture: Sendable {
    let store: PostgresJobStore<PostgresBooks>
    let pool: PostgresPool
    let context: BooksContext
    let loader: CatalogueLoader
    let catalogue: Catalogue
    let seller: Seller.ID
    let start: Instant
    let today: LocalDate

    static func with(
        catalogue: String = catalogue(), settings: BillingSettings? = nil,
        _ body: (BooksFixture) async throws -> Void
    ) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 10)
        let control = PostgresPool(configuration, size: 1)
        do {
            let context = BooksContext(zones: Zones())
            let store = PostgresJobStore(pool: pool, control: control, listener: configuration) {
                PostgresBooks($0, context)
            }
            let loader = CatalogueLoader(store)
            let start = try Instant(parsing: "2026-11-21T00:00:00Z")
            let read = try Catalogue.read(Array(catalogue.utf8), name: "test.json")
            let seller = try await loader.loadSeller(#require(read.seller), settings: settings, now: start)
            _ = try await loader.loadCatalogue(read, of: seller, now: start)
            try await body(
                BooksFixture(
                    store: store, pool: pool, context: context, loader: loader, catalogue: read, seller: seller,
                    start: start, today: LocalDate(parsing: "2026-11-21")))
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
        at now: Instant? = nil, _ body: (PostgresBooks) async throws -> Value
    ) async throws -> Value {
        try await store.transaction(tenant: .one(seller.rawValue), now: now ?? start, body)
    }

    func customers() async throws -> [CustomerKey] {
        try await rows("SELECT customer_id FROM books.customers ORDER BY customer_id").decode(Customer.ID.self)
            .map { CustomerKey(seller: seller, customer: $0) }
    }

    /// Reads accounts, changes them and writes them back, all in one transaction.
    func change(
        _ keys: [CustomerKey], at now: Instant? = nil, _ body: @Sendable (inout Account) throws -> Void
    ) async throws {
        try await work(at: now) { work in
            var accounts = try await work.accounts(keys)
            for index in accounts.indices { try body(&accounts[index].account) }
            try await work.store(accounts)
        }
    }

    /// Issues what those customers owe.
    func invoice(_ keys: [CustomerKey]) async throws {
        try await change(keys) { [start] account in
            let number = account.nextNumber
            _ = try account.invoice(at: start) { _ in number }
        }
    }

    /// A new customer with one open invoice of 299.00 USD and a chargeable payment method.
    func invoicedCustomer() async throws -> CustomerKey {
        try await load(BooksFixture.customers(1))
        let customer = try #require(try await customers().first)
        try await activate(customer)
        try await invoice([customer])
        return customer
    }

    func method(of customer: CustomerKey) async throws -> PaymentMethod.ID {
        try await rows(
            """
            SELECT payment_method_id FROM books.payment_methods WHERE customer_id = \(customer.customer)
             ORDER BY payment_method_id DESC LIMIT 1
            """
        ).only(PaymentMethod.ID.self)
    }

    func activate(_ customer: CustomerKey, reference: String = "pm_card") async throws {
        let method = try await method(of: customer)
        try await work { work in try await work.activate(method, of: customer, reference: reference) }
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
