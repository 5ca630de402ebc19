internal import BooksStore
internal import Commands
internal import FoundationEssentials
internal import Glibc
internal import LocalPostgres
internal import Observability
internal import Postgres
internal import QueueStore
internal import Runtime
internal import Dates

/// Databases for simulations, each thrown away after its scenario: on a Postgres of their own that ends with the program,
/// or on one that is given.
struct SimulationServer: ~Copyable {
    private let access: Access
    private let folder: String
    private let server: LocalServer
    private let lock: HomeLock

    /// How databases of it are reached.
    struct Access: Sendable {
        /// With the database's name and the role in place of `%d` and `%r`.
        let pattern: String
        let owner, worker: String
        let template: String

        func configuration(_ database: String, as role: String) throws -> PostgresConfiguration {
            let text = pattern.replacing("%d", with: database).replacing("%r", with: role)
            var configuration = try PostgresConfiguration(text)
            configuration.applicationName = "billwright simulate"
            return configuration
        }
    }

    /// Starts a private Postgres. One that loses everything when it ends need not wait for the disk.
    static func start(isDurable: Bool = false) async throws -> SimulationServer {
        let folder = try Self.temporaryFolder()
        let home = try Home(folder)
        try await home.create()
        let lock = try home.lock()
        var settings = PrivateCluster.Settings()
        settings.isDurable = isDurable
        settings.maxConnections = 300
        let cluster = PrivateCluster(
            binaries: try PrivateCluster.binaries(for: home, environment: ProcessInfo.processInfo.environment),
            settings: settings)
        let server = try await cluster.start(holding: lock)
        let access = Access(
            pattern: "host='\(home.sockets)' port=5432 dbname='%d' user='%r'", owner: "billwright_owner",
            worker: "billwright_worker", template: "simulation")
        do {
            try await prepare(access)
        } catch {
            await server.stop()
            throw error
        }
        return SimulationServer(access: access, folder: folder, server: server, lock: lock)
    }

    /// Roles, and the one database in which the others are made, with every migration.
    private static func prepare(_ access: Access) async throws {
        let superuser = try await PostgresConnection.connect(
            access.configuration("postgres", as: PrivateCluster.superuser))
        for role in ["billwright_owner", "billwright_worker", "billwright_web"] {
            _ = try await superuser.query("CREATE ROLE \(SQL.identifier(role)) LOGIN CREATEDB")
        }
        await superuser.close()
        let owner = try await PostgresConnection.connect(access.configuration("postgres", as: access.owner))
        _ = try await owner.query("CREATE DATABASE \(SQL.identifier(access.template))")
        await owner.close()
        _ = try await Migrator(
            access.configuration(access.template, as: access.owner), Composition.migrations
        ) { _ in }.migrate()
    }

    private init(access: Access, folder: String, server: LocalServer, lock: consuming HomeLock) {
        self.access = access
        self.folder = folder
        self.server = server
        self.lock = lock
    }

    /// A new database and what is built on it.
    func database(_ name: String, clock: VirtualClock, workers: Int) async throws -> Composition {
        let admin = try await PostgresConnection.connect(access.configuration("postgres", as: access.owner))
        _ = try await admin.query(
            "CREATE DATABASE \(SQL.identifier(name)) TEMPLATE \(SQL.identifier(access.template))")
        await admin.close()
        let configuration = try access.configuration(name, as: access.worker)
        return Composition(
            configuration, pool: PostgresPool(configuration, size: 4 + workers * 4),
            control: PostgresPool(configuration, size: 3), clock: clock,
            log: Log(component: "simulate", threshold: .warning))
    }

    func drop(_ name: String) async throws {
        let admin = try await PostgresConnection.connect(access.configuration("postgres", as: PrivateCluster.superuser))
        _ = try await admin.query("DROP DATABASE \(SQL.identifier(name)) WITH (FORCE)")
        await admin.close()
    }

    /// The server's first process: the others are its children.
    var processID: CInt { server.processID }

    consuming func stop() async {
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
        _ = lock.home  // Held until here.
    }

    /// Short, because a socket's path must be; and where the server's user may enter.
    private static func temporaryFolder() throws -> String {
        var template = Array("/tmp/bw-simulate.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil, unsafe chmod(template, 0o711) == 0 else {
            throw SimulationFault(description: "cannot make a folder in /tmp (errno \(errno))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
