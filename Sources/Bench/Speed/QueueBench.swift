internal import Dates
internal import FoundationEssentials
internal import JobKit
internal import Postgres
internal import Processes
internal import QueueStore

/// Measures the queue: real workers in processes of their own, on a durable Postgres of the run's own.
///
/// Every run is checked: a job that was not done, or done twice, makes it no measurement.
public struct QueueBench: Sendable {
    public struct Settings: Sendable {
        public var jobs = 200_000
        /// How often each figure is taken; the median is told.
        public var runs = 5
        public var samples = 1000
        /// Also with ten million finished jobs, a million scheduled, a hundred thousand behind one key, an old snapshot.
        public var isLoaded = false
        /// Only figures whose name begins so.
        public var only = ""
        /// The path of `bench/peers`: measured in turns with ours, on the same server.
        public var peers: String?

        public init() {}
    }

    public struct Invalid: Error, CustomStringConvertible {
        public let description: String
    }

    let settings: Settings
    let program: String
    let tell: @Sendable (String) -> Void

    public init(_ settings: Settings, program: String, tell: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.program = program
        self.tell = tell
    }

    public func run() async throws -> SpeedReport {
        let folder = try BenchServer.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await BenchServer(folder: folder)
        do {
            try await server.prepare(without: nil)
            let stage = try await SpeedStage(server: server, program: program, tell: tell)
            var report = SpeedReport()
            do { try await measure(on: stage, into: &report) } catch {
                await stage.close()
                throw error
            }
            await stage.close()
            await server.stop()
            return report
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Rounds of every figure, ours and theirs in turns, so that what else the machine does meets all of them.
    private func measure(on stage: SpeedStage, into report: inout SpeedReport) async throws {
        for round in 1...settings.runs {
            tell("round \(round) of \(settings.runs)")
            try await measureOurs(on: stage, into: &report)
            if let script = settings.peers {
                try await Peers(script: script, server: stage.server, tell: tell).measure(into: &report)
            }
        }
        guard settings.isLoaded else { return }
        for load in SpeedStage.Load.allCases where isWanted("noop_jobs_per_s_2_\(load.rawValue)") {
            tell("preparing: \(load.rawValue)")
            try await stage.reset()
            try await stage.putOn(load)
            for _ in 1...settings.runs {
                try await throughput("noop_jobs_per_s_2_\(load.rawValue)", .noop, settings.jobs, 2, stage, &report)
            }
            try await stage.takeOff(load)
        }
    }

    private func measureOurs(on stage: SpeedStage, into report: inout SpeedReport) async throws {
        if isWanted("bulk_insert_per_s") {
            report.add("bulk_insert_per_s", try await stage.bulkInsert(settings.jobs))
        }
        try await stage.reset()
        if isWanted("pickup") {
            try await stage.withWorkers(1) {
                let latencies = try await stage.pickups(settings.samples)
                report.add("pickup_p50_ms", latencies[latencies.count / 2])
                report.add("pickup_p99_ms", latencies[latencies.count * 99 / 100])
            }
        }
        for processes in [1, 2] {
            try await throughput("noop_jobs_per_s_\(processes)", .noop, settings.jobs, processes, stage, &report)
        }
        try await throughput("serial_jobs_per_s_2", .serial, settings.jobs / 4, 2, stage, &report)
        try await throughput("transactional_jobs_per_s_2", .booked, settings.jobs / 10, 2, stage, &report)
    }

    private func isWanted(_ name: String) -> Bool { name.hasPrefix(settings.only) || settings.only.hasPrefix(name) }

    private func throughput(
        _ name: String, _ kind: SpeedStage.Kind, _ jobs: Int, _ processes: Int, _ stage: SpeedStage,
        _ report: inout SpeedReport
    ) async throws {
        guard isWanted(name) else { return }
        let figures = try await stage.throughput(kind, jobs: jobs, processes: processes)
        tell("\(name): \(Int(figures.perSecond)) jobs/s")
        report.add(name, figures.perSecond)
        guard name == "noop_jobs_per_s_2" else { return }
        report.add("wal_bytes_per_job", figures.walBytes / Double(jobs))
        report.add("commits_per_job", figures.commits / Double(jobs))
    }
}
