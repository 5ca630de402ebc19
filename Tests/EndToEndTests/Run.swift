import Foundation
import Processes
import Synchronization
import Testing

/// One `billwright` process: what it was told, what it has said so far, how it ended.
///
/// It is killed when it outlives its limit, so nothing that waits for it waits for ever.
final class Run: Sendable {
    private let lines: Lines
    private let child: ChildProcess

    private init(_ lines: Lines, _ child: ChildProcess) {
        self.lines = lines
        self.child = child
    }

    /// Where the program under test is: `BILLWRIGHT_BINARY`, else beside the test bundle.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["BILLWRIGHT_BINARY"] { return path }
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "billwright").path()
    }()

    /// Starts the program in `/`. It sees `environment` and what every process needs, nothing else of ours.
    static func start(
        _ words: [String], environment: [String: String] = [:], binary: String = Run.binary, folder: String = "/",
        limit: Duration = .seconds(60)
    ) async throws -> Run {
        let lines = Lines()
        var command = Processes.Command(binary, words, output: .lines { stream, line in lines.add(stream, line) })
        let inherited = ProcessInfo.processInfo.environment.filter {
            ["PATH", "HOME", "LD_LIBRARY_PATH", "BILLWRIGHT_PG_BIN"].contains($0.key)
        }
        command.environment = inherited.merging(environment) { $1 }
        command.directory = folder
        // The tests may be killed too.
        command.signalWhenWeDie = .kill
        let run = Run(lines, try await ChildProcess.start(command))
        Task {
            if await run.child.exit(within: limit) == nil {
                lines.add(.error, "(killed by the test after \(limit))")
                run.child.send(.kill)
            }
            _ = await run.child.exit()
            lines.end()
        }
        return run
    }

    var id: CInt { child.id }
    var output: [String] { lines.all(.output) }
    var errors: [String] { lines.all(.error) }
    var everything: String { (output + errors).joined(separator: "\n") }

    func send(_ signal: Signal) { child.send(signal) }

    func ended() async -> Ending { await child.exit() }

    /// The first line of either stream that matches, said already or to come; nil when it ended without.
    func line(where matches: @escaping @Sendable (String) -> Bool) async -> String? { await lines.first(matches) }

    /// Runs it to its end.
    static func finish(
        _ words: [String], environment: [String: String] = [:], binary: String = Run.binary, folder: String = "/",
        limit: Duration = .seconds(60)
    ) async throws -> (status: Ending, run: Run) {
        let run = try await start(words, environment: environment, binary: binary, folder: folder, limit: limit)
        return (await run.ended(), run)
    }
}

/// Lines written on one thread, awaited and read on others.
private final class Lines: Sendable {
    private struct Waiter {
        let matches: @Sendable (String) -> Bool
        let continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [(stream: Processes.Command.Stream, text: String)] = []
        var hasEnded = false
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    func all(_ stream: Processes.Command.Stream) -> [String] {
        state.withLock { $0.lines.filter { $0.stream == stream }.map(\.text) }
    }

    func add(_ stream: Processes.Command.Stream, _ line: String) {
        let found = state.withLock { state in
            state.lines.append((stream, line))
            let found = state.waiters.filter { $0.matches(line) }
            state.waiters.removeAll { $0.matches(line) }
            return found
        }
        for waiter in found { waiter.continuation.resume(returning: line) }
    }

    func end() {
        let left = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in left { waiter.continuation.resume(returning: nil) }
    }

    func first(_ matches: @escaping @Sendable (String) -> Bool) async -> String? {
        await withCheckedContinuation { continuation in
            let answer: String?? = state.withLock { state in
                if let line = state.lines.first(where: { matches($0.text) }) { return .some(line.text) }
                if state.hasEnded { return .some(nil) }
                state.waiters.append(Waiter(matches: matches, continuation: continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
