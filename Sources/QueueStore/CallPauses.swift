public import Postgres

/// A gateway that says it is called too often is called by nobody for a while, whichever worker heard it.
///
/// A pause is a grant of no calls that uses the gateway's time up to its end. What had been saved up for a burst is gone with
/// it, so calls begin again at the steady rate. A gateway without a rate is not limited here either.
public struct CallPauses: Sendable {
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// A longer pause that stands already is left as it is.
    public func pause(_ gateway: String, for pause: Duration) async throws {
        let (seconds, attoseconds) = pause.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        _ = try await pool.query(
            """
            WITH asked AS MATERIALIZED (
                SELECT name, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + \(microseconds) AS until
                  FROM queue.gateways WHERE name = \(gateway) FOR UPDATE
            )
            INSERT INTO queue.grants (gateway, spent_to, calls, granted_at)
            SELECT name, until, 0, clock_timestamp() FROM asked
             WHERE until > coalesce((SELECT e.spent_to FROM queue.grants AS e WHERE e.gateway = asked.name
                                      ORDER BY e.spent_to DESC LIMIT 1), 0)
                ON CONFLICT DO NOTHING
            """, deadline: .now + .seconds(5))
    }
}
