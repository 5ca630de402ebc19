internal import Synchronization

/// The order to stop: first finish what runs and take nothing new, then, when given again, at once.
public final class Drain: Sendable {
    public enum Stage: Int, Comparable, Sendable {
        case running, draining, stopped

        public static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    private struct State {
        var stage = Stage.running
        var waiters: [Int: (stage: Stage, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    public init() {}

    public var stage: Stage { state.withLock { $0.stage } }

    /// The next stage: what each SIGTERM calls.
    public func advance() {
        reach(state.withLock { Stage(rawValue: $0.stage.rawValue + 1) ?? .stopped })
    }

    private func reach(_ stage: Stage) {
        let ready = state.withLock { state in
            state.stage = max(state.stage, stage)
            let due = state.waiters.filter { $0.value.stage <= state.stage }
            for key in due.keys { state.waiters[key] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
    }

    /// Returns when `stage` is reached, or the waiting task is cancelled.
    public func wait(for stage: Stage) async {
        let key = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.stage >= stage || Task.isCancelled { return true }
                    state.waiters[key] = (stage, continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: key) }?.continuation.resume()
        }
    }

    /// Returns when `stage` is reached, after `limit`, or when the waiting task is cancelled.
    public func wait(for stage: Stage, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: stage) }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
