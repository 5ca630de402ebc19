public import Dates

/// What any transaction can do for the queue, whatever else it writes.
public protocol JobWork: Sendable {
    /// Business time of the attempt or command this transaction belongs to.
    var now: Instant { get }

    /// Stores jobs in this transaction: they exist when it commits, or not at all.
    /// A job whose unique key a live job holds is left out. Throws `RunSealed`, and
    /// `TooManyJobs` when this transaction of a job enqueues more than the store's settings allow.
    func enqueue(_ jobs: [NewJob]) async throws

    /// Opens the run of this name, or finds it: a job that is run again goes on with the run it opened.
    func open(_ run: NewRun) async throws -> OpenedRun

    /// From the commit on only the run's own jobs add to it. Waits for transactions that are adding.
    func seal(_ run: RunID) async throws

    /// Announces an effect. After this transaction has committed, and only then, may the call be made.
    /// Throws `EffectMismatch` when it was announced before with another fingerprint, and `EffectOverLimit` when its kind's
    /// breaker does not allow the amount.
    func announce(_ request: EffectRequest) async throws -> EffectStanding

    /// Announces effects one after the other, in one go. nil: the breaker does not allow the amount on top of those
    /// before it. Throws `EffectOverLimit` when it allows none of them.
    func announce(_ requests: [EffectRequest]) async throws -> [EffectStanding?]

    /// Writes down how an announced effect ended; `result` is JSON for operators (ids, codes; no secrets).
    func settle(_ effect: Effect, as state: EffectState, result: [UInt8]) async throws

    /// As `settle`, of several in one go; one that somebody else has settled stays as it is.
    func settle(_ settlements: [EffectSettlement]) async throws
}

extension JobWork {
    public func enqueue(_ arguments: some JobArguments, dueAt: Instant? = nil) async throws {
        try await enqueue([NewJob(arguments, dueAt: dueAt)])
    }
}

/// The transactions one attempt may open, each fenced by its lease.
public protocol JobSession<Work>: Sendable {
    associatedtype Work: Sendable

    /// Runs `body` in one transaction and commits it, unless the lease is gone: then `StaleLease`, nothing committed.
    func transaction<Value: Sendable>(_ body: (Work) async throws -> Value) async throws -> Value

    /// As `transaction`, and the job's completion commits with it.
    func complete(_ body: (Work) async throws -> Void) async throws

    /// Effects of the job's line that are announced and not settled.
    func unsettledEffects() async throws -> [AnnouncedEffect]
}

/// What a handler is given beside its job: time, and the only way to say "done".
public struct JobContext<Work: Sendable>: Sendable {
    /// Business time at the start of this attempt.
    public let now: Instant
    private let session: any JobSession<Work>

    public init(now: Instant, session: any JobSession<Work>) {
        self.now = now
        self.session = session
    }

    /// Commits a step on the way, such as the intent to charge.
    public func transaction<Value: Sendable>(_ body: (Work) async throws -> Value) async throws -> Value {
        try await session.transaction(body)
    }

    /// Commits the handler's last writes, its follow-up jobs and the job's completion as one.
    public func complete(_ body: (Work) async throws -> Void) async throws -> JobOutcome {
        try await session.complete(body)
        return JobOutcome(.completed)
    }

    func unsettledEffects() async throws -> [AnnouncedEffect] { try await session.unsettledEffects() }

    /// For a job that has nothing more to write. Its completion is committed once the handler has returned, together with
    /// others that ended at that moment.
    public func complete() -> JobOutcome { JobOutcome(.finished) }
}

/// How an attempt ended. Only `JobContext.complete` makes a completion, so a handler cannot claim a success it has not
/// committed. To fail and be retried, throw.
public struct JobOutcome: Sendable {
    package enum Ending: Sendable {
        case completed
        /// To be completed by whoever runs the handler.
        case finished
        case snoozed(until: Instant)
        case discarded(reason: String)
        case held(reason: String)
    }

    package let ending: Ending

    init(_ ending: Ending) { self.ending = ending }

    /// Not yet: run again at `instant`. Does not count as an attempt.
    public static func snoozed(until instant: Instant) -> JobOutcome { JobOutcome(.snoozed(until: instant)) }

    /// It can never succeed: kept with the reason, not retried.
    public static func discarded(reason: String) -> JobOutcome { JobOutcome(.discarded(reason: reason)) }

    /// A person must decide: kept, shown, not retried until released.
    public static func held(reason: String) -> JobOutcome { JobOutcome(.held(reason: reason)) }
}

/// What a reconciler found out about effects that an earlier attempt left open.
public enum Reconciliation: Sendable {
    /// The handler may act. What is not settled by now has certainly never arrived and may be sent again under its key.
    case goOn
    /// Not now, or not without a person.
    case end(JobOutcome)
}
