public import Dates

/// A job in a handler's hands.
public struct Job<Arguments: JobArguments>: Sendable {
    public let id: JobID
    /// The first job of this line: an operator's replay is a new job with the lineage of the old.
    public let lineage: JobID
    /// 1 for the first. Not a fence: snoozing and an operator's retry give attempts back.
    public let attempt: Int
    public let arguments: Arguments
    public let enqueuedAt: Instant
    /// The run it is counted in. What it enqueues is counted there only when it says so: `NewJob.in`.
    public let run: RunID?

    public init(
        id: JobID, lineage: JobID, attempt: Int, arguments: Arguments, enqueuedAt: Instant, run: RunID? = nil
    ) {
        self.id = id
        self.lineage = lineage
        self.attempt = attempt
        self.arguments = arguments
        self.enqueuedAt = enqueuedAt
        self.run = run
    }
}

/// The right to finish one job, never given twice.
///
/// The number is random, drawn for one claim; the jobs of that claim share it. A sequence would not do: a claim commits
/// without waiting for the disk, and after a crash of the server its number would be given again.
public struct Lease: Hashable, Sendable {
    public let job: JobID
    public let number: Int64
    /// The job's place in its lane when it was claimed: a job that returned has another.
    public let position: Int64
    public let worker: WorkerID

    public init(job: JobID, number: Int64, position: Int64, worker: WorkerID) {
        self.job = job
        self.number = number
        self.position = position
        self.worker = worker
    }
}

/// A job as the store hands it to a worker: leased, its arguments still encoded.
public struct ClaimedJob: Sendable {
    public let lease: Lease
    public let lineage: JobID
    public let kind: JobKind
    public let version: Int
    public let queue: QueueName
    public let tenant: Int64?
    public let serialKey: String?
    public let trace: String?
    public let run: RunID?
    public let attempt: Int
    /// How often its worker died while running it.
    public let rescues: Int
    public let arguments: [UInt8]
    public let enqueuedAt: Instant
    public let dueAt: Instant

    public var id: JobID { lease.job }

    public init(
        lease: Lease, lineage: JobID, kind: JobKind, version: Int, queue: QueueName, tenant: Int64?,
        serialKey: String?, trace: String?, run: RunID?, attempt: Int, rescues: Int, arguments: [UInt8],
        enqueuedAt: Instant, dueAt: Instant
    ) {
        self.lease = lease
        self.lineage = lineage
        self.kind = kind
        self.version = version
        self.queue = queue
        self.tenant = tenant
        self.serialKey = serialKey
        self.trace = trace
        self.run = run
        self.attempt = attempt
        self.rescues = rescues
        self.arguments = arguments
        self.enqueuedAt = enqueuedAt
        self.dueAt = dueAt
    }
}

/// The lease is no longer held: another worker was given the job, or an operator took it.
///
/// Whatever its holder was about to commit is rolled back. It must stop; the job is in other hands.
public struct StaleLease: Error, Hashable, CustomStringConvertible {
    public let lease: Lease

    public init(_ lease: Lease) { self.lease = lease }

    public var description: String {
        "the lease on job \(lease.job) is no longer held; nothing of this attempt was committed"
    }
}
