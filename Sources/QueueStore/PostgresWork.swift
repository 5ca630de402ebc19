public import Dates
public import JobKit
public import Postgres
internal import Synchronization

/// One transaction as handlers see it: the queue's part. The books' part is added by another module.
///
/// It notes which queues gained jobs, so that their workers are woken after the commit and never before.
public struct PostgresWork: JobWork {
    public let transaction: Transaction
    public let now: Instant
    let job: ClaimedJob?
    let gained: GainedQueues
    private let enqueueLimit: Int

    init(transaction: Transaction, now: Instant, job: ClaimedJob?, enqueueLimit: Int) {
        self.transaction = transaction
        self.now = now
        self.job = job
        self.enqueueLimit = enqueueLimit
        gained = GainedQueues()
    }

    public func enqueue(_ jobs: [NewJob]) async throws {
        // A command's transaction is its operator's affair; a job's runs unseen, perhaps with a mistake in its loop.
        guard gained.count(jobs.count) <= enqueueLimit || job == nil else { throw TooManyJobs(limit: enqueueLimit) }
        try await keepOpen(Set(jobs.compactMap(\.run)))
        if jobs.count >= PostgresWork.copiedFrom, jobs.allSatisfy(\.isPlain) {
            try await copy(jobs)
        } else {
            try await store(jobs)
        }
        // Also what is due soon: a worker sleeps until the next job it knows of.
        gained.note(jobs.lazy.filter { ($0.dueAt ?? now) <= now + .seconds(10) }.map(\.queue))
    }

    /// A job of the run is live as long as this transaction, so its own run cannot end meanwhile.
    private func keepOpen(_ runs: Set<RunID>) async throws {
        let others = runs.filter { $0 != job?.run }.sorted { $0.number < $1.number }
        guard !others.isEmpty else { return }
        do throws(PostgresError) { _ = try await transaction.query(RunSQL.keepOpen(others)) } catch {
            throw error.sqlState == "BW003" ? RunSealed(runs: others) : error
        }
    }

    public func open(_ run: NewRun) async throws -> OpenedRun {
        let (id, isSealed, isEnded) = try await transaction.query(RunSQL.open(run, now: now))
            .only(Int64.self, Bool.self, Bool.self)
        return OpenedRun(id: RunID(id), state: isEnded ? .ended : isSealed ? .sealed : .open)
    }

    public func seal(_ run: RunID) async throws { _ = try await transaction.query(RunSQL.seal(run, now: now)) }

    private func store(_ jobs: [NewJob]) async throws {
        for start in stride(from: 0, to: jobs.count, by: PostgresWork.insertBatch) {
            let batch = jobs[start..<min(start + PostgresWork.insertBatch, jobs.count)]
            _ = try await transaction.query(QueueSQL.enqueue(batch, now: now))
        }
    }

    /// Jobs that need no look at any other row, straight into their lanes.
    private func copy(_ jobs: [NewJob]) async throws {
        let context = TraceContext.current?.traceparent
        for start in stride(from: 0, to: jobs.count, by: PostgresWork.copyBatch) {
            var rows = CopyRows(columns: 10)
            for job in jobs[start..<min(start + PostgresWork.copyBatch, jobs.count)] {
                rows.append(
                    Int32(job.version), job.priority.rank, job.tenant, now, now, job.kind.name, job.queue.name,
                    job.trace ?? context, job.run?.number, job.arguments)
            }
            _ = try await transaction.copyIn(QueueSQL.copyJobs, rows)
        }
    }

    /// Fewer are not worth the round trip that COPY takes to begin.
    static let copiedFrom = 250
    /// Jobs of one COPY: their rows are in memory twice.
    static let copyBatch = 10_000

    /// Rows of one INSERT: past a few hundred the gain is small and the message large.
    static let insertBatch = 500
}

extension NewJob {
    /// Whether it goes into its lane whatever else is there.
    fileprivate var isPlain: Bool { dueAt == nil && uniqueKey == nil && serialKey == nil }
}

/// The database holds what this program would never have written: stop one job today, not bend the books for a month.
public struct UnreadableRow: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Collects, over one transaction, the queues that gained jobs due at once, and counts its jobs.
final class GainedQueues: Sendable {
    private let names = Mutex<Set<QueueName>>([])
    private let jobs = Atomic<Int>(0)

    /// Returns how many it has been in all.
    func count(_ more: Int) -> Int { jobs.add(more, ordering: .relaxed).newValue }

    func note(_ queues: some Sequence<QueueName>) { names.withLock { $0.formUnion(queues) } }
    var all: Set<QueueName> { names.withLock { $0 } }
}
