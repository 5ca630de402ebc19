public import Dates
public import Postgres

/// What operators may see of the queue: read-only, bounded, by keyset.
public struct QueueInspection: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// One job, live or finished.
    public struct Job: Sendable {
        public let id: Int64
        public let lineage: Int64
        public let kind: String
        public let queue: String
        public let state: String
        public let attempt: Int
        public let tenant: Int64?
        public let enqueuedAt: Instant
        public let dueAt: Instant
        public let endedAt: Instant?
        public let heldReason: String?
        /// JSON.
        public let arguments: String
    }

    /// One failed attempt.
    public struct Failure: Sendable {
        public let attempt: Int
        public let failedAt: Instant
        public let error: String
    }

    /// What a person did to a job.
    public struct Act: Sendable {
        public let act: String
        public let at: Instant
        public let person: String
        public let reason: String
    }

    /// How many jobs stand where.
    public struct Depth: Sendable {
        public let queue: String
        public let kind: String
        public let state: String
        public let jobs: Int
        public let oldestDue: Instant?
    }

    /// Newest first. A search nobody has an index for gives up after a minute.
    public func list(_ filter: Filter) async throws -> [Job] {
        let rows = try await pool.query(
            """
            SELECT \(QueueInspection.columns) FROM queue.all_jobs WHERE \(filter.condition)
             ORDER BY id DESC LIMIT \(filter.limit)
            """, deadline: .now + .seconds(60))
        return try rows.map { row in try Job(row) }
    }

    /// Nil: no such job.
    public func job(_ id: Int64) async throws -> (job: Job, failures: [Failure], acts: [Act])? {
        guard let row = try await pool.query(QueueInspection.jobs([id])).first else { return nil }
        let failures = try await pool.query(
            "SELECT attempt, failed_at, error FROM queue.failures WHERE job = \(id) ORDER BY failed_at LIMIT 100"
        ).decode(Int32.self, Instant.self, String.self)
        let acts = try await pool.query(
            "SELECT act, acted_at, actor, reason FROM queue.acts WHERE job = \(id) ORDER BY id LIMIT 100"
        ).decode(String.self, Instant.self, String.self, String.self)
        return (
            try Job(row), failures.map { Failure(attempt: Int($0.0), failedAt: $0.1, error: $0.2) },
            acts.map { Act(act: $0.0, at: $0.1, person: $0.2, reason: $0.3) }
        )
    }

    private static let columns: SQL =
        "id, lineage, kind, queue, state, attempt, tenant, enqueued_at, due_at, ended_at, held_reason, arguments"

    /// In the order of their ids.
    static func jobs(_ ids: [Int64]) -> SQL {
        "SELECT \(columns) FROM queue.all_jobs WHERE id = ANY(\(ids)) ORDER BY id"
    }

    public func depths() async throws -> [Depth] {
        let rows = try await pool.query("SELECT queue, kind, state, jobs, oldest_due FROM queue.depths()")
            .decode(String.self, String.self, String.self, Int64.self, Instant?.self)
        return rows.map { Depth(queue: $0.0, kind: $0.1, state: $0.2, jobs: Int($0.3), oldestDue: $0.4) }
    }

    /// The server's clock: business time begins here.
    public func databaseTime(deadline: ContinuousClock.Instant? = nil) async throws -> Instant {
        try await pool.query("SELECT clock_timestamp()", deadline: deadline).only(Instant.self)
    }
}

extension QueueInspection.Job {
    init(_ row: Row) throws(PostgresError) {
        let values = try row.decode(
            Int64.self, Int64.self, String.self, String.self, String.self, Int32.self, Int64?.self, Instant.self,
            Instant.self, Instant?.self, String?.self, PostgresJSON.self)
        self.init(
            id: values.0, lineage: values.1, kind: values.2, queue: values.3, state: values.4, attempt: Int(values.5),
            tenant: values.6, enqueuedAt: values.7, dueAt: values.8, endedAt: values.9, heldReason: values.10,
            arguments: values.11.text)
    }
}
