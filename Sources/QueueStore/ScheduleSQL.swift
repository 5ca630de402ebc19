internal import Dates
internal import JobKit
internal import Postgres

/// Statements about schedules and their ticks. Times are business time.
enum ScheduleSQL {
    /// Writes only what differs, so that a scheduler that starts leaves no dead rows.
    static func register(_ schedule: Schedule, now: Instant) -> SQL {
        let job = schedule.job
        let timetable = schedule.timetable
        return """
            INSERT INTO queue.schedules AS known
                   (name, cron, zone, daylight_saving, catch_up, catch_up_seconds, overlap, kind, version, queue,
                    priority, tenant, unique_key, unique_window, serial_key, arguments, registered_at, changed_at, owed_after)
            VALUES (\(schedule.name), \(timetable.cron.expression), \(timetable.zone.id),
                    \(timetable.daylightSaving.rawValue), \(schedule.catchUp.word), \(schedule.catchUp.seconds),
                    \(schedule.overlap.rawValue), \(job.kind.name), \(Int32(job.version)), \(job.queue.name),
                    \(job.priority.rank), \(job.tenant), \(job.uniqueKey), \(job.uniqueWindow?.wholeMicroseconds),
                    \(job.serialKey), \(PostgresJSON(job.arguments)), \(now), \(now),
                    \(now - Schedule.punctuality))
                ON CONFLICT (name) DO UPDATE
               SET cron = excluded.cron, zone = excluded.zone, daylight_saving = excluded.daylight_saving,
                   catch_up = excluded.catch_up, catch_up_seconds = excluded.catch_up_seconds,
                   overlap = excluded.overlap, kind = excluded.kind, version = excluded.version,
                   queue = excluded.queue, priority = excluded.priority, tenant = excluded.tenant,
                   unique_key = excluded.unique_key, unique_window = excluded.unique_window,
                   serial_key = excluded.serial_key, arguments = excluded.arguments, changed_at = excluded.changed_at,
                   owed_after = CASE WHEN (known.cron, known.zone, known.daylight_saving)
                                          IS DISTINCT FROM (excluded.cron, excluded.zone, excluded.daylight_saving)
                                     THEN excluded.changed_at ELSE known.owed_after END
             WHERE (known.cron, known.zone, known.daylight_saving, known.catch_up, known.catch_up_seconds,
                    known.overlap, known.kind, known.version, known.queue, known.priority, known.tenant,
                    known.unique_key, known.unique_window, known.serial_key, known.arguments)
                   IS DISTINCT FROM
                   (excluded.cron, excluded.zone, excluded.daylight_saving, excluded.catch_up,
                    excluded.catch_up_seconds, excluded.overlap, excluded.kind, excluded.version, excluded.queue,
                    excluded.priority, excluded.tenant, excluded.unique_key, excluded.unique_window, excluded.serial_key,
                    excluded.arguments)
            """
    }

    static func standings(of names: [String]) -> SQL {
        """
        SELECT name, (SELECT max(tick) FROM queue.ticks WHERE schedule = name), owed_after, paused_at IS NOT NULL
          FROM queue.schedules WHERE name = ANY(\(names))
        """
    }

    /// A statement of its own: what comes after it sees all that the lock's last holder has committed.
    static func lock(_ name: String) -> SQL {
        "SELECT FROM queue.schedules WHERE name = \(name) FOR NO KEY UPDATE"
    }

    static func isOwed(_ tick: Instant, of name: String) -> SQL {
        """
        SELECT paused_at IS NULL AND owed_after < \(tick)
               AND NOT EXISTS (SELECT FROM queue.ticks WHERE schedule = name AND tick >= \(tick))
          FROM queue.schedules WHERE name = \(name)
        """
    }

