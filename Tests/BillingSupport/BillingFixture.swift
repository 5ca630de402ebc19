public import Billing
public import BillingPorts
internal import BooksStore
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
    let loadingStore: PostgresJobStore<PostgresWork>
    let roster: PostgresRoster
    public let pool: PostgresPool
    /// A Sunday's noon in UTC, a month after the samples' start: the first two periods are due.
    public let start: Instant
    public let zones: any TimeZones = SampleZones()

    public static func with(_ body: (BillingFixture) async throws -> Void) async throws {
        let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
        let pool = PostgresPool(configuration, size: 4)
        let control = PostgresPool(configuration, size: 2)
        let fixture = BillingFixture(
            store: PostgresJobStore(pool: pool, control: control, listener: configuration) { $0 },
            loadingStore: PostgresJobStore(pool: pool, control: control, listener: configuration) { $0 },
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

    /// The states of a kind's jobs, oldest job first.
    public func states(of kind: JobKind) async throws -> [String] {
        try await pool.query("SELECT state FROM queue.all_jobs WHERE kind = \(kind.name) ORDER BY id")
            .decode(String.self)
    }

    /// Records an issue for everything in a seller's books that does not agree.
    public func expectBalancedBooks(of seller: Seller.ID, _ comment: Comment? = nil) async throws {
        let summary = try await BooksSummary.read(seller: seller, pool)
        #expect(summary.violations.isEmpty, comment)
    }
}

/// The zones of the samples, as offsets that never change: the host's database has no say in a test.
struct SampleZones: TimeZones {
    struct UnknownZone: Error { let name: String }

    private static let hours: [String: Int32] = ["Etc/UTC": 0, "Pacific/Tongatapu": 13, "America/Los_Angeles": -8]

    func rules(_ name: String) throws -> TimeZoneRules {
        guard let hours = SampleZones.hours[name] else { throw UnknownZone(name: name) }
        return TimeZoneRules(id: name, version: "sample", initialOffset: hours * 3600)
    }
}
