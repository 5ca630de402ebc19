public import Dates
public import JobKit
public import Postgres

/// What a person may see of schedules, and do to them. Each act leaves who and why in `queue.schedule_acts`.
public struct ScheduleOperations: Sendable {
    private let pool: PostgresPool
    private let schedules: PostgresSchedules

    public init(pool: PostgresPool) {
        self.pool = pool
        schedules = PostgresSchedules(pool: pool, control: pool)
    }

    /// A schedule as schedulers registered it, with how far it has come.
    public struct Record: Sendable {
        public struct Pause: Sendable {
            public let at: Instant
            public let person: String
            public let reason: String
        }

        /// The newest tick that enqueued a job.
        public struct Firing: Sendable {
            public let tick: Instant
            public let firedAt: Instant
            public let job: JobID
        }

        public let name: String
        public let cron: String
        public let zone: String
        public let daylightSaving: Timetable.DaylightSaving
        /// `none`, `latest`, or `all` within so many seconds.
        public let catchUp: String
        public let catchUpSeconds: Int64?
        public let overlap: String
        public let kind: String
        public let queue: String
        public let standing: ScheduleStanding
        public let pause: Pause?
        public let lastFired: Firing?
        /// Why the newest tick did not fire, if it did not.
        public let lastSkip: String?
    }

    /// By name, those after `name`.
    public func list(after name: String = "", limit: Int) async throws -> [Record] {
        try await pool.query(ScheduleSQL.list(after: name, limit: limit)).map { row in try Record(row) }
    }

    public enum Change: Hashable, Sendable {
        case done
        case alreadySo
        case unknownSchedule
    }

    /// No tick fires until it is resumed; what runs already goes on.
    public func pause(_ name: String, by person: String, because reason: String, now: Instant) async throws -> Change {
        try await change(name, ScheduleSQL.pause(name, by: person, because: reason, now: now))
    }

    /// Ticks fire again from `now` on. Those of the pause never do: catching up begins at its end.
    public func resume(_ name: String, by person: String, because reason: String, now: Instant) async throws -> Change {
        try await change(name, ScheduleSQL.resume(name, by: person, because: reason, now: now))
    }

    private func change(_ name: String, _ statement: SQL) async throws -> Change {
        try await pool.transaction { transaction in
            let found = try await transaction.pipeline([ScheduleSQL.lock(name), statement])
            if found[0].isEmpty { return .unknownSchedule }
            return found[1].affectedRows == 1 ? .done : .alreadySo
        }
    }

    public enum Run: Hashable, Sendable {
        case enqueued(JobID)
        /// What its overlap policy or its unique key forbids.
        case refused(reason: String)
        case unknownSchedule
    }

    /// Enqueues the stored job once, whether or not a scheduler runs or the schedule is paused. It is no tick: those
    /// that are due fire all the same.
    public func runNow(_ name: String, by person: String, now: Instant) async throws -> Run {
        let (run, queue) = try await pool.transaction(settings: [.tenant(.all)]) { transaction -> (Run, QueueName?) in
            let found = try await transaction.pipeline([
                ScheduleSQL.lock(name), ScheduleSQL.job(of: name), ScheduleSQL.liveJob(of: name),
            ])
            guard let row = found[1].first else { return (.unknownSchedule, nil) }
            let (overlap, job) = try NewJob.stored(row, of: name)
            switch try await schedules.enqueue(job, overlap: overlap, live: found[2], transaction, now) {
            case .inTheWay(let reason): return (.refused(reason: reason), nil)
            case .enqueued(let id):
                try await transaction.finish(with: [ScheduleSQL.recordRun(of: name, job: id, by: person, now: now)])
                return (.enqueued(id), job.queue)
            }
        }
        // Awaited, because the process may end right after; a worker that misses it polls.
        if let queue { _ = try? await pool.query("SELECT pg_notify(\(QueueWaker.channel), \(queue.name))") }
        return run
    }
}

extension NewJob {
    fileprivate static func stored(_ row: Row, of schedule: String) throws -> (Schedule.Overlap, NewJob) {
        let (overlap, kind, version, queue, priority, tenant, uniqueKey, uniqueWindow, serialKey, arguments) =
            try row.decode(
                String.self, String.self, Int32.self, String.self, Int16.self, Int64?.self, String?.self, Int64?.self,
                String?.self, PostgresJSON.self)
        guard let known = Schedule.Overlap(rawValue: overlap) else {
            throw UnreadableRow("schedule \(schedule) has overlap '\(overlap)'")
        }
        let job = NewJob(
            stored: JobKind(kind), version: Int(version), queue: QueueName(queue),
            priority: JobPriority(rank: priority), tenant: tenant, uniqueKey: uniqueKey,
            uniqueWindow: uniqueWindow.map { .microseconds($0) }, serialKey: serialKey, arguments: arguments.utf8)
        return (known, job)
    }
}

extension ScheduleOperations.Record {
    fileprivate init(_ row: Row) throws {
        let (
            name, cron, zone, daylightSaving, catchUp, catchUpSeconds, overlap, kind, queue, owedAfter, pausedAt,
            pausedBy, pauseReason, lastTick, skipReason, firedTick, firedAt, firedJob
        ) = try row.decode(
            String.self, String.self, String.self, String.self, String.self, Int64?.self, String.self, String.self,
            String.self, Instant.self, Instant?.self, String?.self, String?.self, Instant?.self, String?.self,
            Instant?.self, Instant?.self, Int64?.self)
        guard let known = Timetable.DaylightSaving(rawValue: daylightSaving) else {
            throw UnreadableRow("schedule \(name) has daylight saving '\(daylightSaving)'")
        }
        var pause: Pause?
        if let pausedAt, let pausedBy, let pauseReason {
            pause = Pause(at: pausedAt, person: pausedBy, reason: pauseReason)
        }
        var lastFired: Firing?
        if let firedTick, let firedAt, let firedJob {
            lastFired = Firing(tick: firedTick, firedAt: firedAt, job: JobID(firedJob))
        }
        self.init(
            name: name, cron: cron, zone: zone, daylightSaving: known, catchUp: catchUp,
            catchUpSeconds: catchUpSeconds, overlap: overlap, kind: kind, queue: queue,
            standing: ScheduleStanding(lastTick: lastTick, owedAfter: owedAfter, isPaused: pause != nil),
            pause: pause, lastFired: lastFired, lastSkip: skipReason)
    }
}
