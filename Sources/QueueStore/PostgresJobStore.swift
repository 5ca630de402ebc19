public import Dates
public import JobKit
public import Postgres

/// The queue in Postgres: what is claimed is leased, what is finished was committed by the lease's holder.
///
/// `Work` is what handlers see of a transaction; the composition root says how one is made from `PostgresWork`.
public struct PostgresJobStore<Work: Sendable>: JobStore {
    let pool: PostgresPool
    let waker: QueueWaker
    private let listenerConfiguration: PostgresConfiguration
    private let work: @Sendable (PostgresWork) -> Work

    /// `control` is a small pool kept apart, so that wake-ups and heartbeats never wait behind handlers.
    public init(
        pool: PostgresPool, control: PostgresPool, listener: PostgresConfiguration,
        work: @escaping @Sendable (PostgresWork) -> Work
    ) {
        self.pool = pool
        self.waker = QueueWaker(pool: control)
        listenerConfiguration = listener
        self.work = work
    }

    public func claim(_ request: ClaimRequest, now: Instant) async throws -> [ClaimedJob] {
        let rows = try await pool.query(QueueSQL.claim(request, now: now))
        return try rows.map { row in try ClaimedJob(row, worker: request.worker) }
    }

    public func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) async throws {
        let rows = try await pool.query(QueueSQL.giveBackStrays(of: worker, in: queue, running: running))
        if rows.affectedRows > 0 { await waker.wake([queue]) }
    }

    public func nextDue(_ request: ClaimRequest, after now: Instant) async throws -> Instant? {
        try await pool.query(QueueSQL.nextDue(request, after: now)).only(Instant?.self)
    }

    public func session(for job: ClaimedJob, now: Instant) -> any JobSession<Work> {
        LeasedSession(store: self, job: job, now: now)
    }

    public func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant) async throws {
        _ = try await fenced(by: job.lease) {
            try await pool.transaction(settings: [.tenant(.all)]) { transaction in
                try await transaction.finish(with: PostgresJobStore.statements(for: ending, of: job, now: now))
            }
        }
        if case .released = ending { await waker.wake([job.queue]) }
    }

    private static func statements(for ending: AttemptEnding, of job: ClaimedJob, now: Instant) -> [SQL] {
        let lease = job.lease
        return switch ending {
        case .retried(let due, let error):
            [
                QueueSQL.giveBack(lease, due: due, refund: false, snoozed: false),
                QueueSQL.recordFailure(of: job, error: error, now: now),
            ]
        case .snoozed(let due): [QueueSQL.giveBack(lease, due: due, refund: true, snoozed: true)]
        case .released: [QueueSQL.giveBack(lease, due: nil, refund: true, snoozed: false)]
        case .discarded(let error):
            [QueueSQL.discard(lease, now: now), QueueSQL.recordFailure(of: job, error: error, now: now)]
        case .held(let reason): [QueueSQL.hold(lease, reason: reason)]
        }
    }

    public func transaction<Value: Sendable>(
        tenant: TenantScope, now: Instant, _ body: (Work) async throws -> Value
    ) async throws -> Value {
        try await run(tenant: tenant, now: now, job: nil, finish: []) { work in
            try await body(work)
        }
    }

    public func wakeUps() -> AsyncStream<QueueName?> { QueueWaker.wakeUps(listenerConfiguration) }

    /// The one place a transaction of ours is opened: scope first, the body, what must ride with the commit, and only
    /// after the commit the wake-ups.
    func run<Value: Sendable>(
        tenant: TenantScope, now: Instant, job: ClaimedJob?, finish: [SQL],
        _ body: (Work) async throws -> Value
    ) async throws -> Value {
        let (value, gained) = try await pool.transaction(settings: [.tenant(tenant)]) { transaction in
            let base = PostgresWork(transaction: transaction, now: now, job: job)
            let value = try await body(work(base))
            if !finish.isEmpty { try await transaction.finish(with: finish) }
            return (value, base.gained.all)
        }
        if !gained.isEmpty { await waker.wake(gained) }
        return value
    }

    /// Turns the fence's SQLSTATE into the queue's own error.
    func fenced<Value>(by lease: Lease, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == "BW001" {
            throw StaleLease(lease)
        }
    }
}

/// One attempt's transactions.
private struct LeasedSession<Work: Sendable>: JobSession {
    let store: PostgresJobStore<Work>
    let job: ClaimedJob
    let now: Instant

    private var scope: TenantScope { job.tenant.map { .one($0) } ?? .all }

    func transaction<Value: Sendable>(_ body: (Work) async throws -> Value) async throws -> Value {
        try await store.fenced(by: job.lease) {
            try await store.run(tenant: scope, now: now, job: job, finish: [QueueSQL.fence(job.lease)], body)
        }
    }

    func complete(_ body: (Work) async throws -> Void) async throws {
        try await store.fenced(by: job.lease) {
            try await store.run(
                tenant: scope, now: now, job: job, finish: [QueueSQL.complete(job.lease, now: now)], body)
        }
    }
}

extension TransactionSetting {
    /// Row-level security reads this; a transaction that does not set it sees no tenant's rows.
    public static func tenant(_ scope: TenantScope) -> TransactionSetting {
        let value =
            switch scope {
            case .one(let id): String(id)
            case .all: "*"
            }
        return TransactionSetting("billwright.tenant", value)
    }
}

extension ClaimedJob {
    init(_ row: Row, worker: WorkerID) throws(PostgresError) {
        let (id, lease, lineage, kind, version, queue, tenant, attempt, rescues, arguments, enqueuedAt, dueAt) =
            try row.decode(
                Int64.self, Int64.self, Int64.self, String.self, Int32.self, String.self, Int64?.self, Int32.self,
                Int32.self, PostgresJSON.self, Instant.self, Instant.self)
        self.init(
            lease: Lease(job: JobID(id), number: lease, worker: worker), lineage: JobID(lineage), kind: JobKind(kind),
            version: Int(version), queue: QueueName(queue), tenant: tenant, attempt: Int(attempt),
            rescues: Int(rescues), arguments: arguments.utf8, enqueuedAt: enqueuedAt, dueAt: dueAt)
    }
}
