internal import Foundation
public import Postgres
internal import Synchronization
public import Testing

/// A database that belongs to one test case alone; dropped when the case passes and kept as evidence when it fails.
public struct TestDatabase: Sendable {
    @TaskLocal static var running: TestDatabase?

    public let name: String
    /// Connects as the superuser; use `with(user:)` for the application's roles.
    public let configuration: PostgresConfiguration

    /// The database of the running test case.
    public static var current: TestDatabase {
        get throws { try #require(running, "the suite or the test needs the trait .database") }
    }

    /// Lends `body` a pool on this database and closes it.
    public func withPool<Value: Sendable>(
        size: Int = 4, leaseTimeout: Duration = .seconds(10),
        _ body: (PostgresPool) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(configuration, size: size, leaseTimeout: leaseTimeout)
        do {
            let value = try await body(pool)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// Gives each test case a migrated database of its own.
public struct DatabaseTrait: SuiteTrait, TestTrait, TestScoping {
    let migrations: [Migration]

    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let admin = try TestCluster.admin.get()
        let name = "bw_test_" + UUID().uuidString.lowercased().replacing("-", with: "")
        let template = try await Self.template(of: migrations, admin)
        _ = try await admin.query("CREATE DATABASE \(SQL.identifier(name)) TEMPLATE \(SQL.identifier(template))")
        var configuration = admin.configuration.with(database: name)
        configuration.usesPreparedStatements = true
        let database = TestDatabase(name: name, configuration: configuration)
        let failures = Mutex(0)
        // An expectation that fails does not throw, so the issues are counted on their way to the report.
        let counting: IssueHandlingTrait = .compactMapIssues { issue in
            if issue.isFailure { failures.withLock { $0 += 1 } }
            return issue
        }
        try await TestDatabase.$running.withValue(database) {
            try await counting.provideScope(for: test, testCase: testCase) {
                do { try await function() } catch {
                    print("the database of the failed test is kept: \(database.configuration.redactedDescription)")
                    throw error
                }
            }
        }
        guard failures.withLock({ $0 }) == 0 else {
            print("the database of the failed test is kept: \(database.configuration.redactedDescription)")
            return
        }
        _ = try await admin.query("DROP DATABASE \(SQL.identifier(name)) WITH (FORCE)")
    }

    /// A database with these migrations, made once per server by whoever comes first.
    private static func template(of migrations: [Migration], _ admin: PostgresPool) async throws -> String {
        if migrations.isEmpty { return "template0" }
        return try await admin.withConnection { connection in
            let texts = migrations.map { Array("\($0.file)\n".utf8) + $0.sql }
            let checksum = try await connection.query(
                "SELECT left(encode(sha256(string_agg(sha256(t), '' ORDER BY n)), 'hex'), 32) FROM unnest(\(texts)) WITH ORDINALITY AS u (t, n)"
            ).only(String.self)
            let name = "bw_template_\(checksum)"
            _ = try await connection.query("SELECT pg_advisory_lock(hashtext(\(name)))")
            do {
                try await make(template: name, migrations, connection)
                _ = try await connection.query("SELECT pg_advisory_unlock(hashtext(\(name)))")
            } catch {
                await connection.close()
                throw error
            }
            return name
        }
    }

    private static func make(
        template name: String, _ migrations: [Migration], _ connection: PostgresConnection
    ) async throws {
        let exists = try await connection.query(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = \(name))"
        ).only(Bool.self)
        if exists { return }
        // It gets its name only when it is complete, so that one cut short is not taken for a template.
        let unfinished = try SQL.identifier("\(name)_new")
        _ = try await connection.query("DROP DATABASE IF EXISTS \(unfinished) WITH (FORCE)")
        _ = try await connection.query("CREATE DATABASE \(unfinished) TEMPLATE template0")
        let configuration = try TestCluster.configuration().with(database: "\(name)_new")
        _ = try await Migrator(configuration, migrations).migrate()
        _ = try await connection.query("ALTER DATABASE \(unfinished) RENAME TO \(SQL.identifier(name))")
    }
}

extension Trait where Self == DatabaseTrait {
    /// An empty database for each test case.
    public static var database: Self { Self(migrations: []) }

    /// A database with these migrations for each test case, copied from a template.
    public static func database(migrations: [Migration]) -> Self { Self(migrations: migrations) }
}
