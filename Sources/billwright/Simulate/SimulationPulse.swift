internal import Dates
internal import JobKit
internal import Postgres
internal import QueueStore

/// Finds out what the system has left to do at an instant, and when it has something again.
struct SimulationPulse {
    /// What jobs are left.
    private enum Left: Int32 { case nothing, numbers, more }

    /// What falls due.
    struct Due {
        /// Whether a customer must be moved on now.
        let isNow: Bool
        let next: Instant?
    }

    /// It sees all tenants.
    private let connection: PostgresConnection
    private let store: Composition.Store
    private let numbering: Turnstile
    private let queues: Set<QueueName>
    private let longestPause: Duration

    /// `longestPause`: between two looks; each costs the database as much as many jobs.
    init(
        _ composition: Composition, store: Composition.Store, numbering: Turnstile, queues: Set<QueueName>,
        longestPause: Duration = .milliseconds(2)
    ) async throws {
        connection = try await PostgresConnection.connect(composition.configuration)
        _ = try await connection.query("SELECT set_config('billwright.tenant', '*', false)")
        self.store = store
        self.numbering = numbering
        self.queues = queues
        self.longestPause = longestPause
    }

    /// Returns when no job that was due by `now` is left.
    func settle(at now: Instant) async throws {
        var (left, overdue) = try await look(at: now)
        // Workers know when the next job falls due by a clock that nobody carries on.
        await store.wakeAll(overdue)
        var pause = Duration.microseconds(500)
        var checked = ContinuousClock.now
        while left != .nothing {
            if left == .numbers { numbering.admit() }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, longestPause)
            if checked.duration(to: .now) > .milliseconds(200) {
                checked = .now
                try await requireNoFailures()
                await store.wakeAll(queues)
            }
            (left, overdue) = try await look(at: now)
        }
    }

    /// Also the queues in which jobs wait for a time that has come.
    private func look(at now: Instant) async throws -> (Left, overdue: Set<QueueName>) {
        let (left, overdue) = try await connection.query(SimulationSQL.left(at: now)).only(Int32.self, [String].self)
        guard let left = Left(rawValue: left) else { preconditionFailure("the statement knows no \(left)") }
        return (left, Set(overdue.map { QueueName($0) }))
    }

    func due(at now: Instant) async throws -> Due {
        let (isNow, next) = try await connection.query(SimulationSQL.due(at: now)).only(Bool.self, Instant?.self)
        return Due(isNow: isNow, next: next)
    }

    /// In a simulation nothing may go wrong: what did is an error of ours, not part of the result.
    func requireNoFailures() async throws {
        let failures = try await connection.query(SimulationSQL.failures).decode(String.self, String.self)
        guard let (kind, error) = failures.first else { return }
        throw SimulationFault(description: "a job \(kind) failed: \(error)")
    }

    func close() async { await connection.close() }
}

/// Why a simulation has no result.
struct SimulationFault: Error, CustomStringConvertible {
    let description: String
}

private enum SimulationSQL {
    /// 0, nothing; 1, only invoices that wait for their numbers; 2, more.
    static func left(at now: Instant) -> SQL {
        """
        SELECT CASE WHEN jobs.others OR overdue.others THEN 2 WHEN jobs.any OR overdue.queues <> '{}' THEN 1 ELSE 0
               END::integer, overdue.queues
          FROM (SELECT EXISTS (SELECT FROM queue.jobs) AS any,
                       EXISTS (SELECT FROM queue.jobs WHERE kind <> 'finalise_invoices') AS others) AS jobs,
               (SELECT coalesce(array_agg(DISTINCT queue), '{}') AS queues,
                       coalesce(bool_or(kind <> 'finalise_invoices'), false) AS others
                  FROM queue.waiting
                 WHERE state = 'blocked' OR state IN ('scheduled', 'retryable') AND due_at <= \(now)) AS overdue
        """
    }

    static func due(at now: Instant) -> SQL {
        """
        SELECT EXISTS (SELECT FROM books.customers WHERE next_due_at <= \(now)),
               least((SELECT min(next_due_at) FROM books.customers WHERE next_due_at > \(now)),
                     (SELECT min(due_at) FROM queue.waiting
                       WHERE state IN ('scheduled', 'retryable') AND due_at > \(now)))
        """
    }

    static let failures: SQL = """
        SELECT kind, error FROM queue.failures
        UNION ALL
        SELECT kind, held_reason FROM queue.waiting WHERE state = 'held'
        LIMIT 1
        """
}
