internal import FoundationEssentials
internal import Glibc
internal import LocalPostgres
internal import Postgres

/// A Postgres for one use, of which nothing is left afterwards.
struct PrivateServer: Sendable {
    /// Of its superuser.
    let configuration: PostgresConfiguration
    /// The server's first process: the others are its children.
    let processID: CInt

    /// Lends one to `body`, and ends it also when the task is cancelled. One that is not durable need not wait for the
    /// disk.
    static func lend<Value: Sendable>(
        isDurable: Bool = false, _ body: (PrivateServer) async throws -> Value
    ) async throws -> Value {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
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
        do {
            let configuration = try PostgresConfiguration(
                server.connectionString(database: "postgres", user: PrivateCluster.superuser))
            let value = try await body(PrivateServer(configuration: configuration, processID: server.processID))
            await server.abandon()
            _ = lock.home  // Held until here.
            return value
        } catch {
            await server.abandon()
            throw error
        }
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
