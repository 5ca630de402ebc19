public import Dates

/// A job enqueued at the ticks of a timetable, each tick once however many schedulers run.
///
/// The job is the same at every tick, so it is stored with the schedule, and a person can run it without a scheduler.
public struct Schedule: Hashable, Sendable {
    /// What becomes of ticks that passed while no scheduler ran.
    public enum CatchUp: Hashable, Sendable {
        /// Only ticks within the last minute fire.
        case none
        /// The newest missed tick fires; the rest are dropped.
        case latest
        /// Every missed tick within this long fires, oldest first.
        case all(within: Duration)
    }

    /// What becomes of a tick while the job of an earlier one is live. A held job waits for a person and is in nobody's
    /// way.
    public enum Overlap: String, Hashable, Sendable, CaseIterable {
        /// It fires all the same.
        case allow
        /// It is recorded as skipped, with the reason.
        case skip
    }

    /// Unique; the tick row's key. Renaming it forgets which ticks have fired.
    public let name: String
    public let timetable: Timetable
    public let catchUp: CatchUp
    public let overlap: Overlap
    public let job: NewJob

    public init(
        name: String, timetable: Timetable, catchUp: CatchUp, overlap: Overlap = .allow, job: NewJob
    ) {
        self.name = name
        self.timetable = timetable
        self.catchUp = catchUp
        self.overlap = overlap
        self.job = job
    }

    /// At most this many missed ticks fire in one round; the next round goes on.
    public static let tickLimit = 1000

    /// A tick that fires later than this after its time is backfilled.
    public static let punctuality = Duration.seconds(60)

    /// The ticks to fire at `now`, oldest first. A clock that stepped back finds none.
    public func ticksDue(_ standing: ScheduleStanding, at now: Instant) -> [Instant] {
        guard !standing.isPaused else { return [] }
        let from = max(standing.settledUntil, now - reach)
        return switch catchUp {
        case .latest: timetable.latest(after: from, through: now).map { [$0] } ?? []
        case .none, .all: timetable.ticks(after: from, through: now, limit: Schedule.tickLimit)
        }
    }

    private var reach: Duration {
        switch catchUp {
        case .none: Schedule.punctuality
        case .latest: .seconds(366 * 86_400)
        case .all(let window): window
        }
    }
}

/// How far a schedule has come.
public struct ScheduleStanding: Hashable, Sendable {
    /// The newest tick that was fired or skipped.
    public let lastTick: Instant?
    /// No tick up to here is owed: the schedule began here, its timetable was changed, or its last pause ended.
    public let owedAfter: Instant
    public let isPaused: Bool

    public init(lastTick: Instant?, owedAfter: Instant, isPaused: Bool) {
        self.lastTick = lastTick
        self.owedAfter = owedAfter
        self.isPaused = isPaused
    }

    /// What lies up to here never fires any more.
    public var settledUntil: Instant { lastTick.map { max($0, owedAfter) } ?? owedAfter }

    /// How many ticks since then nobody has seen to although their minute is over; counted up to `Schedule.tickLimit`.
    public func ticksMissed(of timetable: Timetable, at now: Instant) -> Int {
        guard !isPaused else { return 0 }
        return timetable.ticks(
            after: settledUntil, through: now - Schedule.punctuality, limit: Schedule.tickLimit
        ).count
    }
}

/// What became of one tick.
public enum TickOutcome: Hashable, Sendable {
    case fired(JobID)
    /// Fired, but late: it was missed at its time.
    case backfilled(JobID)
    case skipped(reason: String)
}

/// Which schedules there are, and which of their ticks have fired.
public protocol TickStore: Sendable {
    /// Makes the schedule known as it is now; writes only what differs. A new one owes the tick of this minute and
    /// nothing before; one whose timetable has changed owes nothing from before the change.
    func register(_ schedule: Schedule, now: Instant) async throws

    /// How far these schedules have come; one that is not registered is missing.
    func standings(of names: [String]) async throws -> [String: ScheduleStanding]

    /// Decides one tick: it and its job are recorded in one transaction, or neither is. Nil: there was nothing to
    /// decide, because this or a later tick has been, or the schedule is paused.
    func fire(_ tick: Instant, of schedule: Schedule, now: Instant) async throws -> TickOutcome?
}