    /// What the newest tick or run by hand enqueued, while it is live. An array, so that both ids reach the indexes
    /// beneath the view.
    static func liveJob(of name: String) -> SQL {
        """
        SELECT id, state FROM queue.all_jobs
         WHERE id = ANY (ARRAY(
                   (SELECT job FROM queue.ticks
                     WHERE schedule = \(name) AND job IS NOT NULL ORDER BY tick DESC LIMIT 1)
                   UNION ALL
                   (SELECT job FROM queue.schedule_acts
                     WHERE schedule = \(name) AND act = 'run' ORDER BY id DESC LIMIT 1)))
           AND ended_at IS NULL AND state <> 'held'
         ORDER BY id
         LIMIT 1
        """
    }

    /// Without ON CONFLICT: a tick that is there already takes everything back, the job above all.
    static func record(_ tick: Instant, of name: String, as outcome: TickOutcome, now: Instant) -> SQL {
        let (word, job, reason): (String, JobID?, String?) =
            switch outcome {
            case .fired(let job): ("fired", job, nil)
            case .backfilled(let job): ("backfilled", job, nil)
            case .skipped(let reason): ("skipped", nil, reason)
            }
        return """
            INSERT INTO queue.ticks (schedule, tick, fired_at, job, outcome, reason)
            VALUES (\(name), \(tick), \(now), \(job?.number), \(word), \(reason))
            """
    }

    static func pause(_ name: String, by person: String, because reason: String, now: Instant) -> SQL {
        """
        WITH paused AS (
            UPDATE queue.schedules SET paused_at = \(now), paused_by = \(person), pause_reason = \(reason)
             WHERE name = \(name) AND paused_at IS NULL
            RETURNING name
        )
        INSERT INTO queue.schedule_acts (schedule, act, acted_at, acted_by, reason)
        SELECT name, 'paused', \(now), \(person), \(reason) FROM paused
        """
    }

    /// What was missed during the pause is not owed.
    static func resume(_ name: String, by person: String, because reason: String, now: Instant) -> SQL {
        """
        WITH resumed AS (
            UPDATE queue.schedules
               SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, owed_after = greatest(owed_after, \(now))
             WHERE name = \(name) AND paused_at IS NOT NULL
            RETURNING name
        )
        INSERT INTO queue.schedule_acts (schedule, act, acted_at, acted_by, reason)
        SELECT name, 'resumed', \(now), \(person), \(reason) FROM resumed
        """
    }

    static func recordRun(of name: String, job: JobID, by person: String, now: Instant) -> SQL {
        """
        INSERT INTO queue.schedule_acts (schedule, act, acted_at, acted_by, job)
        VALUES (\(name), 'run', \(now), \(person), \(job.number))
        """
    }

    static func job(of name: String) -> SQL {
        """
        SELECT overlap, kind, version, queue, priority, tenant, unique_key, unique_window, serial_key, arguments
          FROM queue.schedules WHERE name = \(name)
        """
    }

    /// Both newest ticks come off an index that begins with the schedule's name.
    static func list(after name: String, limit: Int) -> SQL {
        """
        SELECT schedule.name, cron, zone, daylight_saving, catch_up, catch_up_seconds, overlap, kind, queue,
               owed_after, paused_at, paused_by, pause_reason,
               newest.tick, newest.reason, fired.tick, fired.fired_at, fired.job
          FROM queue.schedules AS schedule
          LEFT JOIN LATERAL (SELECT tick, reason FROM queue.ticks
                              WHERE ticks.schedule = schedule.name ORDER BY tick DESC LIMIT 1) AS newest ON true
          LEFT JOIN LATERAL (SELECT tick, fired_at, job FROM queue.ticks
                              WHERE ticks.schedule = schedule.name AND job IS NOT NULL
                              ORDER BY tick DESC LIMIT 1) AS fired ON true
         WHERE schedule.name > \(name)
         ORDER BY schedule.name
         LIMIT \(limit)
        """
    }
}

extension Schedule.CatchUp {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .latest: "latest"
        case .all: "all"
        }
    }

    fileprivate var seconds: Int64? {
        if case .all(let window) = self { window.components.seconds } else { nil }
    }
}

extension Duration {
    /// What is left of less than a microsecond is cut off.
    fileprivate var wholeMicroseconds: Int64 { Int64(self / .microseconds(1)) }
}
