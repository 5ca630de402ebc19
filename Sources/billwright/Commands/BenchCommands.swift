internal import Bench
internal import Commands
internal import FoundationEssentials
internal import Observability
internal import Runtime

extension Command {
    static let benchChaosQueue = Command(
        "bench chaos queue", "Kills, stops and cuts off real workers and their Postgres, then counts what came of it.",
        settings: [
            Setting(switch: "--short", help: "2,000 jobs and liveness eight times as fast; under a minute"),
            Setting("--seed", "N", default: "1", help: "decides the order of faults and their victims"),
            Setting("--jobs", "N", help: "how many jobs (default: 100000, short 2000)"),
            Setting("--kills", "N", help: "how many workers are killed (default: 200, short 12)"),
            Setting("--restarts", "N", help: "how often the server is stopped at once (default: 10, short 2)"),
            Setting("--break", "PROTECTION", help: "remove one first: fence, intent, unique or skip_locked"),
            Setting("--folder", "FOLDER", help: "work there, and leave the counterpart's file, logs and database"),
            Setting("--deadline", "TIME", help: "give up after this long (default: 40m, short 150s)"),
            .json,
        ],
        discussion: """
            Works on a durable Postgres of its own and prints one line a figure. The exit status is 1 when a job was lost
            or done twice, or when a fault never struck where it matters: docs/chaos.md tells what each figure means.
            """,
        run: BenchCommands.chaos)
    static let benchWorker = Command(
        "bench worker", "A worker of the bench: the real one, with kinds that bill nobody.",
        settings: [
            .database, .concurrency, .enqueueLimit, .logFormat, .logLevel,
            Setting("--counterpart", "URL", help: "where `bench counterpart` answers"),
            Setting("--gate", "URL", help: "where gated jobs wait"),
            Setting("--beat", "TIME", default: "5s", help: "how often it says that it lives"),
            Setting("--surrender", "TIME", default: "12s", help: "silence after which it gives itself up"),
            Setting("--expiry", "TIME", default: "20s", help: "silence after which others take its jobs"),
            Setting("--rescue", "TIME", default: "5s", help: "how often it looks for lost workers"),
            Setting("--rescue-budget", "N", default: "3", help: "how many workers a job may lose"),
            Setting("--call-timeout", "TIME", default: "2s", help: "how long the counterpart may take"),
            Setting("--reconcile-after", "TIME", default: "6s", help: "when it asks what became of a call"),
            Setting("--ahead", "TIME", default: "0s", help: "how far its business clock is ahead"),
            Setting(switch: "--without-intent", help: "call without having written it down; breaks a promise"),
        ], run: BenchCommands.worker)
    static let benchCounterpart = Command(
        "bench counterpart", "The outside in miniature: acts once a key, and writes each act to a file first.",
        settings: [
            Setting("--file", "FILE", help: "where it appends `TIMESTAMP KEY JOB`, one line an act"),
            Setting("--listen", "PORT", default: "0", help: "of 127.0.0.1; 0 takes a free one"),
            Setting("--seed", "N", default: "1", help: "decides which calls go wrong"),
            Setting("--late", "N", default: "0", help: "of a thousand calls, how many are answered late"),
            Setting("--lateness", "TIME", default: "3s", help: "how late"),
            Setting("--cut", "N", default: "0", help: "of a thousand calls, how many are cut off after it acted"),
            Setting("--refused", "N", default: "0", help: "of a thousand calls, how many get a 500 before it acts"),
        ], run: BenchCommands.counterpart)
}

private enum BenchCommands {
    @Sendable static func chaos(_ arguments: Arguments) async throws -> Int32 {
        var settings = arguments.isOn("--short") ? ChaosSettings.short : .long
        settings.seed = UInt64(try arguments.integer("--seed", in: 0...Int.max))
        if arguments.text("--jobs") != nil { settings.jobs = try arguments.integer("--jobs", in: 100...10_000_000) }
        if arguments.text("--kills") != nil {
            settings.faults.kills = try arguments.integer("--kills", in: 0...100_000)
        }
        if arguments.text("--restarts") != nil {
            settings.faults.restarts = try arguments.integer("--restarts", in: 0...1000)
        }
        if arguments.text("--break") != nil {
            settings.broken = try arguments.choice("--break", ChaosSettings.Protection.self)
        }
        if arguments.text("--deadline") != nil { settings.timing.deadline = try arguments.duration("--deadline") }
        settings.folder = arguments.text("--folder")
        let isJSON = arguments.isOn("--json")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let run = ChaosRun(settings, program: ownProgram) { if !isJSON { Terminal.print($0) } }
        let report = try await run.run(until: drain)
        if isJSON { Terminal.print(report.json) } else { for line in report.lines { Terminal.print(line) } }
        return report.holds ? 0 : 1
    }

    private static var ownProgram: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
    }

    @Sendable static func worker(_ arguments: Arguments) async throws -> Int32 {
        var timing = WorkerSettings(concurrency: try arguments.integer("--concurrency", in: 1...256))
        timing.beatInterval = try arguments.duration("--beat")
        timing.surrender = try arguments.duration("--surrender")
        timing.expiry = try arguments.duration("--expiry")
        timing.rescueInterval = try arguments.duration("--rescue")
        timing.rescueBudget = try arguments.integer("--rescue-budget", in: 1...1_000_000)
        timing.drainGrace = .seconds(10)
        var settings = BenchWorker.Settings(
            database: try arguments.database(application: "bench"),
            counterpart: try arguments.required("--counterpart"), worker: timing)
        settings.gate = arguments.text("--gate")
        settings.callTimeout = try arguments.duration("--call-timeout")
        settings.reconcileAfter = try arguments.duration("--reconcile-after")
        settings.clockOffset = try arguments.duration("--ahead")
        settings.enqueueLimit = try arguments.integer("--enqueue-limit", in: 1...1_000_000)
        settings.announces = !arguments.isOn("--without-intent")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        await BenchWorker(settings).run(until: drain, log: try arguments.log("bench"))
        return 0
    }

    @Sendable static func counterpart(_ arguments: Arguments) async throws -> Int32 {
        var settings = Counterpart.Settings(file: try arguments.required("--file"))
        settings.port = try arguments.integer("--listen", in: 0...65_535)
        settings.seed = UInt64(try arguments.integer("--seed", in: 0...Int.max))
        settings.late = try arguments.integer("--late", in: 0...1000)
        settings.cut = try arguments.integer("--cut", in: 0...1000)
        settings.refused = try arguments.integer("--refused", in: 0...1000)
        settings.lateness = try arguments.duration("--lateness")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let counterpart = try Counterpart(settings)
        Terminal.print("listening on http://127.0.0.1:\(counterpart.port)")
        await drain.wait(for: .draining)
        await counterpart.stop()
        return 0
    }
}
