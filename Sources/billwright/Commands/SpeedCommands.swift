internal import Bench
internal import Commands
internal import FoundationEssentials
internal import Observability
internal import Runtime

extension Command {
    static let benchQueue = Command(
        "bench queue", "Measures the queue: jobs a second, pickup latency, what a job costs.",
        settings: [
            Setting("--jobs", "N", default: "200000", help: "no-op jobs of one run"),
            Setting("--runs", "N", default: "5", help: "rounds of all figures; medians are told"),
            Setting("--samples", "N", default: "1000", help: "pickups"),
            Setting(switch: "--loaded", help: "also with 10M finished, 1M scheduled, 100k blocked, an old snapshot"),
            Setting("--peers", "SCRIPT", help: "bench/peers: in each round measure others too, and tell the ratios"),
            Setting("--only", "NAME", help: "only figures whose name begins so"), .json,
        ],
        discussion: """
            Works on a durable Postgres of its own with workers at their defaults, and prints one line a figure. Use a
            release build. Only ratios of one run on one machine say something.
            """,
        run: SpeedCommands.queue)
    static let benchNoopWorker = Command(
        "bench noop-worker", "A worker of `bench queue`.", settings: [.database, .concurrency, .logFormat, .logLevel],
        run: SpeedCommands.worker)
}

private enum SpeedCommands {
    @Sendable static func queue(_ arguments: Arguments) async throws -> Int32 {
        var settings = QueueBench.Settings()
        settings.jobs = try arguments.integer("--jobs", in: 1000...100_000_000)
        settings.runs = try arguments.integer("--runs", in: 1...99)
        settings.samples = try arguments.integer("--samples", in: 10...100_000)
        settings.isLoaded = arguments.isOn("--loaded")
        settings.peers = arguments.text("--peers").map(absolute)
        settings.only = arguments.text("--only") ?? ""
        let program =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
        let report = try await QueueBench(settings, program: program) { Terminal.complain($0) }.run()
        if arguments.isOn("--json") {
            Terminal.print(report.json)
        } else {
            for line in report.lines { Terminal.print(line) }
        }
        return 0
    }

    /// A child works in `/`.
    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }

    @Sendable static func worker(_ arguments: Arguments) async throws -> Int32 {
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let settings = WorkerSettings(concurrency: try arguments.integer("--concurrency", in: 1...256))
        try await SpeedWorker(database: try arguments.database(application: "bench"), settings: settings)
            .run(until: drain, log: try arguments.log("bench"))
        return 0
    }
}
