internal import Dates

/// Brings a database's schema up to date: each migration once, in order, in a transaction of its own.
///
/// Any number of programs may migrate at once: one works while the others wait, and then find nothing to do. It holds a
/// lock of its session, so it needs a direct connection and not a PgBouncer in transaction mode.
public struct Migrator: Sendable {
    private let configuration: PostgresConfiguration
    private let migrations: [Migration]
    private let lockTimeout: Duration
    private let report: @Sendable (String) -> Void

    // "billwrig" in ASCII. Advisory locks belong to one database, so databases of one cluster do not wait for each
    // other.
    private static let lock: Int64 = 0x6269_6C6C_7772_6967

    /// - Parameters:
    ///   - configuration: connects as the role that owns the schema.
    ///   - migrations: everything this program has, in the order in which a new database gets it.
    ///   - lockTimeout: how long to wait for another program that is migrating.
    ///   - report: told what happens, a line at a time.
    public init(
        _ configuration: PostgresConfiguration, _ migrations: [Migration], lockTimeout: Duration = .seconds(60),
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        var configuration = configuration
        // Building an index may take as long as it takes; waiting for a lock stops everyone who comes behind.
        configuration.callTimeout = .seconds(24 * 3600)
        if configuration.sessionLimits != nil { configuration.sessionLimits?.statement = .zero }
        self.configuration = configuration
        self.migrations = migrations
        self.lockTimeout = lockTimeout
        self.report = report
    }

    /// Applies what is pending.
    /// - Returns: what was applied now, in order.
    public func migrate() async throws(MigrationError) -> [Migration] {
        try await withConnection { connection throws(MigrationError) in
            try await takeLock(connection)
            try await onDatabase { () throws(PostgresError) in try await connection.script(Self.table) }
            let pending = try MigrationStatus.plan(try await read(connection)).map { migrations[$0] }
            for migration in pending {
                try await apply(migration, connection)
                report("applied \(migration.file)")
            }
            return pending
        }
    }

    /// What is applied and what is not; changes nothing and takes no lock.
    /// The program's migrations in its order, then those only the database has.
    public func status() async throws(MigrationError) -> [MigrationStatus] {
        try await withConnection { connection throws(MigrationError) in
            let exists = try await onDatabase { () throws(PostgresError) in
                try await connection.query("SELECT to_regclass('public.billwright_migrations') IS NOT NULL").only(
                    Bool.self)
            }
            guard !exists else { return try await read(connection) }
            return migrations.map {
                MigrationStatus(component: $0.component, number: $0.number, name: $0.name, state: .pending)
            }
        }
    }

    private static let table = """
        CREATE TABLE IF NOT EXISTS public.billwright_migrations (
            component text NOT NULL,
            number bigint NOT NULL CHECK (number > 0),
            name text NOT NULL,
            checksum bytea NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (component, number)
        )
        """

    private func takeLock(_ connection: PostgresConnection) async throws(MigrationError) {
        do throws(PostgresError) {
            let isFree = try await connection.query("SELECT pg_try_advisory_lock(\(Self.lock))").only(Bool.self)
            if isFree { return }
            report("another program is migrating this database; waiting up to \(lockTimeout)")
            let usual = try await connection.query("SELECT current_setting('lock_timeout')").only(String.self)
            try await connection.set("lock_timeout", String(max(1, lockTimeout.wholeMilliseconds)))
            _ = try await connection.query("SELECT pg_advisory_lock(\(Self.lock))")
            try await connection.set("lock_timeout", usual)
        } catch {
            if error.sqlState == "55P03" { throw .locked(after: lockTimeout) }
            throw .database(error)
        }
    }

    private func read(_ connection: PostgresConnection) async throws(MigrationError) -> [MigrationStatus] {
        let components = migrations.map(\.component)
        let numbers = migrations.map(\.number)
        let names = migrations.map(\.name)
        let texts = migrations.map(\.sql)
        let rows = try await onDatabase { () throws(PostgresError) in
            try await connection.query(
                """
                SELECT component, number, coalesce(given.name, done.name), given.position IS NOT NULL,
                       done.applied_at, coalesce(done.checksum = sha256(given.sql), false)
                FROM unnest(\(components), \(numbers), \(names), \(texts))
                     WITH ORDINALITY AS given (component, number, name, sql, position)
                FULL JOIN public.billwright_migrations AS done USING (component, number)
                ORDER BY given.position NULLS LAST, component, number
                """
            ).decode(String.self, Int.self, String.self, Bool.self, Instant?.self, Bool.self)
        }
        return rows.map { component, number, name, isGiven, appliedAt, isSame in
            let state: MigrationStatus.State =
                switch appliedAt {
                case nil: .pending
                case let time? where !isGiven: .unknown(appliedAt: time)
                case let time? where !isSame: .changed(appliedAt: time)
                case let time?: .applied(at: time)
                }
            return MigrationStatus(component: component, number: number, name: name, state: state)
        }
    }

    private func apply(_ migration: Migration, _ connection: PostgresConnection) async throws(MigrationError) {
        let text = String(decoding: migration.sql, as: UTF8.self)
        do {
            try await connection.transaction { transaction in
                guard try await transaction.script(text) else {
                    throw MigrationError.endedTransaction(file: migration.file)
                }
                try await transaction.finish(with: [
                    """
                    INSERT INTO public.billwright_migrations (component, number, name, checksum)
                    VALUES (\(migration.component), \(migration.number), \(migration.name), sha256(\(migration.sql)))
                    """
                ])
            }
        } catch let error as MigrationError {
            throw error
        } catch let error as PostgresError {
            var line: Int?
            if case .server(let failure) = error, let position = failure.position {
                line = text.prefix(position - 1).count(where: \.isNewline) + 1
            }
            throw .failed(file: migration.file, line: line, error: error)
        } catch {
            preconditionFailure("a transaction throws its body's errors and its own: \(error)")
        }
    }

    /// The session ends with the call, and its lock with it.
    private func withConnection<Value: Sendable>(
        _ body: (PostgresConnection) async throws(MigrationError) -> Value
    ) async throws(MigrationError) -> Value {
        let connection = try await onDatabase { () throws(PostgresError) in
            try await PostgresConnection.connect(configuration)
        }
        do throws(MigrationError) {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    private func onDatabase<Value: Sendable>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(MigrationError) -> Value {
        do throws(PostgresError) { return try await body() } catch { throw .database(error) }
    }
}

extension PostgresConnection {
    fileprivate func set(_ name: String, _ value: String) throws(PostgresError) {
        _ = try query("SELECT set_config(\(name), \(value), false)")
    }

    fileprivate func script(
        _ text: String, in id: Transaction.ID
    ) throws(PostgresError) -> Bool {
        try sendPrelude(of: id, nil)
        try script(text)
        return handle.transactionStatus == .open
    }
}

extension Transaction {
    /// Runs a migration's text. False when it left the transaction.
    fileprivate func script(_ text: String) async throws(PostgresError) -> Bool {
        try await connection.script(text, in: id)
    }
}
