import Dates
import JobKit
import Observability
import QueueStore
import Runtime

/// The store as a worker sees it when something outside its own code is slow, deaf or lost.
struct StagedStore: JobStore {
    typealias Work = PostgresWork

    let base: PostgresJobStore<PostgresWork>
    /// False: no wake-up ever arrives.
    var hears = true
    var beforeDeclare: @Sendable (_ asleep: Bool) async -> Void = { _ in }
    var afterDeclare: @Sendable (_ asleep: Bool) async -> Void = { _ in }
    var beforeClaim: @Sendable () async throws -> Void = {}
    var beforeEnd: @Sendable () async -> Void = {}
    var afterGiveBackStrays: @Sendable () async -> Void = {}

    func claim(_ request: ClaimRequest, now: Instant) async throws -> [ClaimedJob] {
        try await beforeClaim()
        return try await base.claim(request, now: now)
    }

    func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) async throws {
        try await base.giveBackStrays(of: worker, in: queue, running: running)
        await afterGiveBackStrays()
    }

    func giveBack(_ jobs: [ClaimedJob]) async throws { try await base.giveBack(jobs) }

    func nextDue(_ request: ClaimRequest, after now: Instant) async throws -> Instant? {
        try await base.nextDue(request, after: now)
    }

    func session(for job: ClaimedJob, now: Instant) -> any JobSession<Work> { base.session(for: job, now: now) }

    func complete(_ jobs: [ClaimedJob], now: Instant) async throws -> Set<JobID> {
        try await base.complete(jobs, now: now)
    }

    func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant) async throws {
        await beforeEnd()
        try await base.end(job, as: ending, now: now)
    }

    func forget(_ worker: WorkerID) { base.forget(worker) }

    func limit(_ kinds: [KindLimits], _ gateways: [String: CallRate]) async throws {
        try await base.limit(kinds, gateways)
    }

    func watch(_ completed: [JobKind: Int], every interval: Duration, now: Instant) async throws -> [StoppedKind] {
        try await base.watch(completed, every: interval, now: now)
    }

    func endRuns(now: Instant) async throws -> [RunID] { try await base.endRuns(now: now) }

    func transaction<Value: Sendable>(
        tenant: TenantScope, now: Instant, _ body: (Work) async throws -> Value
    ) async throws -> Value { try await base.transaction(tenant: tenant, now: now, body) }

    func declare(_ worker: WorkerID, asleep: Bool, in queue: QueueName) async {
        await beforeDeclare(asleep)
        await base.declare(worker, asleep: asleep, in: queue)
        await afterDeclare(asleep)
    }

    func wakeUps() -> AsyncStream<QueueName?> {
        // One that never yields: it ends with the task that listens to it.
        hears ? base.wakeUps() : AsyncStream { _ in }
    }
}

extension WorkerFixture {
    func running(
        _ store: StagedStore, settings: WorkerSettings = WorkerSettings(),
        _ handler: ErrandHandler, _ body: (Drain) async throws -> Void
    ) async throws {
        let worker = Worker(
            store: store, roster: roster, registry: JobRegistry { handler }, clock: clock, settings: settings,
            release: "test", log: Log(component: "test", threshold: .error) { _ in }, metrics: metrics)
        let drain = Drain()
        let life = Task { await worker.run(until: drain) }
        do { try await body(drain) } catch {
            drain.advance()
            drain.advance()
            await life.value
            throw error
        }
        drain.advance()
        await life.value
    }

    /// Reads the database until it says so.
    func until(_ isReached: () async throws -> Bool) async throws { while try await !isReached() {} }
}
