internal import FoundationEssentials
internal import Glibc
internal import LocalPostgres
internal import Postgres
internal import Processes
internal import QueueStore
internal import Synchronization

/// A durable Postgres of the run's own, that can be taken away without warning and brought back.
final class BenchServer: Sendable {
    static let database = "bench"

    let home: Home
    private let lock: HomeLock
    private let cluster: PrivateCluster
    private let running: Mutex<LocalServer?> = Mutex(nil)

    init(folder: String) async throws {
        home = try Home(folder)
        try await home.create()
        lock = try home.lock()
        var settings = PrivateCluster.Settings()
        settings.maxConnections = 200
        settings.startLimit = .seconds(60)
        settings.stopLimit = .seconds(10)
        cluster = PrivateCluster(
            binaries: try PrivateCluster.binaries(for: home, environment: ProcessInfo.processInfo.environment),
            settings: settings)
        try await start()
    }

    /// A folder for a run. Short, because a socket's path must be; and where the server's user may enter.
    static func temporaryFolder() throws -> String {
        var template = Array("/tmp/bw-bench.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil, unsafe chmod(template, 0o711) == 0 else {
            throw NoFolder(reason: errno)
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    struct NoFolder: Error, CustomStringConvertible {
        let reason: Int32
        var description: String { "cannot make a folder for the run (errno \(reason))" }
    }

    func start() async throws {
        let server = try await cluster.start(holding: lock)
        running.withLock { $0 = server }
    }

    /// `quit` is an `immediate` stop; `kill` is what a power cut does to the server's memory.
    func crash(_ signal: Signal) async {
        guard let server = running.withLock({ $0 }) else { return }
        _ = Glibc.kill(server.processID, signal.rawValue)
        _ = await server.ended()
        running.withLock { $0 = nil }
    }

    func stop() async {
        _ = await running.withLock { $0 }?.stop()
        running.withLock { $0 = nil }
    }

    func connectionString(as user: String, database: String = BenchServer.database) -> String {
        "host='\(home.sockets)' port=5432 dbname='\(database)' user='\(user)'"
    }

    func configuration(
        as user: String, database: String = BenchServer.database
    ) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(connectionString(as: user, database: database))
        configuration.applicationName = "billwright bench conductor"
        return configuration
    }

    /// Roles, database, schema; then without what is to be missing.
    func prepare(without broken: ChaosSettings.Protection?) async throws {
        let cluster = try await PostgresConnection.connect(
            configuration(as: PrivateCluster.superuser, database: "postgres"))
        for role in ["billwright_owner", "billwright_worker", "billwright_web"] {
            _ = try await cluster.query("CREATE ROLE \(SQL.identifier(role)) LOGIN")
        }
        _ = try await cluster.query("CREATE DATABASE \(SQL.identifier(Self.database)) OWNER billwright_owner")
        // What was committed asynchronously stays unflushed for longer, so that a crash takes it more often.
        _ = try await cluster.query("ALTER SYSTEM SET wal_writer_delay = '10s'")
        _ = try await cluster.query("SELECT pg_reload_conf()")
        await cluster.close()
        _ = try await Migrator(configuration(as: "billwright_owner"), QueueMigrations.all) { _ in }.migrate()
        let connection = try await PostgresConnection.connect(configuration(as: PrivateCluster.superuser))
        let removal = broken.map(ChaosSchema.removal) ?? []
        for statement in ChaosSchema.books + removal { _ = try await connection.query(statement) }
        await connection.close()
    }

    /// How often the fence refused somebody, in the server's own words: no worker that was killed can forget it.
    func countRefusals() -> Int {
        [home.logs + "/postgres.log", home.logs + "/postgres.log.1"].reduce(0) { count, path in
            guard let data = FileManager.default.contents(atPath: path) else { return count }
            return count
                + data.split(separator: UInt8(ascii: "\n")).count {
                    String(decoding: $0, as: UTF8.self).contains("ERROR:  the lease is no longer held")
                }
        }
    }
}
