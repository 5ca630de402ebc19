internal import Observability
internal import Postgres
internal import Runtime
internal import Scenarios

/// Databases for simulations, each thrown away after its scenario: on a Postgres of their own, or on one that is given.
struct SimulationServer: Sendable {
    /// May make databases.
    private let owner: PostgresConfiguration
    /// The one database in which the others are made, with every migration.
    private let template: String

    /// Lends a server to `body`; afterwards nothing is left of what was made for it but, on a given one, the roles that
    /// the migrations make. `nil`: a private one.
    static func lend<Value: Sendable>(
        on given: PostgresConfiguration?, _ body: (SimulationServer) async throws -> Value
    ) async throws -> Value {
        guard let given else {
            return try await PrivateServer.lend { try await lend(on: $0.configuration, body) }
        }
        try await requireRights(on: given)
        let server = SimulationServer(owner: given, template: newName())
        return try await server.lendDatabase(server.template) {
            _ = try await Migrator(given.with(database: server.template), Composition.migrations) { _ in }.migrate()
            try await server.requireMembership()
            return try await body(server)
        }
    }

    /// Plays a scenario on a database of its own.
    func play(_ scenario: Scenario, workers: Int) async throws -> SimulationOutcome {
        let clock = VirtualClock(scenario.timeline.first?.at ?? scenario.until)
        return try await lend(workers: workers, clock: clock) { composition in
            try await Simulation(scenario, composition: composition, clock: clock).run(workers: workers)
        }
    }

    /// Lends a new database and what is built on it.
    func lend<Value: Sendable>(
        workers: Int, clock: VirtualClock, _ body: (Composition) async throws -> Value
    ) async throws -> Value {
        let name = Self.newName()
        return try await lendDatabase(name, template: template) {
            var configuration = owner.with(database: name)
            // Whoever logs in; row-level security is to hold as it does for a worker.
            configuration.role = Self.workerRole
            let composition = Composition(
                configuration, pool: PostgresPool(configuration, size: min(4 + 2 * workers, 16)),
                control: PostgresPool(configuration, size: 3), clock: clock,
                log: Log(component: "simulate", threshold: .warning))
            do {
                let value = try await body(composition)
                await composition.close()
                return value
            } catch {
                await composition.close()
                throw error
            }
        }
    }

    private static let workerRole = "billwright_worker"

    private static func newName() -> String {
        "billwright_simulation_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    /// Makes a database, and drops it whatever happens.
    private func lendDatabase<Value: Sendable>(
        _ name: String, template: String = "template0", _ body: () async throws -> Value
    ) async throws -> Value {
        _ = try await Self.ask(
            "CREATE DATABASE \(SQL.identifier(name)) TEMPLATE \(SQL.identifier(template))", on: owner)
        let value: Value
        do {
            value = try await body()
        } catch {
            try? await drop(name)
            throw error
        }
        try await drop(name)
        return value
    }

    /// Also when the task is cancelled.
    private func drop(_ name: String) async throws {
        try await Task {
            _ = try await Self.ask("DROP DATABASE IF EXISTS \(SQL.identifier(name)) WITH (FORCE)", on: owner)
        }.value
    }

    private static func ask(_ statement: SQL, on server: PostgresConfiguration) async throws -> Rows {
        let connection = try await PostgresConnection.connect(server)
        let answer: Result<Rows, PostgresError>
        do throws(PostgresError) { answer = .success(try await connection.query(statement)) } catch {
            answer = .failure(error)
        }
        await connection.close()
        return try answer.get()
    }

    // MARK: What a login may do

    private static func requireRights(on server: PostgresConfiguration) async throws {
        let (role, mayCreate, mayMigrate) = try await ask(
            """
            SELECT current_user::text, rolsuper OR rolcreatedb,
                   rolsuper OR rolcreaterole OR (SELECT count(*) = 3 FROM pg_roles
                     WHERE rolname IN ('billwright_owner', 'billwright_worker', 'billwright_web'))
              FROM pg_roles WHERE rolname = current_user
            """, on: server
        ).only(String.self, Bool.self, Bool.self)
        guard mayCreate else {
            throw MissingRight(server, role, "may not create databases", "ALTER ROLE \(role) CREATEDB")
        }
        guard mayMigrate else {
            throw MissingRight(
                server, role, "may not make the roles of Billwright, which are not there",
                "ALTER ROLE \(role) CREATEROLE")
        }
    }

    private func requireMembership() async throws {
        let (role, isMember) = try await Self.ask(
            "SELECT current_user::text, pg_has_role(\(Self.workerRole), 'MEMBER')", on: owner
        ).only(String.self, Bool.self)
        guard isMember else {
            throw MissingRight(owner, role, "is no member of \(Self.workerRole)", "GRANT \(Self.workerRole) TO \(role)")
        }
    }
}

/// A login that may not do what simulations need on a server of somebody's.
private struct MissingRight: Error, CustomStringConvertible {
    let description: String

    init(_ server: PostgresConfiguration, _ role: String, _ lack: String, _ remedy: String) {
        description = "\(role) \(lack) on \(server): \(remedy), or unset DATABASE_URL: then a private Postgres is used"
    }
}
