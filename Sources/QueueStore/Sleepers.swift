internal import JobKit
internal import Postgres

/// Shows the database which queues have a sleeping worker, by shared locks of a session of its own.
///
/// Nothing is written, and a process that dies shows nothing any more: the locks end with the session.
actor Sleepers {
    private let configuration: PostgresConfiguration
    private var connection: PostgresConnection?
    /// What `connection` has locked.
    private var locked: Set<QueueName> = []
    private var asleep: [QueueName: Set<WorkerID>] = [:]
    private var last: Task<Void, Never>?

    init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

    /// Returns when it is so, or cannot be made so now. Said again, it mends a session that was lost.
    func set(_ worker: WorkerID, asleep isAsleep: Bool, in queue: QueueName) async {
        if isAsleep { asleep[queue, default: []].insert(worker) } else { asleep[queue]?.remove(worker) }
        // One after the other, in the order in which they were said.
        let task = Task { [last] in
            await last?.value
            await show(queue)
        }
        last = task
        await task.value
    }

    private func show(_ queue: QueueName) async {
        let isWanted = asleep[queue]?.isEmpty == false
        guard isWanted || locked.contains(queue) else { return }
        do {
            let session = try await session()
            let statement: SQL =
                switch (isWanted, locked.contains(queue)) {
                case (true, false): "SELECT pg_advisory_lock_shared(queue.sleep_lock(\(queue.name)))"
                case (false, true): "SELECT pg_advisory_unlock_shared(queue.sleep_lock(\(queue.name)))"
                default: "SELECT 1"  // It stands, if the session does.
                }
            _ = try await session.query(statement)
            if isWanted { locked.insert(queue) } else { locked.remove(queue) }
        } catch {
            // Undeclared, a worker still polls; the next time it says so there is another session.
            await connection?.close()
            connection = nil
            locked = []
        }
    }

    private func session() async throws(PostgresError) -> PostgresConnection {
        if let connection { return connection }
        let session = try await PostgresConnection.connect(configuration)
        // Callers hold the lock for an instant; whoever holds it longer keeps us from nothing else.
        _ = try await session.query("SET lock_timeout = '200ms'")
        locked = []
        connection = session
        return session
    }
}
