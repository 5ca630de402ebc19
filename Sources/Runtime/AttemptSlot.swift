internal import JobKit
internal import Synchronization

/// One place in which a queue runs its jobs, one after another, on a task of its own.
///
/// A handler is cancelled by cancelling that task. So a slot that had to cancel is spent: it ends with its job, or is left
/// behind with it when the handler does not listen, and another slot takes its place.
final class AttemptSlot: Sendable {
    enum Cause: Sendable {
        /// It ran longer than its kind may.
        case overran
        /// The worker stops.
        case stopped
    }

    /// How the handler's time in the slot came to its end.
    enum End: Sendable {
        case undisturbed
        case cancelled(Cause)
        /// Somebody has ended the attempt already; nobody waits for this handler.
        case leftBehind
    }

    private struct State {
        var job: ClaimedJob?
        var deadline = ContinuousClock.now
        var task: Task<Void, Never>?
        var cause: Cause?
        var cancelledAt = ContinuousClock.now
        var isLeftBehind = false
    }

    private let state = Mutex(State())

    /// Whether its task is cancelled: it can run no other job.
    var isSpent: Bool { state.withLock { $0.cause != nil } }

    func start(_ task: Task<Void, Never>) { state.withLock { $0.task = task } }

    /// False: the slot was cancelled before.
    func begin(_ job: ClaimedJob, until deadline: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            guard state.cause == nil else { return false }
            state.job = job
            state.deadline = deadline
            return true
        }
    }

    func end() -> End {
        state.withLock { state in
            state.job = nil
            if state.isLeftBehind { return .leftBehind }
            return state.cause.map { .cancelled($0) } ?? .undisturbed
        }
    }

    func cancel(_ cause: Cause) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard state.cause == nil else { return nil }
            state.cause = cause
            state.cancelledAt = .now
            return state.task
        }
        task?.cancel()
    }

    /// Cancels a handler that is over its time. Returns a job whose handler was cancelled and has not ended within
    /// `grace`: it is left behind, and its attempt is the caller's to end.
    func check(at now: ContinuousClock.Instant, grace: Duration) -> (job: ClaimedJob, cause: Cause)? {
        let isOver = state.withLock { $0.job != nil && $0.cause == nil && $0.deadline <= now }
        if isOver { cancel(.overran) }
        return state.withLock { state in
            guard let job = state.job, let cause = state.cause, state.cancelledAt + grace <= now, !state.isLeftBehind
            else { return nil }
            state.isLeftBehind = true
            return (job, cause)
        }
    }
}
