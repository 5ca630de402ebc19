internal import Chance
internal import Dates
internal import FoundationEssentials
internal import JobKit
internal import LocalPostgres
internal import Postgres
internal import Processes
internal import QueueStore
internal import Synchronization

/// The server and the workers of a speed run, and how jobs are put before them.
final class SpeedStage: Sendable {
    enum Kind: Sendable { case noop, serial, booked }
    struct Figures: Sendable {
        var perSecond = 0.0
        var walBytes = 0.0
        var commits = 0.0
    }

    let server: BenchServer
    let pool: PostgresPool
    private let program: String
    private let tell: @Sendable (String) -> Void
    private let enqueuing: PostgresPool
    private let store: PostgresJobStore<PostgresWork>
    let snapshot = Mutex<PostgresConnection?>(nil)

    init(server: BenchServer, program: String, tell: @escaping @Sendable (String) -> Void) async throws {
        self.tell = tell
        self.server = server
        self.program = program
        pool = PostgresPool(try server.configuration(as: PrivateCluster.superuser), size: 4)
        let configuration = try server.configuration(as: "billwright_worker")
        enqueuing = PostgresPool(configuration, size: 3)
        store = PostgresJobStore(pool: enqueuing, control: enqueuing, listener: configuration) { $0 }
        for statement in Self.preparation { _ = try await pool.query(statement) }
    }

    private static let preparation: [SQL] = [
        "ALTER SYSTEM RESET wal_writer_delay", "ALTER SYSTEM SET max_wal_size = '8GB'", "SELECT pg_reload_conf()",
        "CREATE TABLE bench.pickups (number bigint NOT NULL, began timestamptz NOT NULL)",
        "GRANT INSERT ON bench.pickups TO billwright_worker",
    ]

    func close() async {
        await pool.close()
        await enqueuing.close()
    }

    func reset() async throws {
        _ = try await pool.query(
            """
            TRUNCATE queue.jobs, queue.waiting, queue.history, queue.leases, queue.lanes, queue.heads,
                     queue.unique_keys, queue.failures, bench.bookings, bench.pickups
            """)
    }

    /// As a service enqueues it: with the trace of whatever made it necessary.
    func job(_ kind: Kind, _ number: Int) throws -> NewJob {
        var generator = SeededGenerator(seed: UInt64(number))
        let trace = TraceContext(isSampled: true, using: &generator).traceparent
        return switch kind {
        case .noop: try NewJob(Noop(number: number, note: String(repeating: "x", count: 60)), trace: trace)
        case .serial: try NewJob(Noop(number: number, note: "", key: "customer-\(number % 1000)"), trace: trace)
        case .booked: try NewJob(Booked(number: number), trace: trace)
        }
    }

    /// Rows a second through the ordinary way in, one transaction each thousand.
    func bulkInsert(_ count: Int) async throws -> Double {
        try await reset()
        let jobs = try (1...count).map { try job(.noop, $0) }
        let began = ContinuousClock.now
        for start in stride(from: 0, to: count, by: 1000) {
            try await enqueue(Array(jobs[start..<min(start + 1000, count)]))
        }
        return Double(count) / (began.duration(to: .now) / .seconds(1))
    }

    func enqueue(_ jobs: [NewJob]) async throws {
        let now = try await databaseTime()
        try await store.transaction(tenant: .all, now: now) { work in try await work.enqueue(jobs) }
    }

    func databaseTime() async throws -> Instant { try await pool.query("SELECT clock_timestamp()").only(Instant.self) }

