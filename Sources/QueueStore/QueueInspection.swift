public import Dates
public import Postgres

/// What operators may see of the queue: read-only, bounded, by keyset.
public struct QueueInspection: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Which jobs to list; nil: any.
    public struct Filter: Sendable {
        public var state: String?
        public var kind: String?
        public var queue: String?
        /// Only jobs with a smaller id: the last one of the page before.
        public var before: Int64?
        public var limit: Int

        public init(
            state: String? = nil, kind: String? = nil, queue: String? = nil, before: Int64? = nil, limit: Int = 50
        ) {
            self.state = state
            self.kind = kind
            self.queue = queue
            self.before = before
            self.limit = limit
        }
    }

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

    /// How many jobs stand where.
    public struct Depth: Sendable {
        public let queue: String
        public let kind: String
        public let state: String
        public let jobs: Int
        public let oldestDue: Instant?
    }

    /// Newest first.
    public func list(_ filter: Filter) async throws -> [Job] {
        let rows = try await pool.query(
            """
            SELECT id, lineage, kind, queue, state, attempt, tenant, enqueued_at, due_at, ended_at, held_reason, arguments
              FROM queue.all_jobs
             WHERE (\(filter.state) IS NULL OR state = \(filter.state))
               AND (\(filter.kind) IS NULL OR kind = \(filter.kind))
               AND (\(filter.queue) IS NULL OR queue = \(filter.queue))
               AND (\(filter.before) IS NULL OR id < \(filter.before))
             ORDER BY id DESC
             LIMIT \(filter.limit)
            """)
        return try rows.map { row in try Job(row) }
    }

    /// Nil: no such job.
    public func job(_ id: Int64) async throws -> (job: Job, failures: [Failure])? {
        let rows = try await pool.query(
            """
            SELECT id, lineage, kind, queue, state, attempt, tenant, enqueued_at, due_at, ended_at, held_reason, arguments
              FROM queue.all_jobs WHERE id = \(id) LIMIT 1
            """)
        guard let row = rows.first else { return nil }
        let failures = try await pool.query(
            "SELECT attempt, failed_at, error FROM queue.failures WHERE job = \(id) ORDER BY failed_at LIMIT 100"
        ).decode(Int32.self, Instant.self, String.self)
        let list = failures.map { Failure(attempt: Int($0.0), failedAt: $0.1, error: $0.2) }
        return (try Job(row), list)
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
