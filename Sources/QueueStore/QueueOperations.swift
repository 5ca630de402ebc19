public import Dates
public import Postgres

/// What a person does to jobs. Each act is one transaction with its row in `queue.acts`: who, why, before, after.
///
/// Nothing here takes a job from a worker: what is leased is left alone, and a cancellation waits for the attempt's end.
public struct QueueOperations: Sendable {
    let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public enum Verb: Hashable, Sendable {
        /// Lets a job run now; one that was held or has failed for good gets the attempt back that ended it.
        case retry
        /// Ends a job without running it; a running one when its attempt ends in anything but completion.
        case cancel
        /// Ends a job as failed for good.
        case discard
        case reschedule(to: Instant)
        /// Sets a job aside for a person.
        case hold
        /// Lets a held job run, its attempts and rescues counted anew.
        case release
        /// Makes a new job of one that has ended, of the same line: effects of the old one are known to it.
        case replay
    }

    /// Who acts, and why.
    public struct Act: Sendable {
        public let verb: Verb
        public let person: String
        public let reason: String

        public init(_ verb: Verb, by person: String, because reason: String) {
            self.verb = verb
            self.person = person
            self.reason = reason
        }
    }

    public struct Outcome: Hashable, Sendable {
        public let job: Int64
        /// Nil: there is no such job.
        public let before: String?
        /// Nil: nothing was changed.
        public let after: String?
        /// The job that runs: a replay's is a new one.
        public let made: Int64
        /// Why nothing was changed, and what to do instead.
        public let refusal: String?
    }

    public func act(_ act: Act, on job: Int64, now: Instant) async throws -> Outcome {
        let row = try await pool.query(OperationSQL.act(act, on: job, now: now)).only()
        return try Outcome(row)
    }
}

extension QueueOperations.Verb {
    public var name: String {
        switch self {
        case .retry: "retry"
        case .cancel: "cancel"
        case .discard: "discard"
        case .reschedule: "reschedule"
        case .hold: "hold"
        case .release: "release"
        case .replay: "replay"
        }
    }

    var due: Instant? {
        if case .reschedule(let due) = self { due } else { nil }
    }
}

extension QueueOperations.Outcome {
    init(_ row: Row) throws(PostgresError) {
        let (job, refusal, before, after, made) = try row.decode(
            Int64.self, String?.self, String?.self, String?.self, Int64.self)
        self.init(job: job, before: before, after: after, made: made, refusal: refusal)
    }
}
