public import Billing
public import BillingPorts
public import BooksStore
public import Dates
internal import Foundation
public import JobKit
public import Postgres
public import QueueStore
internal import TestSupport
public import Testing

/// Books and a queue of its own for one test, reached as the worker's role. Time passes only when the test says so.
public struct BillingFixture: Sendable {
    /// Every migration of a database with books.
    public static let migrations = QueueMigrations.all + BooksMigrations.all

    public let store: PostgresJobStore<any BillingWork>
    /// The store with the books' own type of transaction, as commands have it.
    public let booksStore: PostgresJobStore<PostgresBooks>
    let loader: CatalogueLoader
    let roster: PostgresRoster
    public let pool: PostgresPool
    /// A Sunday's noon in UTC, a month after the samples' start: the first two periods are due.
    public let start: Instant
    public let zones: any TimeZones = SampleZones()

    /// `connections`: for the transactions of so many at once.
    public static func with(connections: Int = 4, _ body: (BillingFixture) async throws -> Void) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: connections)
        let control = PostgresPool(configuration, size: 2)
        let books = BooksContext(zones: SampleZones())
        let booksStore = PostgresJobStore(pool: pool, control: control, listener: configuration) {
            PostgresBooks($0, books)
        }
        let fixture = BillingFixture(
            store: PostgresJobStore(pool: pool, control: control, listener: configuration) { PostgresBooks($0, books) },
            booksStore: booksStore, loader: CatalogueLoader(booksStore),
            roster: PostgresRoster(control: control), pool: pool,
            start: try Instant(parsing: "2026-02-15T12:00:00Z"))
        do { try await body(fixture) } catch {
            await pool.close()
            await control.close()
            throw error
        }
        await pool.close()
        await control.close()
    }

    /// Runs one statement as a seller's.
    @discardableResult
    public func query(_ sql: SQL, of seller: Seller.ID) async throws -> Rows {
        try await pool.transaction(settings: [.tenant(.one(seller.rawValue))]) { transaction in
            try await transaction.query(sql)
        }
    }

    public func enqueue(_ arguments: some JobArguments, dueAt: Instant? = nil) async throws {
        try await store.transaction(tenant: .all, now: start) { work in
            try await work.enqueue(arguments, dueAt: dueAt)
        }
    }

    /// Runs `body` in a transaction of a seller's and commits it.
    @discardableResult
    public func work<Value: Sendable>(
        of seller: Seller.ID, at now: Instant? = nil, _ body: (any BillingWork) async throws -> Value
    ) async throws -> Value {
        try await store.transaction(tenant: .one(seller.rawValue), now: now ?? start, body)
    }

    /// What a seller's customers have been told, in order: `acme invoice_issued ACME-0001`.
    public func mails(of seller: Seller.ID) async throws -> [String] {
        try await query(
            """
            SELECT concat_ws(' ', code, template, subject)
              FROM books.mails JOIN books.customers USING (seller_id, customer_id)
             ORDER BY customer_id, ordinal
            """, of: seller
        ).decode(String.self)
    }

    /// A seller's invoices, in the order of their numbers: `ACME-0001 open 11800 2026-02-15`, the day they are due.
    public func invoices(of seller: Seller.ID) async throws -> [String] {
        try await query(
            "SELECT concat_ws(' ', number, state, total, due_on) FROM books.invoices ORDER BY number", of: seller
        ).decode(String.self)
    }

    /// The states of a kind's jobs, oldest job first.
    public func states(of kind: JobKind) async throws -> [String] {
        try await pool.query("SELECT state FROM queue.all_jobs WHERE kind = \(kind.name) ORDER BY id")
            .decode(String.self)
    }

    /// Lets a held job go on, as `billwright jobs release` does.
    public func release(_ kind: JobKind, at now: Instant) async throws {
        let operations = QueueOperations(pool: pool)
        let held = try await pool.query(
            "SELECT id FROM queue.all_jobs WHERE kind = \(kind.name) AND state = 'held' ORDER BY id"
        ).decode(Int64.self)
        let act = QueueOperations.Act(.release, by: "test", because: "it was put right")
        for id in held { _ = try await operations.act(act, on: id, now: now) }
    }

    /// Records an issue for everything in a seller's books that does not agree.
    public func expectBalancedBooks(of seller: Seller.ID, _ comment: Comment? = nil) async throws {
        let summary = try await BooksSummary.read(seller: seller, pool)
        #expect(summary.violations == [], comment)
    }
}

/// The zones of the samples, as offsets that never change: the host's database has no say in a test.
struct SampleZones: TimeZones {
    struct UnknownZone: Error { let name: String }

    private static let hours: [String: Int32] = [
        "Etc/UTC": 0, "UTC": 0, "Pacific/Tongatapu": 13, "America/Los_Angeles": -8,
    ]

    func rules(_ name: String) throws -> TimeZoneRules {
        guard let hours = SampleZones.hours[name] else { throw UnknownZone(name: name) }
        return TimeZoneRules(id: name, version: "sample", initialOffset: hours * 3600)
    }
}
