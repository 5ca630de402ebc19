internal import Dates
internal import JobKit
internal import Postgres

/// Statements about who is alive. All of them read the server's clock: liveness is never business time.
enum RosterSQL {
    static func register(_ worker: WorkerDescription) -> SQL {
        """
        INSERT INTO queue.workers (id, host, process_id, release, queues)
        VALUES (\(worker.id.uuid), \(worker.host), \(worker.processID), \(worker.release),
                \(worker.queues.map(\.name)))
        """
    }

    static func beat(_ worker: WorkerID) -> SQL {
        """
        WITH beaten AS (
            UPDATE queue.workers SET beat_at = clock_timestamp() WHERE id = \(worker.uuid) RETURNING id
        )
        SELECT EXISTS (SELECT FROM beaten), clock_timestamp()
        """
    }

    /// A worker whose row is gone or silent is lost. Its row goes first, so that it learns so at its next beat; then its
    /// jobs return, but for those a finishing transaction has locked at this moment: that transaction wins.
    static func rescue(expirySeconds: Int, budget: Int, now: Instant) -> SQL {
        """
        WITH lost AS (
            DELETE FROM queue.workers
             WHERE id IN (SELECT id FROM queue.workers
                           WHERE beat_at < clock_timestamp() - make_interval(secs => \(expirySeconds))
                             FOR UPDATE SKIP LOCKED)
            RETURNING id
        ), orphaned AS (
            SELECT job.id FROM queue.jobs AS job
             WHERE job.worker IS NOT NULL
               AND (job.worker IN (SELECT id FROM lost)
                    OR NOT EXISTS (SELECT FROM queue.workers AS alive WHERE alive.id = job.worker))
             ORDER BY job.id
             LIMIT 1000
               FOR UPDATE SKIP LOCKED
        ), noted AS (
            INSERT INTO queue.failures (job, attempt, lease, failed_at, error)
            SELECT job.id, job.attempt, job.lease, \(now), 'worker ' || job.worker || ' was lost'
              FROM queue.jobs AS job JOIN orphaned USING (id)
        )
        UPDATE queue.jobs AS job
           SET lease = NULL, worker = NULL, leased_at = NULL, rescues = job.rescues + 1,
               held_reason = CASE WHEN job.rescues + 1 >= \(budget)
                                  THEN 'its worker was lost ' || (job.rescues + 1) || ' times' END
          FROM orphaned
         WHERE job.id = orphaned.id
        RETURNING job.id, job.queue, job.held_reason IS NOT NULL
        """
    }

    /// Only when it holds nothing: else a rescue must find it.
    static func retire(_ worker: WorkerID) -> SQL {
        """
        DELETE FROM queue.workers
         WHERE id = \(worker.uuid) AND NOT EXISTS (SELECT FROM queue.jobs WHERE worker = \(worker.uuid))
        """
    }
}
