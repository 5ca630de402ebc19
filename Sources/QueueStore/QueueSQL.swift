internal import Dates
internal import JobKit
internal import Postgres

/// Every statement about jobs on their way, each with one name; most call a function that stands in the migrations.
/// Business time is a parameter; only leases and beats read the server's clock.
enum QueueSQL {
    static func enqueue(_ jobs: some Collection<NewJob>, now: Instant) -> SQL {
        """
        SELECT queue.store(
            \(jobs.map(\.kind.name)), \(jobs.map { Int32($0.version) }), \(jobs.map(\.queue.name)),
            \(jobs.map(\.priority.rank)), \(jobs.map(\.tenant)), \(jobs.map(\.uniqueKey)),
            \(jobs.map { job in job.uniqueWindow.map { now + $0 } }), \(jobs.map(\.serialKey)), \(jobs.map(\.dueAt)),
            \(jobs.map { $0.trace ?? TraceContext.current?.traceparent }), \(jobs.map { $0.run?.number }),
            \(jobs.map { String(decoding: $0.arguments, as: UTF8.self) })::json[], \(now))
        """
    }

    /// Id, position and lane are the server's to give; a row's arguments are the text of the JSON.
    static let copyJobs: SQL = """
        COPY queue.jobs (version, priority, tenant, due_at, enqueued_at, kind, queue, trace, run, arguments)
        FROM STDIN (FORMAT binary)
        """

    static func claim(_ request: ClaimRequest, token: Int64, limit: Int, finished: [Int64]) -> SQL {
        let kinds = request.kinds.sorted { $0.key.name < $1.key.name }
        return """
            SELECT id, job_position, lineage, kind, version, tenant, attempt, rescues, serial_key, trace, run,
                   enqueued_at, due_at, arguments
              FROM queue.claim(\(request.worker.uuid), \(token), \(request.queue.name), \(kinds.map(\.key.name)),
                               \(kinds.map { Int32($0.value) }), \(Int32(limit)), \(finished))
            """
    }

    /// Brings what is due, but not yet in a lane that claims know, to where the next claim finds it.
    static func stir(_ queue: QueueName, after key: String?, limit: Int, now: Instant) -> [SQL] {
        [
            "SELECT queue.promote(\(queue.name), \(Int32(max(limit, promotion))), \(now))",
            admit(queue, after: key, limit: limit), "SELECT queue.meet_lanes()",
        ]
    }

    /// More than a claim may want: those due later may be of a higher priority, and those of busy keys only queue up.
    private static let promotion = 1000

    static func admit(_ queue: QueueName, after key: String?, limit: Int) -> SQL {
        "SELECT queue.admit(\(queue.name), \(key), \(Int32(limit)))"
    }

    /// Or when jobs that can be claimed, but for their gateway's rate, will have calls.
    static func nextDue(_ request: ClaimRequest, after now: Instant) -> SQL {
        """
        SELECT min(due_at) FROM (
            (SELECT due_at FROM queue.waiting
              WHERE queue = \(request.queue.name) AND state IN ('scheduled', 'retryable') AND due_at > \(now)
              ORDER BY due_at LIMIT 1)
            UNION ALL
            SELECT \(now) + queue.call_wait(\(request.worker.uuid), \(request.queue.name), \(request.kinds.keys.map(\.name).sorted()))) AS next
        """
    }

    /// Holds the lease for the length of a transaction: a rescue skips the row, so neither can overtake the other.
    static func fence(_ lease: Lease) -> SQL {
        """
        SELECT queue.require_lease((
            SELECT count(*) FROM (
                SELECT FROM queue.jobs AS job
                 WHERE id = \(lease.job.number) AND position = \(lease.position)
                   AND EXISTS (SELECT FROM queue.leases
                                WHERE token = \(lease.number) AND worker = \(lease.worker.uuid))
                   FOR SHARE OF job) AS held))
        """
    }

    /// The completion of one job, as the last statement of a transaction.
    static func complete(_ job: ClaimedJob, now: Instant) -> SQL {
        "SELECT queue.require_lease((SELECT count(*) FROM (\(finish([job], now: now))) AS ended))"
    }

    /// Completes jobs of one worker; a row for each whose lease was still held. At least one job.
    static func finish(_ jobs: [ClaimedJob], now: Instant) -> SQL {
        """
        SELECT queue.finish(\(jobs.map(\.id.number)), \(jobs.map(\.lease.position)), \(jobs.map(\.lease.number)),
                            \(jobs[0].lease.worker.uuid), \(now))
        """
    }

    /// Where a job goes whose attempt ended in something else than its completion.
    struct Return: Sendable {
        var state: String
        var due: Instant?
        /// Whether the attempt counts.
        var counts: Bool
        var isSnooze = false
        var reason: String?
    }

    static func giveBack(_ lease: Lease, _ back: Return, now: Instant) -> SQL {
        """
        SELECT queue.require_lease(queue.give_back(
            \(lease.job.number), \(lease.position), \(lease.number), \(lease.worker.uuid), \(back.state), \(back.due),
            \(Int32(back.counts ? 1 : 0)), \(Int32(back.isSnooze ? 1 : 0)), \(back.reason), \(now)))
        """
    }

    static func giveBackClaim(_ number: Int64, of worker: WorkerID, only jobs: [JobID]) -> SQL {
        "SELECT queue.give_back_claim(\(number), \(worker.uuid), \(jobs.map(\.number)))"
    }

    /// Only the worker itself knows which of its leases it never heard of, and only while nothing of it is being claimed.
    static func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) -> SQL {
        """
        SELECT coalesce(sum(queue.give_back_claim(
                   lease.token, lease.worker,
                   ARRAY(SELECT job FROM unnest(lease.jobs) AS job WHERE job <> ALL(\(running.map(\.number).sorted()))))), 0)
               ::bigint
          FROM queue.leases AS lease JOIN queue.lanes AS lane USING (lane)
         WHERE lease.worker = \(worker.uuid) AND lane.queue = \(queue.name)
        """
    }

    static func recordFailure(of job: ClaimedJob, error: String, now: Instant) -> SQL {
        """
        INSERT INTO queue.failures (job, attempt, lease, kind, failed_at, error)
        VALUES (\(job.id.number), \(Int32(job.attempt)), \(job.lease.number), \(job.kind.name), \(now), \(error))
        """
    }
}
