public import Dates
public import JobKit
public import Postgres

/// What a person may see of runs, and do to them: how far each has come, what failed, how much money moved.
///
/// Everything is read from where the jobs are, at the price of a look at each job of the run: for a hundred thousand of
/// them tens of milliseconds. Nothing is counted while they run.
public struct QueueRuns: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public struct Run: Sendable {
        public let id: RunID
        public let name: String
        public let tenant: Int64?
        public let openedAt: Instant
        /// Nil: jobs may still be added from outside.
        public let sealedAt: Instant?
        public let endedAt: Instant?
        /// Nil before the end, and when there was none or its unique key was taken.
        public let followUp: JobID?
        /// Who stopped it; nil: it goes on.
        public let stop: QueuePauses.Pause?
    }

    public struct Progress: Sendable {
        /// Jobs by state; states without jobs are left out.
        public let jobs: [String: Int]
        public let money: [Amount]

        public var total: Int { jobs.values.reduce(0, +) }
        public var done: Int { jobs["completed"] ?? 0 }
        public var failed: Int { jobs["discarded"] ?? 0 }
        public var cancelled: Int { jobs["cancelled"] ?? 0 }
        public var held: Int { jobs["held"] ?? 0 }
    }

    /// What the run's jobs have announced in one currency that stands in one state.
    public struct Amount: Sendable {
        public let currency: String
        public let state: EffectState
        public let effects: Int
        public let minorUnits: Int64
    }

    /// Newest first, those before `id`.
    public func list(before id: Int64? = nil, limit: Int) async throws -> [Run] {
        try await pool.query(RunSQL.list(before: id, limit: limit)).map { row in try Run(row) }
    }

    /// By name or id; nil: there is none.
    public func find(_ text: String) async throws -> Run? {
        try await pool.query(RunSQL.find(text)).first.map { row in try Run(row) }
    }

    /// Both readings are of one moment.
    public func progress(of run: RunID) async throws -> Progress {
        try await pool.transaction(isolation: .repeatableRead, readOnly: true) { transaction in
            let read = try await transaction.pipeline([RunSQL.jobs(of: run.number), RunSQL.money(of: run.number)])
            let jobs = try read[0].decode(String.self, Int64.self)
            let money = try read[1].decode(String.self, String.self, Int64.self, Int64.self)
            return Progress(
                jobs: Dictionary(uniqueKeysWithValues: jobs.map { ($0.0, Int($0.1)) }),
                money: try money.map { currency, state, effects, minorUnits in
                    guard let known = EffectState(rawValue: state) else {
                        throw UnreadableRow("an effect of run \(run) has state '\(state)'")
                    }
                    return Amount(
                        currency: currency, state: known, effects: Int(effects), minorUnits: minorUnits)
                })
        }
    }

    /// Nothing of it is claimed until it is resumed; what runs goes on. False: it was stopped already.
    public func stop(_ run: RunID, by person: String, because reason: String, now: Instant) async throws -> Bool {
        try await QueuePauses(pool: pool).pause(.run(run), by: person, because: reason, now: now)
    }

    /// False: it was not stopped.
    public func resume(_ run: RunID, by person: String, because reason: String, now: Instant) async throws -> Bool {
        try await QueuePauses(pool: pool).resume(.run(run), by: person, because: reason, now: now)
    }
}

extension QueueRuns.Run {
    public enum State: String, Sendable { case open, running, stopped, ended }

    public var state: State { endedAt != nil ? .ended : stop != nil ? .stopped : sealedAt != nil ? .running : .open }

    fileprivate init(_ row: Row) throws(PostgresError) {
        let (id, name, tenant, openedAt, sealedAt, endedAt, followUp, stoppedAt, stoppedBy, reason) = try row.decode(
            Int64.self, String.self, Int64?.self, Instant.self, Instant?.self, Instant?.self, Int64?.self,
            Instant?.self,
            String?.self, String?.self)
        var stop: QueuePauses.Pause?
        if let stoppedAt, let stoppedBy, let reason {
            stop = QueuePauses.Pause(subject: .run(RunID(id)), at: stoppedAt, person: stoppedBy, reason: reason)
        }
        self.init(
            id: RunID(id), name: name, tenant: tenant, openedAt: openedAt, sealedAt: sealedAt, endedAt: endedAt,
            followUp: followUp.map { JobID($0) }, stop: stop)
    }
}
