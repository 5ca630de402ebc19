internal import JobKit
internal import Synchronization

/// The slots of one queue that are at work.
final class Crew: Sendable {
    private struct State {
        var slots: [ObjectIdentifier: AttemptSlot] = [:]
        var isStopped = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var slots: [AttemptSlot] { state.withLock { Array($0.slots.values) } }

    /// False: the worker stops, and no slot may begin.
    func join(_ slot: AttemptSlot) -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.slots[ObjectIdentifier(slot)] = slot
            return true
        }
    }

    func leave(_ slot: AttemptSlot) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.slots[ObjectIdentifier(slot)] = nil
            guard state.slots.isEmpty else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Cancels every handler.
    func cancelAll() {
        let slots = state.withLock { state in
            state.isStopped = true
            return Array(state.slots.values)
        }
        for slot in slots { slot.cancel(.stopped) }
    }

    /// Returns when the last slot has left.
    func dismissed() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.slots.isEmpty { state.waiter = continuation }
                return state.slots.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }
}
