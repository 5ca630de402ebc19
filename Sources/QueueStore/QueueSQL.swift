internal import Dates
internal import JobKit
internal import Postgres

/// Every statement about running jobs, each with one name. Business time is a parameter; only leases and beats read the
/// server's clock.
enum QueueSQL {
    static func enqueue(_ jobs: some Collection<NewJob>, now: Instant) -> SQL {
        """
        INSERT INTO queue.jobs
               (kind, version, queue, priority, tenant, unique_key, due_at, enqueued_at, arguments)
        SELECT kind, version, queue, priority, tenant, unique_key, coalesce(due_at, \(now)), \(now), arguments
          FROM unnest(\(jobs.map(\.kind.name)), \(jobs.map { Int32($0.version) }), \(jobs.map(\.queue.name)),
                      \(jobs.map(\.priority.rank)), \(jobs.map(\.tenant)), \(jobs.map(\.uniqueKey)),
                      \(jobs.map(\.dueAt)), \(jobs.map { PostgresJSON($0.arguments) }))
               WITH ORDINALITY AS job(kind, version, queue, priority, tenant, unique_key, due_at, arguments, place)
         ORDER BY place
            ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL AND held_reason IS NULL DO NOTHING
        RETURNING id
        """
    }

    /// SKIP LOCKED keeps claimers apart; the outer ORDER BY hands jobs out in the order they were chosen.
    static func claim(_ request: ClaimRequest, now: Instant) -> SQL {
        let kinds = request.kinds.sorted { $0.key.name < $1.key.name }
        return """
            WITH chosen AS MATERIALIZED (
                SELECT job.id
                  FROM queue.jobs AS job
                 WHERE job.queue = \(request.queue.name) AND job.lease IS NULL AND job.held_reason IS NULL
                   AND job.due_at <= \(now)
                   AND job.version <= (SELECT known.version
                                         FROM unnest(\(kinds.map(\.key.name)), \(kinds.map { Int32($0.value) }))
                                              AS known(kind, version)
                                        WHERE known.kind = job.kind)
                 ORDER BY job.priority, job.due_at, job.id
                 LIMIT \(request.limit)
                   FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE queue.jobs AS job
                   SET lease = nextval('queue.lease_numbers'), worker = \(request.worker.uuid),
                       leased_at = clock_timestamp(), attempt = job.attempt + 1
                  FROM chosen
                 WHERE job.id = chosen.id
             RETURNING job.id, job.lease, coalesce(job.lineage, job.id) AS lineage, job.kind, job.version, job.queue,
                       job.tenant, job.attempt, job.rescues, job.arguments, job.enqueued_at, job.due_at, job.priority
            )
            SELECT id, lease, lineage, kind, version, queue, tenant, attempt, rescues, arguments, enqueued_at, due_at
              FROM claimed
             ORDER BY priority, due_at, id
            """
    }

    static func nextDue(_ request: ClaimRequest, after now: Instant) -> SQL {
        """
        SELECT min(due_at) FROM queue.jobs
         WHERE queue = \(request.queue.name) AND lease IS NULL AND held_reason IS NULL AND due_at > \(now)
        """
    }

    /// Holds the lease for the length of a transaction: a rescue skips the row, so neither can overtake the other.
    static func fence(_ lease: Lease) -> SQL {
        """
        SELECT queue.require_lease((
            SELECT count(*) FROM (
                SELECT FROM queue.jobs
                 WHERE id = \(lease.job.number) AND lease = \(lease.number) AND worker = \(lease.worker.uuid)
                   FOR SHARE) AS held))
        """
    }

    static func complete(_ lease: Lease, now: Instant) -> SQL { leave(lease, for: "completed", now: now) }
    static func discard(_ lease: Lease, now: Instant) -> SQL { leave(lease, for: "discarded", now: now) }

