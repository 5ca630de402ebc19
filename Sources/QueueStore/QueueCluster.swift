public import Postgres

/// Which cluster the queue's transactions were counted in. After a logical restore it is another than the one it is in, and
/// no worker starts until the jobs were re-laned.
public struct QueueCluster: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public struct Relaning: Sendable {
        /// Why nothing was changed, and what to do; nil: it was done.
        public let refusal: String?
        public let jobs: Int
        /// Of these, how many ran when the dump was made.
        public let interrupted: Int
    }

    /// - Throws: `RestoredElsewhere`; `PostgresError` when the database cannot be asked.
    public func requireHome() async throws {
        do { _ = try await pool.query("SELECT queue.require_home()") } catch let error as PostgresError {
            throw RestoredElsewhere(error) ?? error
        }
    }

    /// Ten million jobs take minutes; the session must allow a statement as long.
    public static let patience = Duration.seconds(4 * 3600)

    /// One transaction, refused while a worker lives.
    public func relane(by person: String, because reason: String) async throws -> Relaning {
        let (refusal, jobs, interrupted) = try await pool.query(
            "SELECT refusal, jobs, interrupted FROM queue.relane(\(person), \(reason))",
            deadline: .now + QueueCluster.patience
        ).only(String?.self, Int64?.self, Int64?.self)
        return Relaning(refusal: refusal, jobs: Int(jobs ?? 0), interrupted: Int(interrupted ?? 0))
    }
}

/// The database was restored from another cluster, and its jobs have not been re-laned.
public struct RestoredElsewhere: Error, Hashable, CustomStringConvertible {
    public let description: String

    /// Nil: another error.
    init?(_ error: any Error) {
        guard case .server(let fault)? = error as? PostgresError, fault.sqlState == "BW002" else { return nil }
        description = "\(fault.message); \(fault.hint ?? "")"
    }
}
