internal import Dates
internal import JobKit
internal import Postgres

/// Statements about runs. What they promise stands in the migration `runs`.
enum RunSQL {
    static func open(_ run: NewRun, now: Instant) -> SQL {
        """
        SELECT id, sealed, ended
          FROM queue.open_run(\(run.name), \(run.tenant), \(run.followUp.map(job) ?? "NULL"), \(now))
        """
    }

    private static func job(_ job: NewJob) -> SQL {
        """
        json_build_object(
            'kind', \(job.kind.name), 'version', \(Int32(job.version)), 'queue', \(job.queue.name),
            'priority', \(job.priority.rank), 'tenant', \(job.tenant), 'unique_key', \(job.uniqueKey),
            'serial_key', \(job.serialKey), 'trace', \(job.trace ?? TraceContext.current?.traceparent),
            'arguments', \(String(decoding: job.arguments, as: UTF8.self))::json)
        """
    }

    static func keepOpen(_ runs: [RunID]) -> SQL { "SELECT queue.keep_open(\(runs.map(\.number)))" }

    static func seal(_ run: RunID, now: Instant) -> SQL { "SELECT queue.seal_run(\(run.number), \(now))" }

    static func end(now: Instant) -> SQL { "SELECT run, gained FROM queue.end_runs(\(now))" }

    private static let columns: SQL =
        """
        r.id, r.name, r.tenant, r.opened_at, r.sealed_at, r.ended_at, r.follow_up_job, p.paused_at, p.paused_by, p.reason
          FROM queue.runs AS r LEFT JOIN queue.pauses AS p ON p.scope = 'run' AND p.name = r.id::text
        """

    static func list(before id: Int64?, limit: Int) -> SQL {
        "SELECT \(columns) WHERE r.id < \(id ?? .max) ORDER BY r.id DESC LIMIT \(limit)"
    }

    /// By id, or by name.
    static func find(_ text: String) -> SQL {
        "SELECT \(columns) WHERE r.name = \(text) OR r.id = \(Int64(text)) ORDER BY r.name <> \(text) LIMIT 1"
    }

    static func jobs(of run: Int64) -> SQL { "SELECT state, jobs FROM queue.run_jobs(\(run))" }

    static func money(of run: Int64) -> SQL {
        """
        SELECT currency, state, count(*), sum(amount)::bigint FROM queue.effects
         WHERE run = \(run) AND amount IS NOT NULL GROUP BY currency, state ORDER BY currency, state
        """
    }
}