    /// Workers wait, registered and connected, before a queue that is paused; then the clock starts.
    func throughput(_ kind: Kind, jobs count: Int, processes: Int) async throws -> Figures {
        let before = try await pool.query("SELECT nextval('queue.job_ids')").only(Int64.self)
        _ = try await pool.query(
            "INSERT INTO queue.pauses VALUES ('queue', 'speed', now(), 'bench', 'until all is there')")
        for start in stride(from: 1, through: count, by: 1000) {
            try await enqueue(try (start..<min(start + 1000, count + 1)).map { try job(kind, $0) })
        }
        _ = try await pool.query("CHECKPOINT")
        return try await withWorkers(processes) {
            let (wal, commits) = try await counters()
            let began = try await databaseTime()
            _ = try await pool.query("DELETE FROM queue.pauses")
            _ = try await pool.query("SELECT pg_notify('billwright_queue', 'speed')")
            let deadline = ContinuousClock.now + .seconds(300)
            while try await isAnyLeft(after: before) {
                guard ContinuousClock.now < deadline else {
                    throw QueueBench.Invalid(description: "not all of \(count) jobs were done in 300 s")
                }
                try await Task.sleep(for: .milliseconds(250))
            }
            let (walAfter, commitsAfter) = try await counters()
            let (ended, rows, distinct) = try await pool.query(
                "SELECT max(ended_at), count(*), count(DISTINCT id) FROM queue.history WHERE id > \(before)"
            ).only(Instant.self, Int.self, Int.self)
            guard rows == count, distinct == count else {
                throw QueueBench.Invalid(description: "\(distinct) of \(count) jobs were done, \(rows) times in all")
            }
            return Figures(
                perSecond: Double(count) / ((ended - began) / .seconds(1)), walBytes: walAfter - wal,
                commits: commitsAfter - commits)
        }
    }

    /// Asked of the newest first, which are done last: counting what is finished would be work of its own.
    private func isAnyLeft(after id: Int64) async throws -> Bool {
        try await pool.query(
            """
            SELECT EXISTS (SELECT FROM queue.jobs WHERE id > \(id) ORDER BY id DESC LIMIT 1)
                OR EXISTS (SELECT FROM queue.waiting WHERE id > \(id) AND state = 'blocked' AND serial_key <> 'stuck')
            """
        ).only(Bool.self)
    }

    private func counters() async throws -> (wal: Double, commits: Double) {
        let (wal, commits) = try await pool.query(
            """
            SELECT (pg_current_wal_lsn() - '0/0')::bigint,
                   (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())
            """
        ).only(Int64.self, Int64.self)
        return (Double(wal), Double(commits))
    }

    /// From the commit of a single job to the first line of its handler, in milliseconds, sorted.
    func pickups(_ samples: Int) async throws -> [Double] {
        try await enqueue([try NewJob(Pickup(number: 0))])
        var committed: [Instant] = []
        for number in 1...samples {
            try await Task.sleep(for: .milliseconds(Int.random(in: 5...25)))
            try await enqueue([try NewJob(Pickup(number: number))])
            committed.append(.hostClock)
        }
        var began: [(Int64, Instant)] = []
        while began.count < samples {
            try await Task.sleep(for: .milliseconds(100))
            began = try await pool.query("SELECT number, began FROM bench.pickups WHERE number > 0 ORDER BY number")
                .decode(Int64.self, Instant.self)
        }
        return zip(committed, began).map { max(($1.1 - $0) / .milliseconds(1), 0) }.sorted()
    }

    func withWorkers<Value>(_ count: Int, _ body: () async throws -> Value) async throws -> Value {
        var children: [ChildProcess] = []
        for _ in 0..<count {
            var command = Command(
                program, ["bench", "noop-worker", "--log-level", "warning"],
                output: .lines { [tell] _, line in
                    if line.contains("\"level\"") { tell(line) }
                })
            command.environment = [
                "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
                "DATABASE_URL": server.connectionString(as: "billwright_worker"),
            ]
            command.signalWhenWeDie = .kill
            children.append(try await ChildProcess.start(command))
        }
        let result: Result<Value, any Error>
        do {
            while try await pool.query("SELECT count(*) FROM queue.workers").only(Int.self) < count {
                try await Task.sleep(for: .milliseconds(20))
            }
            try await Task.sleep(for: .milliseconds(500))
            result = .success(try await body())
        } catch { result = .failure(error) }
        for child in children { _ = await child.stop(.terminate, within: .seconds(10)) }
        return try result.get()
    }
}
