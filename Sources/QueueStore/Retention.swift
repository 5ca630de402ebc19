public import Postgres

/// For how long the queue keeps what has ended. One truth for all processes, in the database; each change is an act.
public struct Retention: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public enum Subject: String, CaseIterable, Sendable {
        /// Ended jobs with their failures, and cancellations that were answered.
        case history
        case ticks
        case acts
        /// How long an empty lane is remembered.
        case lanes
        /// How long a run that has ended is known by its name; never less long than a job of it is kept.
        case runs

        /// Less than this is taken for a slip of the hand.
        public var leastDays: Int { self == .acts ? 365 : 1 }
    }

    /// Days; nil: for ever.
    public func days() async throws -> [(subject: Subject, days: Int?)] {
        let rows = try await pool.query(
            "SELECT what, (extract(epoch FROM keep) / 86400)::bigint FROM queue.retention ORDER BY what"
        ).decode(String.self, Int64?.self)
        return rows.compactMap { row in Subject(rawValue: row.0).map { ($0, row.1.map { Int($0) }) } }
    }

    /// `days` nil: for ever, which lanes cannot be kept. Fewer than `leastDays` are refused by the database.
    public func keep(_ subject: Subject, days: Int?, by person: String, because reason: String) async throws {
        _ = try await pool.query(
            """
            SELECT queue.retain(\(subject.rawValue), make_interval(days => \(days.map { Int32($0) })), \(person), \(reason))
            """)
    }
}
