internal import JobKit
internal import Synchronization

/// Jobs claimed and not yet started, handed out in the order they came.
final class Backlog: Sendable {
    private struct State {
        var jobs: [ClaimedJob] = []
        var first = 0
        var waiters: [CheckedContinuation<ClaimedJob?, Never>] = []
        var isClosed = false

        var count: Int { jobs.count - first }
    }

    private let state = Mutex(State())
    private let onIdle: @Sendable () -> Void

    /// `onIdle` is called when a slot has begun to wait.
    init(onIdle: @escaping @Sendable () -> Void) { self.onIdle = onIdle }

    var count: Int { state.withLock { $0.count } }
    /// Slots that have nothing to do.
    var idle: Int { state.withLock { $0.waiters.count } }

    func add(_ jobs: [ClaimedJob]) {
        let served = state.withLock { state in
            if state.first > 0 {
                state.jobs.removeFirst(state.first)
                state.first = 0
            }
            let direct = min(jobs.count, state.waiters.count)
            let waiters = Array(state.waiters.prefix(direct))
            state.waiters.removeFirst(direct)
            state.jobs += jobs[direct...]
            return zip(waiters, jobs).map { ($0, $1) }
        }
        for (waiter, job) in served { waiter.resume(returning: job) }
    }

    /// The next job; nil once the backlog is closed.
    func next() async -> ClaimedJob? {
        if let job = pop() { return job }
        return await withCheckedContinuation { continuation in
            let (isReady, job) = state.withLock { state -> (Bool, ClaimedJob?) in
                if let job = Backlog.popped(&state) { return (true, job) }
                if state.isClosed { return (true, nil) }
                state.waiters.append(continuation)
                return (false, nil)
            }
            if isReady { continuation.resume(returning: job) } else { onIdle() }
        }
    }

    private func pop() -> ClaimedJob? { state.withLock { Backlog.popped(&$0) } }

    private static func popped(_ state: inout State) -> ClaimedJob? {
        guard !state.isClosed, state.first < state.jobs.count else { return nil }
        defer { state.first += 1 }
        return state.jobs[state.first]
    }

    /// Hands out no more. Returns what was never started.
    func close() -> [ClaimedJob] {
        let (waiters, rest) = state.withLock { state in
            defer { state = State(isClosed: true) }
            return (state.waiters, Array(state.jobs[state.first...]))
        }
        for waiter in waiters { waiter.resume(returning: nil) }
        return rest
    }
}
