internal import JobKit
internal import Synchronization

/// When each queue's waiting jobs were last looked through, and up to which serial key: keys late in the alphabet have
/// their turn, and so has what waits while the lanes are never empty.
final class StirringTurns: Sendable {
    private struct Turn {
        var at: ContinuousClock.Instant
        var isOwed = false
        var lastKey: String?
    }

    private let turns = Mutex<[QueueName: Turn]>([:])

    private static let interval = Duration.milliseconds(250)

    func isOwed(_ queue: QueueName) -> Bool { turns.withLock { $0[queue]?.isOwed ?? false } }

    /// A claim found jobs in the lanes.
    func found(_ queue: QueueName) {
        turns.withLock { turns in
            var turn = turns[queue] ?? Turn(at: .now - StirringTurns.interval)
            turn.isOwed = turn.at.duration(to: .now) >= StirringTurns.interval
            turns[queue] = turn
        }
    }

    func lastKey(of queue: QueueName) -> String? { turns.withLock { $0[queue]?.lastKey } }

    /// Nil: no key was given out; the next round begins at the first.
    func taken(_ queue: QueueName, lastKey: String?) {
        turns.withLock { $0[queue] = Turn(at: .now, lastKey: lastKey) }
    }
}
