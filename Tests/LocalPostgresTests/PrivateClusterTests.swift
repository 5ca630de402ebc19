import FoundationEssentials
import Glibc
import LocalPostgres
import Processes
import Synchronization
import Testing

@Suite struct PrivateClusterTests {
    private let folder: TemporaryFolder
    private let home: Home
    private let cluster: PrivateCluster
    private let binaries: PostgresBinaries

    init() async throws {
        folder = try TemporaryFolder()
        home = try Home(folder.path + "/home")
        try await home.create()
        binaries = try PrivateCluster.binaries(for: home, environment: ProcessInfo.processInfo.environment)
        var settings = PrivateCluster.Settings()
        settings.isDurable = false
        settings.sharedBuffersMiB = 16
        cluster = PrivateCluster(binaries: binaries, settings: settings)
    }

    private func query(_ server: LocalServer, _ sql: String) async throws -> [String] {
        let connection = server.connectionString(database: "postgres", user: PrivateCluster.superuser)
        var command = Command("\(binaries.folder)/psql", ["--no-psqlrc", "-qtAX", "-c", sql, connection])
        command.environment = ["LC_ALL": "C.UTF-8"]
        return try await ChildProcess.run(command).lines
    }

    @Test func `a cluster is made once and its data are there after a restart`() async throws {
        let seen = Mutex<[PrivateCluster.Progress]>([])
        let note: @Sendable (PrivateCluster.Progress) -> Void = { step in
            if case .waiting = step { return }
            seen.withLock { $0.append(step) }
        }
        let lock = try home.lock()
        let first = try await cluster.start(holding: lock, progress: note)
        #expect(try await query(first, "create table kept as select 42 as n").isEmpty)
        #expect(await first.stop() == .code(0))
        let second = try await cluster.start(holding: lock, progress: note)
        #expect(try await query(second, "select n from kept") == ["42"])
        #expect(await second.stop() == .code(0))
        #expect(seen.withLock { $0 } == [.creating, .starting, .ready, .starting, .ready])
    }

    @Test func `it speaks UTF-8, sorts by code point, checks its pages and listens on no address`() async throws {
        let lock = try home.lock()
        let server = try await cluster.start(holding: lock)
        let names = ["server_encoding", "lc_collate", "data_checksums", "listen_addresses", "unix_socket_permissions"]
        let sql = names.map { "current_setting('\($0)')" }.joined(separator: " || ',' || ")
        #expect(try await query(server, "select \(sql)") == ["UTF8,C.UTF-8,on,,0700"])
        await server.stop()
    }

    @Test func `it runs as its own user and nobody else may enter its folders`() async throws {
        let lock = try home.lock()
        let server = try await cluster.start(holding: lock)
        let (_, lines) = try await ChildProcess.run(
            Command("/usr/bin/stat", ["-c", "%u %a", "/proc/\(server.processID)", home.cluster, home.sockets]))
        let user = home.serverUser.id
        #expect(lines == ["\(user) 555", "\(user) 700", "\(user) 700"])
        await server.stop()
    }

    @Test func `a server that an earlier run left behind is stopped first`() async throws {
        let lock = try home.lock()
        let left = try await cluster.start(holding: lock)
        let steps = Mutex<[PrivateCluster.Progress]>([])
        let server = try await cluster.start(holding: lock) { step in steps.withLock { $0.append(step) } }
        #expect(steps.withLock { $0.first } == .stoppingOrphan(processID: left.processID))
        #expect(await left.ended() == .code(0))
        #expect(try await query(server, "select 1") == ["1"])
        await server.stop()
    }

    @Test func `a killed server leaves a lock file that does not stop the next, even if its number lives again`()
        async throws
    {
        let lock = try home.lock()
        let first = try await cluster.start(holding: lock)
        #expect(kill(first.processID, SIGKILL) == 0)
        #expect(await first.ended() == .signal(SIGKILL))
        let file = home.cluster + "/postmaster.pid"
        let stale = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        // A process that runs and is no server: ourselves.
        let reused = stale.replacing("\(first.processID)", with: "\(getpid())", maxReplacements: 1)
        try Data(reused.utf8).write(to: URL(filePath: file))
        let second = try await cluster.start(holding: lock)
        #expect(try await query(second, "select 1") == ["1"])
        await second.stop()
    }

    @Test func `a server that cannot start says why, with the last lines of its log`() async throws {
        let lock = try home.lock()
        var settings = PrivateCluster.Settings()
        settings.isDurable = false
        settings.maxConnections = 0
        let error = try await #require(throws: LocalPostgresError.self) {
            _ = try await PrivateCluster(binaries: binaries, settings: settings).start(holding: lock)
        }
        #expect(error.description.contains("it ended with exit status 1; its log is \(home.logs)/postgres.log"))
        #expect(error.description.contains("max_connections"))
    }

    @Test func `a creation that was interrupted is begun again`() async throws {
        try folder.makeFolder("home/postgres.new")
        try folder.write("15\n", to: "home/postgres.new/PG_VERSION")
        let lock = try home.lock()
        let server = try await cluster.start(holding: lock)
        #expect(await server.stop() == .code(0))
    }

    @Test func `a data directory that holds something else is left alone`() async throws {
        try folder.write("mine", to: "home/postgres/notes.txt")
        let lock = try home.lock()
        await #expect(throws: LocalPostgresError.self) { _ = try await cluster.start(holding: lock) }
        #expect(FileManager.default.fileExists(atPath: home.cluster + "/notes.txt"))
    }

    @Test func `a cluster of a version that is not installed names its package`() async throws {
        try folder.write("7\n", to: "home/postgres/PG_VERSION")
        #expect(throws: LocalPostgresError.wrongVersion(cluster: 7, folder: home.cluster)) {
            try PrivateCluster.binaries(for: home, environment: [:])
        }
    }

    @Test func `a connection string quotes what it is given`() async throws {
        let lock = try home.lock()
        let server = try await cluster.start(holding: lock)
        let name = #"it's a \ name"#
        _ = try await query(server, #"create database "\#(name)""#)
        let connection = server.connectionString(database: name, user: "postgres")
        let command = Command("\(binaries.folder)/psql", ["-qtAX", "-c", "select current_database()", connection])
        #expect(try await ChildProcess.run(command).lines == [name])
        await server.stop()
    }
}
