import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.database, .timeLimit(.minutes(15)))
struct MigratorTests {
    static let queue1 = Migration(component: "queue", number: 1, name: "jobs", sql: Array("CREATE TABLE jobs ()".utf8))
    static let queue2 = Migration(
        component: "queue", number: 2, name: "leases", sql: Array("CREATE TABLE leases (); CREATE TABLE beats ();".utf8)
    )
    static let books1 = Migration(component: "books", number: 1, name: "entries", sql: Array("CREATE TABLE e ()".utf8))

    private func migrate(_ migrations: [Migration]) async throws -> [String] {
        try await Migrator(TestDatabase.current.configuration, migrations).migrate().map(\.file)
    }

    private func refusal(_ migrations: [Migration]) async -> String {
        let error = await #expect(throws: MigrationError.self) { try await migrate(migrations) }
        return error?.description ?? ""
    }

    @Test func `each migration is applied once, in order`() async throws {
        let migrator = Migrator(try TestDatabase.current.configuration, [Self.queue1, Self.books1, Self.queue2])
        #expect(try await migrator.status().map(\.state) == [.pending, .pending, .pending])
        #expect(try await migrate([Self.queue1]) == ["queue/0001_jobs.sql"])
        #expect(
            try await migrate([Self.queue1, Self.books1, Self.queue2]) == [
                "books/0001_entries.sql", "queue/0002_leases.sql",
            ])
        #expect(try await migrate([Self.queue1, Self.books1, Self.queue2]) == [])
        for status in try await migrator.status() {
            guard case .applied = status.state else { throw Unexpected(nil) }
        }
    }

    @Test func `a migration that was changed, lost or comes late is refused by its name`() async throws {
        _ = try await migrate([Self.queue1, Self.queue2])
        let changed = Migration(component: "queue", number: 2, name: "leases", sql: Array("CREATE TABLE other ()".utf8))
        #expect(await refusal([Self.queue1, changed]).hasPrefix("queue/0002_leases.sql was changed"))
        #expect(await refusal([Self.queue1]).hasPrefix("the database has queue/0002_leases.sql"))
        #expect(
            await refusal([Self.queue1, Self.queue2, .init(component: "queue", number: 4, name: "x", sql: [])])
                .hasPrefix("queue/0004_x.sql follows number 2"))
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        _ = try await connection.query("DELETE FROM billwright_migrations WHERE number = 1")
        await connection.close()
        #expect(
            await refusal([Self.queue1, Self.queue2]).hasPrefix("queue/0001_jobs.sql is not applied, but number 2"))
    }

    @Test func `a migration that fails leaves nothing of itself and names its line`() async throws {
        let text = "CREATE TABLE half ();\n\nCREATE TABLE oops (x nosuchtype);"
        let bad = Migration(component: "queue", number: 2, name: "bad", sql: Array(text.utf8))
        #expect(
            await refusal([Self.queue1, bad]).hasPrefix("queue/0002_bad.sql:3: type \"nosuchtype\" does not exist"))
        #expect(try await migrate([Self.queue1]) == [])
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        #expect(try await connection.query("SELECT to_regclass('half') IS NULL").only(Bool.self))
        await connection.close()
    }

    @Test(arguments: ["COMMIT", "CREATE TABLE x (); ROLLBACK"])
    func `a migration may not end its transaction`(_ text: String) async throws {
        let bad = Migration(component: "queue", number: 1, name: "bad", sql: Array(text.utf8))
        #expect(await refusal([bad]).hasPrefix("queue/0001_bad.sql begins or ends a transaction"))
        let connection = try await PostgresConnection.connect(TestDatabase.current.configuration)
        #expect(try await connection.query("SELECT count(*) FROM billwright_migrations").only(Int.self) == 0)
        await connection.close()
    }

    @Test func `of two migrators one works while the other waits`() async throws {
        let configuration = try TestDatabase.current.configuration
        async let first = Migrator(configuration, [Self.queue1, Self.queue2]).migrate()
        async let second = Migrator(configuration, [Self.queue1, Self.queue2]).migrate()
        #expect(try await [first.count, second.count].sorted() == [0, 2])
    }

    @Test func `the wait for another migrator is bounded and said aloud`() async throws {
        let configuration = try TestDatabase.current.configuration
        let other = try await PostgresConnection.connect(configuration)
        _ = try await other.query("SELECT pg_advisory_lock(\(0x6269_6C6C_7772_6967))")
        let lines = Mutex<[String]>([])
        let migrator = Migrator(configuration, [Self.queue1], lockTimeout: .milliseconds(30)) { line in
            lines.withLock { $0.append(line) }
        }
        let error = await #expect(throws: MigrationError.self) { try await migrator.migrate() }
        guard case .locked = error else { throw Unexpected(error) }
        #expect(lines.withLock { $0 } == ["another program is migrating this database; waiting up to 0.03 seconds"])
        await other.close()
    }
}

@Suite(.database(migrations: [MigratorTests.queue1]), .timeLimit(.minutes(15)))
struct MigratedDatabaseTests {
    @Test(arguments: 0..<4)
    func `each test case has a migrated database of its own`(_ number: Int) async throws {
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("ALTER TABLE jobs ADD number int8")
            _ = try await pool.query("INSERT INTO jobs VALUES (\(number))")
            #expect(try await pool.query("SELECT number FROM jobs").only(Int.self) == number)
        }
    }
}
