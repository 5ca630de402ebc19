internal import FoundationEssentials
public import Runtime

/// Runs real workers on a real, durable Postgres, lets happen to them what can happen, and compares what came of it.
///
/// Everything it starts ends with it, and everything it makes is removed, unless it was given a folder.
public struct ChaosRun: Sendable {
    private let settings: ChaosSettings
    private let program: String
    private let tell: @Sendable (String) -> Void

    /// `program`: what to start workers and the counterpart with. `tell` gets lines for people who wait.
    public init(_ settings: ChaosSettings, program: String, tell: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.program = program
        self.tell = tell
    }

    public enum Failure: Error, CustomStringConvertible {
        case overdue(Duration, String)
        case interrupted
        case noCounterpart
        case notHandedOut

        public var description: String {
            switch self {
            case .overdue(let limit, let state): "not done within \(limit): \(state)"
            case .interrupted: "told to stop"
            case .noCounterpart: "the counterpart did not start"
            case .notHandedOut: "a gated job did not reach its handler in time"
            }
        }
    }

    public func run(until drain: Drain) async throws -> ChaosReport {
        let folder = try settings.folder ?? BenchServer.temporaryFolder()
        defer { if settings.folder == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let server = try await BenchServer(folder: folder)
        do {
            try await server.prepare(without: settings.broken)
            let stage = try await ChaosStage(settings, program: program, folder: folder, server: server, tell: tell)
            do {
                let report = try await bounded(stage, drain)
                await stage.close()
                await server.stop()
                return report
            } catch {
                await stage.close()
                throw error
            }
        } catch {
            await server.stop()
            throw error
        }
    }

    /// The whole within its deadline, or until told to stop.
    private func bounded(_ stage: ChaosStage, _ drain: Drain) async throws -> ChaosReport {
        try await withThrowingTaskGroup(of: ChaosReport?.self) { group in
            group.addTask { try await stage.play() }
            group.addTask {
                try await Task.sleep(for: settings.timing.deadline)
                throw Failure.overdue(settings.timing.deadline, await stage.describe())
            }
            group.addTask {
                await drain.wait(for: .draining)
                return nil
            }
            defer { group.cancelAll() }
            guard let report = try await group.next() ?? nil else { throw Failure.interrupted }
            return report
        }
    }
}
