internal import Dates
internal import FoundationEssentials
internal import Glibc
internal import JobKit
internal import LocalPostgres
internal import Postgres
internal import Processes
internal import QueueStore
internal import Synchronization

/// Everybody who takes part in a run: server, counterpart, crew, gate, relay; and how the conductor reaches them.
final class ChaosStage: Sendable {
    let settings: ChaosSettings
    let folder: String
    let server: BenchServer
    let crew: ChaosCrew
    let gate: Gate
    let relay: Relay
    /// The superuser's, for looking on. Its connections are remade whenever the server was away.
    let pool: PostgresPool
    let tell: @Sendable (String) -> Void
    let tally = Mutex(ChaosTally())
    let watch: LossWatch
    private let enqueuing: PostgresPool
    private let store: PostgresJobStore<PostgresWork>
    private let counterpart: ChildProcess
    private let counterpartURL: String

    init(
        _ settings: ChaosSettings, program: String, folder: String, server: BenchServer,
        tell: @escaping @Sendable (String) -> Void
    ) async throws {
        self.settings = settings
        self.folder = folder
        self.server = server
        self.tell = tell
        gate = try Gate()
        try FileManager.default.createDirectory(atPath: "\(folder)/relay", withIntermediateDirectories: true)
        relay = try Relay(
            folder: "\(folder)/relay", target: "\(server.home.sockets)/.s.PGSQL.5432")
        crew = ChaosCrew(program: program, logs: server.home.logs)
        pool = PostgresPool(try server.configuration(as: PrivateCluster.superuser), size: 4)
        let configuration = try server.configuration(as: "billwright_worker")
        enqueuing = PostgresPool(configuration, size: 2)
        store = PostgresJobStore(pool: enqueuing, control: enqueuing, listener: configuration) { $0 }
        watch = LossWatch(pool: pool, crew: crew)
        (counterpart, counterpartURL) = try await Self.startCounterpart(program, folder, settings)
    }

    /// The counterpart's file: what really happened.
    static func actsFile(in folder: String) -> String { "\(folder)/effects.log" }

    private static func startCounterpart(
        _ program: String, _ folder: String, _ settings: ChaosSettings
    ) async throws -> (ChildProcess, String) {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        var command = Command(
            program,
            [
                "bench", "counterpart", "--file", actsFile(in: folder), "--listen", "0", "--seed", "\(settings.seed)",
                "--late", "10", "--cut", "10", "--refused", "10", "--lateness", settings.timing.lateness.flag,
            ], output: .lines { _, line in continuation.yield(line) })
        command.environment = ["LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? ""]
        command.signalWhenWeDie = .kill
        let child = try await ChildProcess.start(command)
        Task {
            _ = await child.exit()
            continuation.finish()
        }
        for await line in lines where line.hasPrefix("listening on ") {
            return (child, String(line.dropFirst("listening on ".count)))
        }
        throw ChaosRun.Failure.noCounterpart
    }

    /// A worker's command line. `options` are libpq's, for this worker alone. A patient one outlives a server that is away
    /// for long, and takes nobody for lost.
    func place(
        _ name: String, slots: Int? = nil, relayed: Bool = false, ahead: Duration = .zero, options: String = "",
        isPatient: Bool = false
    ) -> ChaosCrew.Place {
        var timing = settings.timing
        if isPatient { (timing.surrender, timing.expiry) = (.seconds(60), .seconds(120)) }
        let database =
            relayed
            ? "host='\(folder)/relay' port=5432 dbname='\(BenchServer.database)' user=billwright_worker"
            : server.connectionString(as: "billwright_worker")
        var words = [
            "bench", "worker", "--database", "\(database) application_name='\(name)' \(options)", "--counterpart",
            counterpartURL, "--gate", gate.base, "--concurrency", "\(slots ?? settings.concurrency)", "--beat",
            timing.beat.flag,
            // Workers are killed on purpose here; no job is to blame.
            "--rescue-budget", "1000",
            "--surrender", timing.surrender.flag, "--expiry", timing.expiry.flag, "--rescue", timing.rescue.flag,
            "--call-timeout", timing.callTimeout.flag, "--reconcile-after", timing.reconcileAfter.flag, "--ahead",
            ahead.flag,
        ]
        if settings.broken == .intent { words.append("--without-intent") }
        return ChaosCrew.Place(name: name, words: words)
    }

    /// Enqueues each of `jobs` once, whatever happens meanwhile: what may have been committed is looked for first.
    func enqueue(_ jobs: [NewJob]) async throws {
        guard let key = jobs.first?.uniqueKey else { return }
        while true {
            do {
                let now = Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))
                try await store.transaction(tenant: .all, now: now) { work in try await work.enqueue(jobs) }
                return
            } catch let error as PostgresError where error.mayRetry != .no {
                try await Task.sleep(for: .milliseconds(200))
                if try await persistently(ChaosSchema.exists(uniqueKey: key)).only(Bool.self) { return }
            }
        }
    }

    /// Asks until the server answers; the run's deadline is the limit.
    func persistently(_ sql: SQL) async throws -> Rows {
        while true {
            do {
                return try await pool.query(sql, deadline: .now + .seconds(20))
            } catch let error as PostgresError where error.mayRetry != .no {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    func count(_ sql: SQL) async throws -> Int { Int(try await persistently(sql).only(Int64.self)) }

    /// For whoever is told that it took too long.
    func describe() async -> String {
        let rows = (try? await pool.query(ChaosSchema.unfinished, deadline: .now + .seconds(5))) ?? nil
        let jobs = (try? rows?.decode(Int64.self, String.self, String.self)) ?? []
        return "\(tally.withLock { $0 }); left: "
            + jobs.map { "\($0.0) \($0.1) \($0.2)" }.joined(separator: ", ")
    }

    func close() async {
        await gate.close()
        await crew.dismiss(within: .seconds(5))
        await counterpart.stop(.terminate, within: .seconds(5))
        relay.stop()
        await pool.close()
        await enqueuing.close()
    }
}

/// What the conductor did, counted.
struct ChaosTally: Sendable {
    var enqueued = 0
    var killed = 0
    var stopped = 0
    var serverRestarts = 0
    var serverKills = 0
    var connectionsCut = 0
    var lostClaims = 0
    var lostClaimsRefused = 0
    /// Jobs enqueued while a lane was locked, half of them probes; and of these, each time, how many ended meanwhile.
    var probes = 0
    var endedPastLock: [Int] = []
    var findings: [String] = []
}

extension Duration {
    /// As our own flags take it.
    var flag: String { "\(Int(self / .milliseconds(1)))ms" }
}
