internal import LocalPostgres
internal import Postgres
internal import Synchronization

// What a queue meets after a year, put before the workers at once.
extension SpeedStage {
    enum Load: String, CaseIterable, Sendable {
        case finished = "10m_finished"
        case scheduled = "1m_scheduled"
        case blocked = "100k_blocked"
        case snapshot = "old_snapshot"
    }

    func putOn(_ load: Load) async throws {
        switch load {
        case .finished:
            for _ in 0..<10 { _ = try await pool.query(Self.millionFinished, deadline: .now + .seconds(600)) }
        case .scheduled: _ = try await pool.query(Self.millionScheduled, deadline: .now + .seconds(600))
        case .blocked: _ = try await pool.query(Self.blocked, deadline: .now + .seconds(600))
        case .snapshot: try await holdSnapshot()
        }
    }

    func takeOff(_ load: Load) async throws {
        if load == .snapshot { await snapshot.withLock { $0 }?.close() }
        try await reset()
    }

    /// Held while hundreds of thousands of jobs come and go.
    private func holdSnapshot() async throws {
        let connection = try await PostgresConnection.connect(
            server.configuration(as: PrivateCluster.superuser))
        _ = try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        _ = try await connection.query("SELECT count(*) FROM queue.jobs")
        snapshot.withLock { $0 = connection }
        for _ in 0..<3 { _ = try await throughput(.noop, jobs: 200_000, processes: 2) }
    }

    private static let millionFinished: SQL =
        """
        INSERT INTO queue.history (id, version, priority, attempt, rescues, snoozes, enqueued_at, due_at, ended_at, state,
                                   kind, queue, arguments)
        SELECT nextval('queue.job_ids'), 1, 50, 1, 0, 0, now(), now(), now(), 'completed', 'bench_noop', 'speed',
               json_build_object('number', n) FROM generate_series(1, 1000000) AS n
        """
    private static let millionScheduled: SQL =
        """
        INSERT INTO queue.waiting (state, version, priority, due_at, enqueued_at, kind, queue, arguments)
        SELECT 'scheduled', 1, 50, now() + interval '1 day' + n * interval '1 second', now(), 'bench_noop', 'speed',
               json_build_object('number', n) FROM generate_series(1, 1000000) AS n
        """
    private static let blocked: SQL =
        """
        WITH head AS (INSERT INTO queue.heads VALUES ('speed', 'stuck', 0))
        INSERT INTO queue.waiting (state, version, priority, due_at, enqueued_at, kind, queue, serial_key, arguments)
        SELECT 'blocked', 1, 50, now(), now(), 'bench_noop', 'speed', 'stuck', json_build_object('number', n)
          FROM generate_series(1, 100000) AS n
        """
}
