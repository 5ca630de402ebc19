internal import FoundationEssentials
internal import Postgres
internal import Synchronization

/// Measures how long jobs of workers that were killed or frozen stay out of everybody's reach.
///
/// It looks several times a second. Time while the server is away does not count: then no job is in reach.
final class LossWatch: Sendable {
    private struct State {
        var processes: [UUID: Int32] = [:]
        var lost: [UUID: Duration] = [:]
        var longest = Duration.zero
        var lastLook: ContinuousClock.Instant?
    }

    private let pool: PostgresPool
    private let crew: ChaosCrew
    private let state = Mutex(State())

    init(pool: PostgresPool, crew: ChaosCrew) {
        self.pool = pool
        self.crew = crew
    }

    var longest: Duration { state.withLock { $0.longest } }

    /// Until cancelled.
    func run() async {
        while !Task.isCancelled {
            do {
                try await look()
            } catch {
                state.withLock { $0.lastLook = nil }
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private func look() async throws {
        let now = ContinuousClock.now
        let workers = try await pool.query(ChaosSchema.workers, deadline: .now + .seconds(2))
            .decode(UUID.self, Int32.self)
        let running = Set(
            try await pool.query(ChaosSchema.running, deadline: .now + .seconds(2)).decode(UUID.self))
        let silent = await crew.silentSince
        state.withLock { state in
            for (id, process) in workers { state.processes[id] = process }
            let passed = state.lastLook.map { now - $0 }
            state.lastLook = now
            for id in running {
                guard let process = state.processes[id], let since = silent[process], since < now else {
                    state.lost[id] = nil
                    continue
                }
                // The first look counts from the loss itself.
                let before = state.lost[id]
                state.lost[id] = before.map { $0 + (passed ?? .zero) } ?? (now - since)
                state.longest = max(state.longest, state.lost[id] ?? .zero)
            }
            for id in state.lost.keys where !running.contains(id) { state.lost[id] = nil }
        }
    }
}
