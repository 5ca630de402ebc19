internal import FoundationEssentials
internal import Glibc
internal import Processes
internal import Synchronization

/// One process of the crew, started again whenever it ends without being told to.
final class CrewMember: Sendable {
    private struct State {
        var child: ChildProcess?
        var isStopping = false
        var watch: Task<Void, Never>?
        var address: String?
    }

    let name: String
    private let program: String
    private let words: [String]
    private let environment: [String: String]
    private let log: String
    private let announced: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(
        name: String, program: String, words: [String], environment: [String: String], log: String,
        announced: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.program = program
        self.words = words
        self.environment = environment
        self.log = log
        self.announced = announced
    }

    /// A stand-in that the others talk to.
    var isCounterpart: Bool { words.first == "sandbox" }

    /// Where it listens must stay the same when it is started again: the others know it by that.
    func pin(_ address: String) { state.withLock { $0.address = address } }

    func start() async throws {
        let child = try await ChildProcess.start(command())
        let watch = Task { await self.watch(child) }
        let isTooLate = state.withLock { state in
            state.child = child
            state.watch = watch
            return state.isStopping
        }
        // Told to stop while it was being started again: nobody else would end this one.
        if isTooLate { await child.stop(.terminate, within: .seconds(40)) }
    }

    private func command() throws -> Processes.Command {
        let file = try LogFile(log)
        var words = self.words
        if let address = state.withLock({ $0.address }), let port = address.split(separator: ":").last {
            words += words.first == "sandbox" ? ["--port", String(port)] : ["--health", "127.0.0.1:\(port)"]
        }
        var command = Processes.Command(
            program, words,
            output: .lines { [announced] stream, line in
                file.append(line)
                guard stream == .output, line.hasPrefix(CrewMember.announcement) else { return }
                announced(String(line.dropFirst(CrewMember.announcement.count)))
            })
        command.environment = environment
        command.signalWhenWeDie = .terminate
        return command
    }

    /// What a process that listens prints first: this and its address.
    static let announcement = "listening on "

    private func watch(_ child: ChildProcess) async {
        let ending = await child.exit()
        guard !state.withLock({ $0.isStopping }) else { return }
        Terminal.print("\(name) (pid \(child.id)) ended: \(ending); starting it again")
        try? await Task.sleep(for: .seconds(1))
        guard !state.withLock({ $0.isStopping }) else { return }
        do { try await start() } catch { Terminal.complain("\(name) cannot be started again: \(error)") }
    }

    /// Asks it to end and waits; a worker drains meanwhile.
    func stop() async {
        let (child, watch) = state.withLock { state in
            state.isStopping = true
            return (state.child, state.watch)
        }
        _ = await child?.stop(.terminate, within: .seconds(40))
        await watch?.value
    }

    /// The second order: do not wait for what runs.
    func hurry() { state.withLock { $0.child }?.send(.terminate) }
}

/// A log that lines are added to, one write each.
private final class LogFile: Sendable {
    private let descriptor: CInt

    struct CannotOpen: Error, CustomStringConvertible {
        let path: String
        var description: String { "cannot write the log \(path)" }
    }

    init(_ path: String) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CannotOpen(path: path) }
    }

    deinit { close(descriptor) }

    func append(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // A full disk must not stop the process whose words these are.
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
