internal import Glibc
internal import Processes

/// A Postgres of our own: made, started and stopped by us, reachable through a socket that only we can open.
///
/// It neither uses nor touches any other Postgres of the machine. It listens on no network address unless asked.
public struct PrivateCluster: Sendable {
    /// How the server is to run. The defaults suit a laptop and keep every promise of durability.
    public struct Settings: Sendable, Hashable {
        public var maxConnections = 100
        public var sharedBuffersMiB = 128
        /// False loses data when the machine stops; for tests, whose databases outlive nothing.
        public var isDurable = true
        /// A port of 127.0.0.1 to listen on as well, with passwords; `nil` for the socket alone.
        public var loopbackPort: UInt16?
        /// How long a start may take. Recovery after a crash replays up to a gigabyte of log.
        public var startLimit = Duration.seconds(300)
        /// How long a fast stop may take before the server is stopped at once, to recover at its next start.
        public var stopLimit = Duration.seconds(60)

        public init() {}
    }

    /// What happens while a cluster starts, for people who wait.
    public enum Progress: Sendable, Hashable {
        case creating
        /// A server of an earlier run is still there.
        case stoppingOrphan(processID: CInt)
        case starting
        /// Sent every second until it is ready.
        case waiting(seconds: Int)
        case ready
    }

    /// The superuser; for migrations' roles and databases, never for work.
    public static let superuser = "postgres"

    private let binaries: PostgresBinaries
    private let settings: Settings

    public init(binaries: PostgresBinaries, settings: Settings = Settings()) {
        self.binaries = binaries
        self.settings = settings
    }

    /// The installed binaries that fit the home's cluster, or any when it has none yet.
    public static func binaries(
        for home: Home, environment: [String: String]
    ) throws(LocalPostgresError) -> PostgresBinaries {
        guard let version = clusterVersion(home) else { return try .find(environment: environment) }
        do {
            return try .find(environment: environment, version: version)
        } catch .noBinaries {
            throw .wrongVersion(cluster: version, folder: home.cluster)
        }
    }

    /// Makes the cluster if there is none, ends a server that an earlier run left behind, starts one and returns when
    /// it takes connections. It ends with our process, however that ends.
    ///
    /// - Throws: `LocalPostgresError` with what the server said.
    public func start(
        holding lock: borrowing HomeLock, progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> LocalServer {
        let home = lock.home
        try await createIfMissing(home, progress)
        try await Orphans(of: home.cluster).stop(within: settings.stopLimit) {
            progress(.stoppingOrphan(processID: $0))
        }
        // Its owner is gone for sure, but its number may be somebody else's by now; the server would wait for them.
        unsafe _ = unlink(home.cluster + "/postmaster.pid")

        let log = home.logs + "/postgres.log"
        try rotate(log)
        progress(.starting)
        let child = try await ChildProcess.start(command(home, log: log))
        do {
            try await waitUntilReady(child, home, log: log, progress)
        } catch {
            await child.stop(.quit, within: settings.stopLimit)
            throw error
        }
        progress(.ready)
        return LocalServer(child: child, home: home, port: port, stopLimit: settings.stopLimit)
    }

    /// Without a network address the number only names the socket, in a folder that holds no other.
    private var port: UInt16 { settings.loopbackPort ?? 5432 }

    private static func clusterVersion(_ home: Home) -> Int? {
        Files.text(home.cluster + "/PG_VERSION").flatMap { Int($0.prefix { $0.isNumber }) }
    }

    /// Works beside the real place and moves the result there whole, so an interrupted creation leaves no half cluster.
    private func createIfMissing(_ home: Home, _ progress: (Progress) -> Void) async throws {
        guard Self.clusterVersion(home) == nil else { return }
        guard Files.names(in: home.cluster).isEmpty else {
            throw LocalPostgresError.badHome(home.path, reason: "\(home.cluster) holds something that is no cluster")
        }
        progress(.creating)
        let draft = home.cluster + ".new"
        try Files.removeTree(draft)
        try Files.makeFolder(draft, mode: 0o700)
        if home.user.isRoot {
            try Files.setOwner(draft, user: home.serverUser.id, group: home.serverUser.groupID)
        }
        // C.UTF-8 sorts the same on every machine; a libc upgrade cannot corrupt an index that depends on it.
        var arguments = [
            "--pgdata=\(draft)", "--username=\(Self.superuser)", "--encoding=UTF8", "--locale=C.UTF-8",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--data-checksums", "--no-instructions",
        ]
        if !settings.isDurable { arguments.append("--no-sync") }
        let (status, lines) = try await ChildProcess.run(server("initdb", arguments, home))
        guard status.isSuccess else {
            throw LocalPostgresError.programFailed("initdb", status: "\(status)", lines: lines.suffix(10))
        }
        try Files.move(draft, to: home.cluster)
    }

    private func command(_ home: Home, log: String) -> Command {
        var values = [
            ("listen_addresses", settings.loopbackPort == nil ? "" : "127.0.0.1"),
            ("port", "\(port)"),
            ("unix_socket_directories", home.sockets),
            ("unix_socket_permissions", "0700"),
            ("max_connections", "\(settings.maxConnections)"),
            ("shared_buffers", "\(settings.sharedBuffersMiB)MB"),
            ("log_line_prefix", "%m [%p] %q%u@%d "),
        ]
        if !settings.isDurable {
            values += [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]
        }
        // On the command line rather than in a file: what we want now, not what an earlier version of us wrote.
        let options = values.flatMap { ["-c", "\($0.0)=\($0.1)"] }
        var command = server("postgres", ["-D", home.cluster] + options, home)
        command.output = .file(log)
        return command
    }

    /// A program of the server, as the server's user. The environment is bare: a `PGPORT` or `PGDATA` that is meant
    /// for another Postgres must not reach ours.
    private func server(_ program: String, _ arguments: [String], _ home: Home) -> Command {
        var command = Command("\(binaries.folder)/\(program)", arguments)
        command.environment = ["PATH": "\(binaries.folder):/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        if home.user.isRoot { command.user = home.serverUser }
        // To the server this signal means a fast, clean stop.
        command.signalWhenWeDie = .interrupt
        return command
    }

    private func waitUntilReady(
        _ child: ChildProcess, _ home: Home, log: String, _ progress: (Progress) -> Void
    ) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        var lastTold = 0
        while true {
            // The server keeps its state in the eighth line of its lock file; it costs a read to ask. The sixth is empty
            // without a network address.
            let text = Files.text(home.cluster + "/postmaster.pid") ?? ""
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if lines.count >= 8, CInt(lines[0]) == child.id, lines[7].hasPrefix("ready") { return }
            if let status = await child.exit(within: .milliseconds(20)) {
                throw LocalPostgresError.notStarted(
                    reason: "it ended with \(status)", log: log, lines: Files.lastLines(log, count: 10))
            }
            try Task.checkCancellation()
            let waited = clock.now - begin
            guard waited < settings.startLimit else {
                throw LocalPostgresError.notStarted(
                    reason: "it was not ready after \(settings.startLimit)", log: log,
                    lines: Files.lastLines(log, count: 10))
            }
            let seconds = Int(waited.components.seconds)
            if seconds > lastTold { progress(.waiting(seconds: seconds)) }
            lastTold = seconds
        }
    }

    /// Keeps one older log, so that a server restarted for years fills no disk.
    private func rotate(_ log: String) throws {
        var found = stat()
        guard unsafe stat(log, &found) == 0, found.st_size > 16 * 1024 * 1024 else { return }
        try Files.move(log, to: log + ".1")
    }
}
