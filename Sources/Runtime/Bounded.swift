internal import Synchronization

/// What became of work that was given a time limit.
enum BoundedResult<Value: Sendable>: Sendable {
    case ended(Result<Value, any Error>)
    /// The limit passed; the work was cancelled and failed, or was left behind.
    case overran
    /// The caller was cancelled, and the work with it.
    case cancelled
}

/// Runs `work`, cancels it when `limit` passes or the caller is cancelled, and leaves it behind if it has not ended
/// within `grace` of that. A handler that ignores cancellation must not keep its slot; its lease is taken from it, so
/// it cannot commit anything later.
func bounded<Value: Sendable>(
    by limit: Duration, grace: Duration, _ work: @escaping @Sendable () async throws -> Value
) async -> BoundedResult<Value> {
    let first = FirstResult<BoundedResult<Value>>()
    let task = Task {
        do {
            first.offer(.ended(.success(try await work())))
        } catch {
            // An error after we cancelled is the cancellation, whatever the handler made of it.
            first.offer(Task.isCancelled ? (first.isOverdue ? .overran : .cancelled) : .ended(.failure(error)))
        }
    }
    let timer = Task {
        try await Task.sleep(for: limit)
        first.markOverdue()
        task.cancel()
        try await Task.sleep(for: grace)
        first.offer(.overran)
    }
    defer { timer.cancel() }
    return await withTaskCancellationHandler {
        await first.value()
    } onCancel: {
        task.cancel()
        Task {
            try await Task.sleep(for: grace)
            first.offer(.cancelled)
        }
    }
}

/// Keeps the first of several results offered to one waiter.
private final class FirstResult<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiter: CheckedContinuation<Value, Never>?
        var isOverdue = false
    }

    private let state = Mutex(State())

    var isOverdue: Bool { state.withLock { $0.isOverdue } }
    func markOverdue() { state.withLock { $0.isOverdue = true } }

    func offer(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: value)
    }

    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Value? in
                if state.value == nil { state.waiter = continuation }
                return state.value
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
