public import Dates
public import Postgres

/// What a person does to a job. Each act leaves who and why beside the job's failures.
public struct QueueOperations: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Lets a held job run again, its attempts and rescues counted anew. False: there is no such held job.
    ///
    /// Throws with constraint `unique_keys_pkey` when another job has taken over its work meanwhile.
    public func release(_ id: Int64, by person: String, because reason: String, now: Instant) async throws -> Bool {
        try await pool.query(
            "SELECT queue.release(\(id), \(person), \(reason), \(now))"
        ).only(Bool.self)
    }
}
