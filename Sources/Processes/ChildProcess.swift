internal import Glibc
internal import Synchronization

/// One program that we started: it can be signalled and awaited, and never becomes a zombie.
///
/// It leads a process group of its own, so Ctrl-C in a terminal reaches us alone and we decide the order in which
/// things stop. Each child has a thread that starts it, reads its output and reaps it. That thread lives as long as the
/// child because the kernel takes the end of the *thread* that started a child for the death of its parent.
public final class ChildProcess: Sendable {
    private struct State {
        var exit: Ending?
        var waiters: [Int: CheckedContinuation<Ending?, Never>] = [:]
        var nextWaiter = 0
    }

    /// Its process id, which is also its group's.
    public let id: CInt
    private let state = Mutex(State())

    init(id: CInt) {
        self.id = id
    }

    /// Starts the program. A program that `setpriv` has to start for us is reported missing by its exit status (127)
    /// and a line on its error stream, all others by `CannotStart`.
    public static func start(_ command: Command) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { started in
            ChildThread.begin(command, started: started)
        }
    }

    /// Runs a program to its end and returns how it ended with the lines it wrote on both streams, in order of arrival.
    /// Replaces the command's `output`.
    public static func run(_ command: Command) async throws -> (status: Ending, lines: [String]) {
        let collected = Lines()
        var command = command
        command.output = .lines { _, line in collected.add(line) }
        let status = try await start(command).exit()
        return (status, collected.all)
    }

    /// How it ended; `nil` while it runs.
    public var ending: Ending? { state.withLock { $0.exit } }

    /// Sends a signal, to the whole group when asked, which takes along what the child itself started.
    /// Does nothing once it has ended: its number may be somebody else's by then.
    public func send(_ signal: Signal, toGroup: Bool = false) {
        state.withLock { state in
            guard state.exit == nil else { return }
            _ = Glibc.kill(toGroup ? -id : id, signal.rawValue)
        }
    }

    /// Waits for its end, cancelled or not.
    public func exit() async -> Ending {
        let ending = await withCheckedContinuation { waiter in _ = wait(waiter) }
        guard let ending else { preconditionFailure("only a wait with a number can be given up, and nobody has it") }
        return ending
    }

    /// Waits for its end, but not longer than `limit`; `nil` when it still runs then, or when the task is cancelled.
    public func exit(within limit: Duration) async -> Ending? {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask { await self.exitUnlessCancelled() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Asks it to end and waits; after `limit` its whole group is killed. A cancelled task waits all the same, since
    /// stopping is what cancelled tasks do last.
    @discardableResult
    public func stop(_ signal: Signal = .terminate, within limit: Duration) async -> Ending {
        send(signal)
        return await Task {
            if let status = await exit(within: limit) { return status }
            send(.kill, toGroup: true)
            return await exit()
        }.value
    }

    private func exitUnlessCancelled() async -> Ending? {
        let ticket = Mutex<Int?>(nil)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let number = wait(waiter)
                ticket.withLock { $0 = number }
                // Cancelled before the ticket was there to be found.
                if Task.isCancelled { giveUp(number) }
            }
        } onCancel: {
            giveUp(ticket.withLock { $0 })
        }
    }

    /// Registers a waiter, or answers it at once. Returns the number to give up with.
    private func wait(_ waiter: CheckedContinuation<Ending?, Never>) -> Int? {
        let (number, exit) = state.withLock { state -> (Int?, Ending?) in
            if let exit = state.exit { return (nil, exit) }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = waiter
            return (state.nextWaiter, nil)
        }
        if let exit { waiter.resume(returning: exit) }
        return number
    }

    private func giveUp(_ number: Int?) {
        guard let number else { return }
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
    }

    /// Called once, on the child's thread, when the kernel says that it has ended.
    func reap() {
        let (exit, waiters) = state.withLock { state in
            var status: CInt = 0
            // Inside the lock: between the reaping and the note of it, the number could be given to another process.
            while unsafe waitpid(id, &status, 0) < 0 && errno == EINTR {}
            let exit = Ending(waitStatus: status)
            state.exit = exit
            defer { state.waiters = [:] }
            return (exit, Array(state.waiters.values))
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }
}

/// Lines collected from one thread and read from another.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) {
        lines.withLock { $0.append(line) }
    }
}
