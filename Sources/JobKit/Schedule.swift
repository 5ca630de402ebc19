public import Dates

/// A job enqueued at the ticks of a cron expression, each tick once however many schedulers run.
public struct Schedule: Sendable {
    /// What becomes of ticks that passed while no scheduler ran.
    public enum CatchUp: Sendable {
        /// Only ticks within the last minute fire.
        case none
        /// The newest missed tick fires; the rest are skipped.
        case latest
        /// Every missed tick within this long fires, oldest first.
        case all(within: Duration)
    }

    /// Unique; the tick row's key. Renaming it forgets which ticks have fired.
    public let name: String
    /// Evaluated in UTC.
    public let cron: Cron
    public let catchUp: CatchUp
    /// The job for one tick.
    public let job: @Sendable (Instant) throws -> NewJob

    public init(name: String, cron: Cron, catchUp: CatchUp, job: @escaping @Sendable (Instant) throws -> NewJob) {
        self.name = name
        self.cron = cron
        self.catchUp = catchUp
        self.job = job
    }

    /// The ticks to fire at `now`, oldest first, given the newest that has fired. A clock that stepped back finds none.
    public func ticksDue(after last: Instant?, at now: Instant) -> [Instant] {
        let reach: Duration =
            switch catchUp {
            case .none: .seconds(60)
            case .latest: .seconds(366 * 86_400)
            case .all(let window): window
            }
        let horizon = now - reach
        // A schedule seen for the first time owes nothing from before it existed but the tick of this minute.
        let from = last.map { max($0, horizon) } ?? now - .seconds(60)
        switch catchUp {
        case .latest: return cron.latest(after: from, through: now).map { [$0] } ?? []
        case .none, .all: return cron.ticks(after: from, through: now, limit: Schedule.tickLimit)
        }
    }

    /// At most this many missed ticks fire in one round; the next round goes on.
    public static let tickLimit = 1000
}

/// Which ticks have fired.
public protocol TickStore: Sendable {
    func latestTick(of schedule: String) async throws -> Instant?
    /// Records the tick and enqueues its job in one transaction. False: it had fired already.
    func fire(_ tick: Instant, of schedule: String, job: NewJob, now: Instant) async throws -> Bool
}
