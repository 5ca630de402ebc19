internal import Synchronization

/// So many requests a minute for each name, and no more memory than that takes.
final class RateLimit: Sendable {
    private struct State {
        var minute: Int64 = 0
        var counts: [String: Int] = [:]
    }

    private let perMinute: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let start: ContinuousClock.Instant
    private let state = Mutex(State())

    /// Of names seen in a minute; whoever comes beyond that is counted together.
    private static let nameLimit = 10_000

    init(perMinute: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.perMinute = perMinute
        self.now = now
        start = now()
    }

    /// Counts a request and returns whether it may go on.
    func admits(_ name: String) -> Bool {
        let minute = (now() - start).components.seconds / 60
        return state.withLock { state in
            if state.minute != minute { state = State(minute: minute) }
            let name = state.counts[name] == nil && state.counts.count >= Self.nameLimit ? "" : name
            state.counts[name, default: 0] += 1
            return state.counts[name, default: 0] <= perMinute
        }
    }
}
