public import Dates
public import JobKit
public import Postgres

/// Schedules in Postgres: a tick and its job are one transaction, and decisions about one schedule come one after the
/// other.
public struct PostgresSchedules: TickStore {
    let pool: PostgresPool
    private let waker: QueueWaker

    /// `control` carries wake-ups, which must not wait behind other work.
    public init(pool: PostgresPool, control: PostgresPool) {
        self.pool = pool
        waker = QueueWaker(pool: control)
    }

    public func register(_ schedule: Schedule, now: Instant) async throws {
        _ = try await pool.query(ScheduleSQL.register(schedule, now: now))
    }

    public func standings(of names: [String]) async throws -> [String: ScheduleStanding] {
        let rows = try await pool.query(ScheduleSQL.standings(of: names))
            .decode(String.self, Instant?.self, Instant.self, Bool.self)
        let pairs = rows.map { ($0.0, ScheduleStanding(lastTick: $0.1, owedAfter: $0.2, isPaused: $0.3)) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    public func fire(_ tick: Instant, of schedule: Schedule, now: Instant) async throws -> TickOutcome? {
        let outcome = try await pool.transaction(settings: [.tenant(.all)]) { transaction -> TickOutcome? in
            let found = try await transaction.pipeline([
                ScheduleSQL.lock(schedule.name), ScheduleSQL.isOwed(tick, of: schedule.name),
                ScheduleSQL.liveJob(of: schedule.name),
            ])
            guard try found[1].only(Bool.self) else { return nil }
            let outcome: TickOutcome
            switch try await enqueue(schedule.job, overlap: schedule.overlap, live: found[2], transaction, now) {
            case .enqueued(let job): outcome = now - tick > Schedule.punctuality ? .backfilled(job) : .fired(job)
            case .inTheWay(let reason): outcome = .skipped(reason: reason)
            }
            try await transaction.finish(with: [
                ScheduleSQL.record(tick, of: schedule.name, as: outcome, now: now)
            ])
            return outcome
        }
        switch outcome {
        case .fired, .backfilled: await waker.wake([schedule.job.queue])
        case .skipped, nil: break
        }
        return outcome
    }

    enum Enqueueing {
        case enqueued(JobID)
        case inTheWay(String)
    }

    /// Enqueues a schedule's job unless an earlier one is in its way. `live` is the answer to `liveJob`, asked for under
    /// the schedule's lock.
    func enqueue(
        _ job: NewJob, overlap: Schedule.Overlap, live: Rows, _ transaction: Transaction, _ now: Instant
    ) async throws -> Enqueueing {
        if overlap == .skip, let (id, state) = try live.first(Int64.self, String.self) {
            return .inTheWay("its earlier job \(id) is \(state)")
        }
        let made = try await transaction.query(QueueSQL.enqueue([job], now: now)).first(Int64.self)
        guard let made else {
            return .inTheWay("a live job of kind \(job.kind) has its unique key '\(job.uniqueKey ?? "")'")
        }
        return .enqueued(JobID(made))
    }
}
