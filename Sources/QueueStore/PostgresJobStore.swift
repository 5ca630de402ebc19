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
    private let enqueueLimit: Int
    private let leases = LeaseLedger()
    private let turns = StirringTurns()
    private let sleepers: Sleepers
    let work: @Sendable (PostgresWork) -> Work

    /// `control` is a small pool kept apart, so that wake-ups and heartbeats never wait behind handlers.
    /// `enqueueLimit`: what one transaction of a job may enqueue.
    public init(
        pool: PostgresPool, control: PostgresPool, listener: PostgresConfiguration, enqueueLimit: Int = 10_000,
        work: @escaping @Sendable (PostgresWork) -> Work
    ) {
        self.pool = pool
        self.waker = QueueWaker(pool: control)
        listenerConfiguration = listener
        sleepers = Sleepers(listener)
        self.enqueueLimit = enqueueLimit
        self.work = work
    }

    public func claim(_ request: ClaimRequest, now: Instant) async throws -> [ClaimedJob] {
        // What waits outside the lanes is looked for when these are empty, and now and then when they are not: before
        // the claim after one that found jobs, so that a single job on an idle system does not wait for it.
        let stirsFirst = turns.isOwed(request.queue)
        if stirsFirst { _ = try await stir(request.queue, limit: request.limit, now: now) }
        let jobs = try await lease(request, limit: request.limit)
        if !jobs.isEmpty { turns.found(request.queue) }
        guard jobs.isEmpty, !stirsFirst else { return jobs }
        guard try await stir(request.queue, limit: request.limit, now: now) else { return [] }
        return try await lease(request, limit: request.limit)
    }

    private func lease(_ request: ClaimRequest, limit: Int) async throws -> [ClaimedJob] {
        let number = Int64.random(in: 1...Int64.max)
        let finished = leases.finished(by: request.worker)
        let rows = try await pool.query(
            QueueSQL.claim(request, token: number, limit: limit, finished: finished))
        let jobs = try rows.map { row in try ClaimedJob(row, number: number, request: request) }
        leases.opened(number, by: request.worker, jobs: jobs)
        if !jobs.isEmpty { leases.dropped(finished, by: request.worker) }
        return jobs
    }

    /// Whether anything can be claimed now that could not be before.
    private func stir(_ queue: QueueName, limit: Int, now: Instant) async throws -> Bool {
        let after = turns.lastKey(of: queue)
        let statements = QueueSQL.stir(queue, after: after, limit: limit, now: now)
        let rows = try await pool.withConnection { connection in try await connection.pipeline(statements) }
        let (promoted, met) = (try rows[0].only(Int64.self), try rows[2].only(Int32.self))
        var key = try rows[1].only(String?.self)
        if key == nil, after != nil {
            // Nothing behind that key; before it there may be.
            key = try await pool.query(QueueSQL.admit(queue, after: nil, limit: limit)).only(String?.self)
        }
        turns.taken(queue, lastKey: key)
        return promoted > 0 || key != nil || met > 0
    }

    public func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) async throws {
        let returned = try await pool.query(QueueSQL.giveBackStrays(of: worker, in: queue, running: running))
            .only(Int64.self)
        if returned > 0 { await waker.wake([queue]) }
    }

    public func giveBack(_ jobs: [ClaimedJob]) async throws {
        for (lease, mine) in Dictionary(grouping: jobs, by: \.lease.number) {
            _ = try await pool.query(QueueSQL.giveBackClaim(lease, of: mine[0].lease.worker, only: mine.map(\.id)))
        }
        leases.ended(jobs)
        if let queue = jobs.first?.queue { await waker.wake([queue]) }
    }

    public func nextDue(_ request: ClaimRequest, after now: Instant) async throws -> Instant? {
        try await pool.query(QueueSQL.nextDue(request, after: now)).only(Instant?.self)
    }

    public func complete(_ jobs: [ClaimedJob], now: Instant) async throws -> Set<JobID> {
        guard !jobs.isEmpty else { return [] }
        // In one order everywhere, so that two transactions never wait for each other.
        let ordered = jobs.sorted { $0.id < $1.id }
        let rows = try await pool.query(QueueSQL.finish(ordered, now: now))
        leases.ended(jobs)
        return Set(try rows.decode(Int64.self).map { JobID($0) })
    }

    public func session(for job: ClaimedJob, now: Instant) -> any JobSession<Work> {
        LeasedSession(store: self, job: job, now: now)
    }

    public func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant) async throws {
        let statements = PostgresJobStore.statements(for: ending, of: job, now: now)
        _ = try await fenced(by: job) {
            try await pool.transaction(settings: [.tenant(.all)]) { transaction in
                try await transaction.finish(with: statements)
            }
        }
        if case .released = ending { await waker.wake([job.queue]) }
    }

    public func forget(_ worker: WorkerID) { leases.forget(worker) }

    private static func statements(for ending: AttemptEnding, of job: ClaimedJob, now: Instant) -> [SQL] {
        func back(_ back: QueueSQL.Return) -> SQL { QueueSQL.giveBack(job.lease, back, now: now) }
        return switch ending {
        case .retried(let due, let error):
            [
                back(.init(state: "retryable", due: due, counts: true)),
                QueueSQL.recordFailure(of: job, error: error, now: now),
            ]
        case .snoozed(let due):
            [back(.init(state: job.attempt > 1 ? "retryable" : "scheduled", due: due, counts: false, isSnooze: true))]
        case .released: [back(.init(state: "available", counts: false))]
        case .discarded(let error):
            [
                back(.init(state: "discarded", counts: true, reason: error)),
                QueueSQL.recordFailure(of: job, error: error, now: now),
            ]
        case .held(let reason): [back(.init(state: "held", counts: true, reason: reason))]
        }
    }

    public func limit(_ kinds: [KindLimits], _ gateways: [String: CallRate]) async throws {
        let statements = [try LimitSQL.limit(kinds), LimitSQL.limit(gateways)]
        _ = try await pool.withConnection { connection in try await connection.pipeline(statements) }
    }

    public func watch(_ completed: [JobKind: Int], every interval: Duration, now: Instant) async throws -> [StoppedKind]
    {
        try await pool.query(LimitSQL.watch(completed, every: interval, now: now)).decode(String.self, String.self)
            .map { StoppedKind(kind: JobKind($0.0), reason: $0.1) }
    }

    private func stop(_ stopped: StoppedKind, now: Instant) async throws {
        _ = try await QueuePauses(pool: pool).pause(
            .kind(stopped.kind.name), by: "breaker", because: stopped.reason, now: now)
    }

    public func endRuns(now: Instant) async throws -> [RunID] {
        let ended = try await pool.query(RunSQL.end(now: now)).decode(Int64.self, String?.self)
        let gained = Set(ended.compactMap(\.1)).map { QueueName($0) }
        if !gained.isEmpty { await waker.wake(gained) }
        return ended.map { RunID($0.0) }
    }

    public func transaction<Value: Sendable>(
        tenant: TenantScope, now: Instant, _ body: (Work) async throws -> Value
    ) async throws -> Value {
        try await run(tenant: tenant, now: now, job: nil, finish: []) { base in try await body(work(base)) }
    }

    public func declare(_ worker: WorkerID, asleep: Bool, in queue: QueueName) async {
        await sleepers.set(worker, asleep: asleep, in: queue)
    }

    /// Has the workers of these queues look for work, whatever they know of it: after a clock that is not theirs was set.
    public func wakeAll(_ queues: Set<QueueName>) async { await waker.wake(queues) }

    public func wakeUps() -> AsyncStream<QueueName?> { QueueWaker.wakeUps(listenerConfiguration) }

    /// The one place a transaction of ours is opened: scope first, the body, what must ride with the commit, and only
    /// after the commit the wake-ups.
    func run<Value: Sendable>(
        tenant: TenantScope, now: Instant, job: ClaimedJob?, finish: [SQL],
        _ body: (PostgresWork) async throws -> Value
    ) async throws -> Value {
        do {
            let (value, gained) = try await pool.transaction(settings: [.tenant(tenant)]) { transaction in
                let base = PostgresWork(transaction: transaction, now: now, job: job, enqueueLimit: enqueueLimit)
                let value = try await body(base)
                if !finish.isEmpty { try await transaction.finish(with: finish) }
                return (value, base.gained.all)
            }
            if !gained.isEmpty { await waker.wake(gained) }
            return value
        } catch let over as EffectOverLimit {
            // Outside what was rolled back; also when the handler makes another error of it.
            try await stop(StoppedKind(kind: over.kind, reason: "\(over)"), now: now)
            throw over
        }
    }

    /// Turns the fence's SQLSTATE into the queue's own error, and notes that the job's time here is over.
    func fenced<Value>(by job: ClaimedJob, ends: Bool = true, _ body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            if ends { leases.ended(CollectionOfOne(job)) }
            return value
        } catch let error as PostgresError where error.sqlState == "BW001" {
            leases.ended(CollectionOfOne(job))
            throw StaleLease(job.lease)
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
        try await store.fenced(by: job, ends: false) {
            try await store.run(tenant: scope, now: now, job: job, finish: [QueueSQL.fence(job.lease)]) {
                base in try await body(store.work(base))
            }
        }
    }

    func unsettledEffects() async throws -> [AnnouncedEffect] {
        try await store.fenced(by: job, ends: false) {
            try await store.run(tenant: scope, now: now, job: job, finish: [QueueSQL.fence(job.lease)]) { base in
                try await base.unsettledEffects(of: job)
            }
        }
    }

    func complete(_ body: (Work) async throws -> Void) async throws {
        try await store.fenced(by: job) {
            try await store.run(
                tenant: scope, now: now, job: job, finish: [QueueSQL.complete(job, now: now)]
            ) { base in try await body(store.work(base)) }
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
    init(_ row: Row, number: Int64, request: ClaimRequest) throws(PostgresError) {
        let (
            id, position, lineage, kind, version, tenant, attempt, rescues, serialKey, trace, run, enqueuedAt, dueAt,
            arguments
        ) = try row.decode(
            Int64.self, Int64.self, Int64.self, String.self, Int32.self, Int64?.self, Int32.self, Int32.self,
            String?.self, String?.self, Int64?.self, Instant.self, Instant.self, PostgresJSON.self)
        self.init(
            lease: Lease(job: JobID(id), number: number, position: position, worker: request.worker),
            lineage: JobID(lineage), kind: JobKind(kind), version: Int(version), queue: request.queue, tenant: tenant,
            serialKey: serialKey, trace: trace, run: run.map { RunID($0) }, attempt: Int(attempt),
            rescues: Int(rescues), arguments: arguments.utf8, enqueuedAt: enqueuedAt, dueAt: dueAt)
    }
}
