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

    /// Writes only what differs, in one order for all, so that two workers that start never wait for each other.
    static func register(_ kinds: [KindDescription]) -> SQL {
        let kinds = kinds.sorted { $0.kind.name < $1.kind.name }
        return """
            INSERT INTO queue.kinds AS known (kind, queue, priority, head_held, head_discarded)
            SELECT * FROM unnest(\(kinds.map(\.kind.name)), \(kinds.map(\.queue.name)), \(kinds.map(\.priority.rank)),
                                 \(kinds.map(\.headHeld.rawValue)), \(kinds.map(\.headDiscarded.rawValue)))
                ON CONFLICT (kind) DO UPDATE
               SET queue = excluded.queue, priority = excluded.priority, head_held = excluded.head_held,
                   head_discarded = excluded.head_discarded
             WHERE known IS DISTINCT FROM excluded
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
