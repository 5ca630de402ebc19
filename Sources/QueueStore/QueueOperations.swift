public import Dates
public import Postgres

/// What a person does to a job. Each act leaves who and why beside the job's failures.
public struct QueueOperations: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Lets a held job run again, its attempts and rescues counted anew. False: there is no such held job.
    ///
    /// Throws with constraint `jobs_unique` when another job has taken over its work meanwhile.
    public func release(_ id: Int64, by person: String, because reason: String, now: Instant) async throws -> Bool {
        let note = "released by \(person): \(reason)"
        return try await pool.query(
            """
            WITH freed AS (
                UPDATE queue.jobs SET held_reason = NULL, attempt = 0, rescues = 0, due_at = \(now)
                 WHERE id = \(id) AND held_reason IS NOT NULL
                RETURNING id
            ), noted AS (
                INSERT INTO queue.failures (job, attempt, failed_at, error) SELECT id, 0, \(now), \(note) FROM freed
            )
            SELECT EXISTS (SELECT FROM freed)
            """
        ).only(Bool.self)
    }
}