    private static func leave(_ lease: Lease, for state: String, now: Instant) -> SQL {
        """
        WITH gone AS (
            DELETE FROM queue.jobs
             WHERE id = \(lease.job.number) AND lease = \(lease.number) AND worker = \(lease.worker.uuid)
            RETURNING *
        ), kept AS (
            INSERT INTO queue.history
                   (id, lineage, kind, version, queue, priority, tenant, unique_key, state, enqueued_at, due_at,
                    ended_at, attempt, rescues, snoozes, worker, arguments)
            SELECT id, lineage, kind, version, queue, priority, tenant, unique_key, \(state), enqueued_at, due_at,
                   \(now), attempt, rescues, snoozes, worker, arguments
              FROM gone
        )
        SELECT queue.require_lease((SELECT count(*) FROM gone))
        """
    }

    /// Gives the job back to the queue; `refund` takes the counted attempt back.
    static func giveBack(_ lease: Lease, due: Instant?, refund: Bool, snoozed: Bool) -> SQL {
        """
        WITH freed AS (
            UPDATE queue.jobs
               SET lease = NULL, worker = NULL, leased_at = NULL, due_at = coalesce(\(due), due_at),
                   attempt = attempt - \(Int32(refund ? 1 : 0)), snoozes = snoozes + \(Int32(snoozed ? 1 : 0))
             WHERE id = \(lease.job.number) AND lease = \(lease.number) AND worker = \(lease.worker.uuid)
            RETURNING id
        )
        SELECT queue.require_lease((SELECT count(*) FROM freed))
        """
    }

    /// Only the worker itself knows which of its leases it never heard of, and only while nothing of it is being claimed.
    static func giveBackStrays(of worker: WorkerID, in queue: QueueName, running: Set<JobID>) -> SQL {
        """
        UPDATE queue.jobs SET lease = NULL, worker = NULL, leased_at = NULL, attempt = attempt - 1
         WHERE worker = \(worker.uuid) AND queue = \(queue.name) AND id <> ALL(\(running.map(\.number).sorted()))
        """
    }

    static func hold(_ lease: Lease, reason: String) -> SQL {
        """
        WITH parked AS (
            UPDATE queue.jobs SET lease = NULL, worker = NULL, leased_at = NULL, held_reason = \(reason)
             WHERE id = \(lease.job.number) AND lease = \(lease.number) AND worker = \(lease.worker.uuid)
            RETURNING id
        )
        SELECT queue.require_lease((SELECT count(*) FROM parked))
        """
    }

    static func recordFailure(of job: ClaimedJob, error: String, now: Instant) -> SQL {
        """
        INSERT INTO queue.failures (job, attempt, lease, failed_at, error)
        VALUES (\(job.id.number), \(Int32(job.attempt)), \(job.lease.number), \(now), \(error))
        """
    }
}

// The effect ledger.
extension QueueSQL {
    static func announce(_ request: EffectRequest, for job: ClaimedJob?, now: Instant) -> SQL {
        """
        INSERT INTO queue.effects (scope, name, fingerprint, job, lineage, tenant, announced_at)
        VALUES (\(request.scope), \(request.name), \(request.fingerprint), \(job?.id.number), \(job?.lineage.number),
                \(job?.tenant), \(now))
            ON CONFLICT (scope, name) DO NOTHING
        RETURNING id, idempotency_key, state, announced_at, fingerprint
        """
    }

    static func announced(_ request: EffectRequest) -> SQL {
        """
        SELECT id, idempotency_key, state, announced_at, fingerprint FROM queue.effects
         WHERE scope = \(request.scope) AND name = \(request.name)
        """
    }

    /// An unknown outcome may still be settled; a settled one never changes.
    static func settle(_ effect: Effect, as state: EffectState, result: [UInt8], now: Instant) -> SQL {
        """
        UPDATE queue.effects
           SET state = \(state.rawValue), settled_at = \(now), result = \(PostgresJSON(result))
         WHERE id = \(effect.id) AND state IN ('intended', 'unknown')
        """
    }
}
