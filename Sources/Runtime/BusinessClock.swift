public import Dates
internal import Synchronization

/// What time it is for the business: which jobs are due, which day is billed. Never used for liveness.
public protocol BusinessClock: Sendable {
    func now() -> Instant

    /// What the database's clock showed a moment ago. A clock of its own kind pays no heed.
    func synchronise(databaseTime: Instant)
}

extension BusinessClock {
    public func synchronise(databaseTime: Instant) {}
}

/// Business time that stands until it is set: a simulation's.
public final class VirtualClock: BusinessClock {
    private let time: Mutex<Instant>

    public init(_ instant: Instant) { time = Mutex(instant) }

    public func now() -> Instant { time.withLock { $0 } }

    /// Never steps back.
    public func set(to instant: Instant) {
        time.withLock { $0 = max($0, instant) }
    }
}

/// Business time by the database's clock, carried on between heartbeats by this machine's monotonic one.
///
/// A host whose wall clock is an hour off therefore bills nothing an hour early. Before the first heartbeat it knows no
/// time; whoever starts a worker synchronises it first.
public final class DatabaseClock: BusinessClock {
    private struct Reading {
        var database: Instant
        var here: ContinuousClock.Instant
    }

    private let reading: Mutex<Reading>

    public init(databaseTime: Instant) {
        reading = Mutex(Reading(database: databaseTime, here: .now))
    }

    /// Never steps back: work already found due stays due.
    public func synchronise(databaseTime: Instant) {
        reading.withLock { reading in
            let here = ContinuousClock.now
            let carried = reading.database + reading.here.duration(to: here)
            reading = Reading(database: max(carried, databaseTime), here: here)
        }
    }

    public func now() -> Instant {
        reading.withLock { $0.database + $0.here.duration(to: .now) }
    }
}
