internal import Dates
internal import Postgres

/// The questions of a checkup. Each sees one snapshot, in which a job is in one place and its keys with it. Lists stop at
/// eleven: ten are shown.
enum CheckupSQL {
    /// Beyond expiry and the interval in which workers look for the lost.
    static let workers: SQL = """
        SELECT (SELECT count(*) FROM queue.workers WHERE beat_at > clock_timestamp() - interval '30 seconds'),
               ARRAY(SELECT host || ' ' || process_id || ' (' || id || ')' FROM queue.workers
                      WHERE beat_at <= clock_timestamp() - interval '30 seconds' ORDER BY beat_at LIMIT 11),
               (SELECT count(*) FROM queue.leases AS l
                 WHERE l.worker IS NOT NULL AND cardinality(l.jobs) > 0
                   AND NOT EXISTS (SELECT FROM queue.workers AS w WHERE w.id = l.worker))
        """

    /// What is due and does not run: claimable, or not even brought into its lane. Blocked jobs wait for another of theirs.
    /// When nothing but stopped runs has waited for `patience` it counts as paused; jobs are looked through only for that.
    static func waiting(now: Instant, patience: Duration) -> SQL {
        """
        SELECT d.queue, d.kind, d.state, d.jobs, extract(epoch FROM \(now) - d.oldest_due)::bigint,
               EXISTS (SELECT FROM queue.pauses AS p
                        WHERE p.scope = 'queue' AND p.name IN (d.queue, '*') OR p.scope = 'kind' AND p.name = d.kind)
               OR d.state = 'available' AND EXISTS (SELECT FROM queue.pauses AS p WHERE p.scope = 'run')
                  AND NOT EXISTS (
                      SELECT FROM queue.jobs AS j
                       WHERE j.queue = d.queue AND j.kind = d.kind AND j.due_at < \(now - patience)
                         AND NOT EXISTS (SELECT FROM queue.pauses AS p WHERE p.scope = 'run' AND p.name = j.run::text)),
               (SELECT count(*) FROM queue.workers AS w WHERE d.queue = ANY (w.queues)),
               (SELECT g.name FROM queue.kind_limits AS k JOIN queue.gateways AS g ON g.name = k.gateway
                 WHERE k.kind = d.kind)
          FROM queue.depths() AS d
         WHERE d.state IN ('available', 'scheduled', 'retryable') AND d.oldest_due <= \(now)
         ORDER BY d.oldest_due
        """
    }

    /// Jobs a lane's place has passed, that no lease has and no transaction still to be read explains.
    static let stranded: SQL = """
        SELECT j.id
          FROM queue.lanes AS l
         CROSS JOIN LATERAL (SELECT * FROM queue.leases AS n WHERE n.lane = l.lane ORDER BY n.number DESC LIMIT 1) AS newest
          JOIN queue.jobs AS j
            ON j.lane = l.lane AND (j.xid, j.position) <= (newest.upto_xid, newest.upto_position)
         WHERE NOT EXISTS (SELECT FROM unnest(newest.pending, newest.pending_after) AS late(x, after)
                            WHERE late.x = j.xid AND j.position > late.after)
           AND NOT EXISTS (SELECT FROM queue.leases AS h
                            WHERE h.lane = l.lane AND h.worker IS NOT NULL AND h.positions @> ARRAY[j.position])
         ORDER BY j.id LIMIT 11
        """

    static let stuckSerialKeys: SQL = """
        SELECT h.queue, h.serial_key, h.job FROM queue.heads AS h
         WHERE NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.id = h.job)
           AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.id = h.job)
         ORDER BY h.job LIMIT 11
        """

    static let blockingHeld: SQL = """
        SELECT w.id FROM queue.waiting AS w
         WHERE w.state = 'held' AND w.is_head
           AND EXISTS (SELECT FROM queue.waiting AS b
                        WHERE b.state = 'blocked' AND b.queue = w.queue AND b.serial_key = w.serial_key)
         ORDER BY w.id LIMIT 11
        """

    static let stuckUniqueKeys: SQL = """
        SELECT u.kind, u.key, u.job FROM queue.unique_keys AS u
         WHERE u.expires_at IS NULL
           AND NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.id = u.job)
           AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.id = u.job)
         ORDER BY u.job LIMIT 11
        """

    /// Runs that have had no live job for a minute and were not ended: sealed ones, and open ones of yesterday.
    static let runs: SQL = """
        SELECT r.name, r.sealed_at IS NOT NULL FROM queue.runs AS r
         WHERE r.ended_at IS NULL
           AND (r.sealed_at < clock_timestamp() - interval '1 minute'
                OR r.sealed_at IS NULL AND r.opened_at < clock_timestamp() - interval '1 day')
           AND NOT EXISTS (SELECT FROM queue.jobs AS j WHERE j.run = r.id)
           AND NOT EXISTS (SELECT FROM queue.waiting AS w WHERE w.run = r.id)
           AND NOT EXISTS (SELECT FROM queue.history AS h
                            WHERE h.run = r.id AND h.ended_at > clock_timestamp() - interval '1 minute')
         ORDER BY r.sealed_at IS NULL, r.id LIMIT 11
        """

    static func history(now: Instant) -> SQL {
        """
        SELECT (SELECT extract(epoch FROM clock_timestamp() - kept_at)::bigint FROM queue.housekeeping),
               (SELECT count(*) = 2 FROM queue.history_days
                 WHERE day IN ((\(now) AT TIME ZONE 'UTC')::date, (\(now) AT TIME ZONE 'UTC')::date + 1)),
               (SELECT count(*) FROM (SELECT FROM queue.history_rest LIMIT 100001) AS stray)
        """
    }

    /// The tables that are written to all the time, largest first.
    static let tables: SQL = """
        SELECT 'queue.' || relname, n_live_tup, n_dead_tup, pg_total_relation_size(relid),
               to_char(greatest(last_vacuum, last_autovacuum) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
          FROM pg_stat_user_tables
         WHERE schemaname = 'queue'
           AND relname IN ('jobs', 'waiting', 'leases', 'heads', 'unique_keys', 'lanes', 'workers', 'effects', 'failures',
                           'grants', 'tallies', 'looks')
         ORDER BY pg_total_relation_size(relid) DESC
        """

    /// Snapshots of other databases keep none of our rows, and those of VACUUM nobody's. When a transaction began is told
    /// only to members of its role and of pg_read_all_stats; its age in transactions to all.
    static let sessions: SQL = """
        SELECT pid, coalesce(usename, backend_type)::text, application_name, age(backend_xmin)::bigint,
               extract(epoch FROM clock_timestamp() - xact_start)::bigint
          FROM pg_stat_activity
         WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
           AND coalesce(datname = current_database(), true) AND backend_type IS DISTINCT FROM 'autovacuum worker'
         ORDER BY age(backend_xmin) DESC LIMIT 11
        """

    static let slots: SQL = """
        SELECT slot_name::text, active, age(xmin)::bigint FROM pg_replication_slots
         WHERE xmin IS NOT NULL ORDER BY age(xmin) DESC LIMIT 11
        """

    static let prepared: SQL = """
        SELECT gid, owner::text, extract(epoch FROM clock_timestamp() - prepared)::bigint
          FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 11
        """
}
