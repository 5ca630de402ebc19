internal import Synchronization

/// Wakes one sleeper. Raised while nobody sleeps, it is remembered, so no wake-up falls between looking and sleeping.
final class WakeSignal: Sendable {
    private struct State {
        var isRaised = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func raise() {
        let sleeper = state.withLock { state in
            defer { state.sleeper = nil }
            state.isRaised = state.sleeper == nil
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Returns when raised, after `duration`, or when the task is cancelled. False: only the time has passed.
    @discardableResult
    func sleep(for duration: Duration) async -> Bool {
        let isOver = Atomic(false)
        let timer = Task {
            try await Task.sleep(for: duration)
            isOver.store(true, ordering: .relaxed)
            self.raise()
        }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLock { state in
                    precondition(state.sleeper == nil, "one sleeper a signal")
                    defer { state.isRaised = false }
                    if !state.isRaised && !Task.isCancelled { state.sleeper = continuation }
                    return state.sleeper == nil
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
        return !isOver.load(ordering: .relaxed)
    }
}
