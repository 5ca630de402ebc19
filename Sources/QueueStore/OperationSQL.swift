internal import Dates
internal import Postgres

/// Statements of people. What they may do, and under which locks, is written in the migration `operations`.
enum OperationSQL {
    static func act(_ act: QueueOperations.Act, on job: Int64, now: Instant) -> SQL {
        """
        SELECT \(job), refusal, before, after, made
          FROM queue.act(\(job), \(act.verb.name), \(act.person), \(act.reason), \(act.verb.due), NULL, \(now))
        """
    }

    /// Each in the state it was seen in, or not at all.
    static func act(_ act: QueueOperations.Act, on seen: [(id: Int64, state: String)], now: Instant) -> SQL {
        """
        SELECT job, refusal, before, after, made
          FROM queue.act_on(\(seen.map(\.id)), \(seen.map(\.state)), \(act.verb.name), \(act.person), \(act.reason),
                            \(act.verb.due), \(now))
        """
    }

    /// Those after `id`, oldest first.
    static func matches(_ filter: QueueInspection.Filter, after id: Int64, limit: Int) -> SQL {
        """
        SELECT id, state FROM queue.all_jobs
         WHERE id > \(id) AND \(filter.condition) ORDER BY id LIMIT \(limit)
        """
    }

    /// What these jobs, or the first of their line, have begun outside.
    static func effects(of jobs: [Int64]) -> SQL {
        """
        SELECT state, count(*) FROM queue.effects
         WHERE job = ANY(\(jobs))
            OR job IN (SELECT lineage FROM queue.all_jobs WHERE id = ANY(\(jobs)))
         GROUP BY state ORDER BY state
        """
    }

    static func queues(limit: Int) -> SQL {
        """
        WITH served AS (
            SELECT unnest(queues) AS name, count(*) AS workers FROM queue.workers GROUP BY 1
        ), met AS (
            SELECT queue AS name, array_agg(DISTINCT kind ORDER BY kind) AS kinds FROM queue.lanes GROUP BY 1
        )
        SELECT name, coalesce(workers, 0), coalesce(kinds, '{}')
          FROM served FULL JOIN met USING (name) ORDER BY name LIMIT \(limit)
        """
    }

    static func pauses(limit: Int) -> SQL {
        """
        SELECT scope, name, paused_at, paused_by, reason FROM queue.paused()
         ORDER BY name <> '*', scope DESC, name LIMIT \(limit)
        """
    }
}
