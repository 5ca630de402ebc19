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

    static func rescue(expirySeconds: Int, budget: Int, now: Instant) -> SQL {
        "SELECT job, in_queue, is_held FROM queue.rescue(make_interval(secs => \(expirySeconds)), \(Int32(budget)), \(now))"
    }

    /// Only when it holds nothing: else a rescue must find it.
    static func retire(_ worker: WorkerID) -> SQL { "SELECT queue.retire(\(worker.uuid))" }
}
