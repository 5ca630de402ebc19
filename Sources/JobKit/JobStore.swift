public import Dates
public import FoundationEssentials

/// One start of a worker process. Random, so that a restarted process is never taken for the one before it.
public struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    public let uuid: UUID

    public init(_ uuid: UUID) { self.uuid = uuid }

    public var description: String { uuid.uuidString.lowercased() }
}

/// What a worker is willing to take.
public struct ClaimRequest: Sendable {
    public let worker: WorkerID
    public let queue: QueueName
    /// Kinds this worker knows, with the newest version of their arguments it can read.
    public let kinds: [JobKind: Int]
    public let limit: Int

    public init(worker: WorkerID, queue: QueueName, kinds: [JobKind: Int], limit: Int) {
        self.worker = worker
        self.queue = queue
        self.kinds = kinds
        self.limit = limit
    }
}

/// How an attempt ended when it did not complete.
public enum AttemptEnding: Sendable {
    /// Failed; runs again at `due`.
    case retried(due: Instant, error: String)
    /// Gave itself up until `due`; the attempt does not count.
    case snoozed(due: Instant)
    /// Given back by a worker that is stopping; the attempt does not count.
    case released
    /// Failed for good; leaves the queue, kept in history with its errors. By its kind's policy the head of a serial key is
    /// held instead.
    case discarded(error: String)
    /// Waits for a person.
    case held(reason: String)
}

/// Where jobs are kept. Every write about a running job is fenced by its lease and throws `StaleLease` when that is gone.
public protocol JobStore<Work>: Sendable {
    associatedtype Work: Sendable

    /// Leases up to `limit` jobs that are due by `now`: by priority, and within one in turns among tenants and kinds, each
    /// in the order in which its jobs came due. Fewer than `limit` means that no more are due.
    func claim(_ request: ClaimRequest, now: Instant) async throws -> [ClaimedJob]

    /// Gives back what `worker` holds of `queue` beside the jobs in `running`: leases of a claim whose answer never came.
    func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) async throws

    /// Gives back jobs of a claim that were never started.
    func giveBack(_ jobs: [ClaimedJob]) async throws

    /// The earliest instant after `now` at which a job of the request's queue comes due; nil: none is waiting.
    func nextDue(_ request: ClaimRequest, after now: Instant) async throws -> Instant?

    /// The transactions of one attempt.
    func session(for job: ClaimedJob, now: Instant) -> any JobSession<Work>

    /// Completes jobs whose handlers had nothing to write, together. Returns those that were; the lease of the others is
    /// no longer held.
    func complete(_ jobs: [ClaimedJob], now: Instant) async throws -> Set<JobID>

    /// Ends the attempt without completing the job.
    func end(_ job: ClaimedJob, as ending: AttemptEnding, now: Instant) async throws

    /// A worker's life is over; what is remembered of its leases need not be any more.
    func forget(_ worker: WorkerID)

    /// Says what kinds and gateways are limited to. It holds for every worker, until one that starts says otherwise.
    func limit(_ kinds: [KindLimits], _ gateways: [String: CallRate]) async throws

    /// Notes how many attempts of which kinds have completed here, stops those of these kinds that are over a limit and
    /// returns them. Does not look at kinds that any worker looked at less than `interval` ago.
    func watch(_ completed: [JobKind: Int], every interval: Duration, now: Instant) async throws -> [StoppedKind]

    /// Ends the runs whose last job has ended, each with its follow-up, and returns them. Any number may look at once.
    func endRuns(now: Instant) async throws -> [RunID]

    /// Runs `body` outside any job: a command, a webhook, a scheduler's tick.
    func transaction<Value: Sendable>(
        tenant: TenantScope, now: Instant, _ body: (Work) async throws -> Value
    ) async throws -> Value

    /// Says that a worker sleeps until it is woken, or does no longer. Whoever enqueues from outside sends a wake-up only
    /// while one has said so; what they committed before `asleep` is seen by a claim after it. Fails silently: without it
    /// the worker looks as often as it polls.
    func declare(_ worker: WorkerID, asleep: Bool, in queue: QueueName) async

    /// Queues that may have gained a due job. Yields nil when any of them may have: after (re)connecting.
    func wakeUps() -> AsyncStream<QueueName?>
}

/// Whose rows a transaction may see. Stated at its start and gone with its end.
public enum TenantScope: Hashable, Sendable {
    case one(Int64)
    /// Only the worker's role is allowed this.
    case all
}

/// Who is alive. Always by the database's own clock, never by business time.
public protocol WorkerRoster: Sendable {
    func register(_ worker: WorkerDescription) async throws
    /// Says "still here". False: this incarnation was declared lost and must stop.
    func beat(_ worker: WorkerID) async throws -> Heartbeat
    /// Takes jobs from workers that have not beaten for `expiry`, and from workers nobody remembers.
    /// A job lost `budget` times is held for a person.
    func rescueLost(expiry: Duration, budget: Int, now: Instant) async throws -> Rescue
    /// Signs off a worker that holds no lease any more.
    func retire(_ worker: WorkerID) async throws
}

/// What a worker says of itself when it starts.
public struct WorkerDescription: Sendable {
    public let id: WorkerID
    public let host: String
    public let processID: Int32
    public let release: String
    public let queues: [QueueName]
    public let kinds: [KindDescription]

    public init(
        id: WorkerID, host: String, processID: Int32, release: String, queues: [QueueName],
        kinds: [KindDescription] = []
    ) {
        self.id = id
        self.host = host
        self.processID = processID
        self.release = release
        self.queues = queues
        self.kinds = kinds
    }
}

/// What the store must know of a kind when no worker is there to ask. The worker that registered last is believed.
public struct KindDescription: Hashable, Sendable {
    public let kind: JobKind
    public let queue: QueueName
    public let priority: JobPriority
    public let headHeld: JobPolicy.DeadHead
    public let headDiscarded: JobPolicy.DeadHead

    public init(
        kind: JobKind, queue: QueueName, priority: JobPriority, headHeld: JobPolicy.DeadHead,
        headDiscarded: JobPolicy.DeadHead
    ) {
        self.kind = kind
        self.queue = queue
        self.priority = priority
        self.headHeld = headHeld
        self.headDiscarded = headDiscarded
    }

    public init(_ registration: JobRegistration<some Sendable>) {
        self.init(
            kind: registration.kind, queue: registration.queue, priority: registration.priority,
            headHeld: registration.policy.headHeld, headDiscarded: registration.policy.headDiscarded)
    }
}

/// The roster's answer to a beat.
public struct Heartbeat: Sendable {
    /// False: the roster has given this worker up.
    public let isRegistered: Bool
    /// The database's clock, by which business time is kept.
    public let databaseTime: Instant

    public init(isRegistered: Bool, databaseTime: Instant) {
        self.isRegistered = isRegistered
        self.databaseTime = databaseTime
    }
}

/// What a rescue found.
public struct Rescue: Sendable {
    public let requeued: [JobID]
    public let held: [JobID]
    public let queues: Set<QueueName>

    public init(requeued: [JobID], held: [JobID], queues: Set<QueueName>) {
        self.requeued = requeued
        self.held = held
        self.queues = queues
    }
}
