internal import Dates
public import JobKit
public import Observability

/// Fires schedules. Any number may run: a tick is a unique row, recorded together with its job.
///
/// There is no leader. Where two see the same tick due, the schedule's lock lets one decide it and the other finds it
/// decided.
public struct Scheduler: Sendable {
    private let ticks: any TickStore
    private let clock: any BusinessClock
    private let log: Log
    private let metrics: Metrics

    public init(ticks: any TickStore, clock: any BusinessClock, log: Log, metrics: Metrics) {
        self.ticks = ticks
        self.clock = clock
        self.log = log
        self.metrics = metrics
        metrics.declare(
            "billwright_ticks_fired_total", .counter, help: "Ticks of each schedule whose job this process enqueued.")
    }

    /// Runs what `schedules` says until `drain` says stop, asking it again every minute: what there is to do comes and
    /// goes. Whatever fails is tried again: ticks are recorded only with their jobs.
    public func run(_ schedules: @Sendable () async throws -> [Schedule], until drain: Drain) async {
        var current: [Schedule] = []
        var known: Set<Schedule> = []
        var asked: ContinuousClock.Instant?
        while drain.stage == .running {
            var isWell = true
            if asked.map({ ContinuousClock.now - $0 >= Scheduler.renewal }) ?? true {
                do {
                    current = try await schedules()
                    precondition(Set(current.map(\.name)).count == current.count, "two schedules of one name")
                    known.formIntersection(current)
                    asked = .now
                } catch {
                    log.warning("cannot tell which schedules there are; trying again", ["error": "\(error)"])
                    isWell = false
                }
            }
            isWell = await round(current, known: &known) && isWell
            await pause(current, isWell ? Scheduler.longestPause : Scheduler.retryPause, until: drain)
        }
    }

    /// Registers what is not in `known` and fires what is due now. False: something failed.
    public func round(_ schedules: [Schedule], known: inout Set<Schedule>) async -> Bool {
        let now = clock.now()
        var isWell = true
        for schedule in schedules where !known.contains(schedule) {
            isWell =
                await attempt("schedule not registered", schedule) {
                    try await ticks.register(schedule, now: now)
                    known.insert(schedule)
                } && isWell
        }
        do {
            let standings = try await ticks.standings(of: schedules.map(\.name))
            for schedule in schedules {
                guard let standing = standings[schedule.name] else { continue }
                isWell =
                    await attempt("schedule not fired", schedule) {
                        for tick in schedule.ticksDue(standing, at: now) {
                            report(try await ticks.fire(tick, of: schedule, now: now), at: tick, of: schedule)
                        }
                    } && isWell
            }
        } catch {
            log.warning("cannot tell which ticks have fired; trying again", ["error": "\(error)"])
            isWell = false
        }
        return isWell
    }

    /// One schedule's failure keeps no other from firing.
    private func attempt(_ failure: String, _ schedule: Schedule, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            log.warning("\(failure); trying again", ["schedule": schedule.name, "error": "\(error)"])
            return false
        }
    }

    private func report(_ outcome: TickOutcome?, at tick: Instant, of schedule: Schedule) {
        let name = schedule.name
        switch outcome {
        case nil: break
        case .fired(let job):
            metrics.count("billwright_ticks_fired_total", ["schedule": name])
            log.info("fired", ["schedule": name, "tick": "\(tick)", "job": "\(job)"])
        case .backfilled(let job):
            metrics.count("billwright_ticks_backfilled_total", ["schedule": name])
            log.info("fired late", ["schedule": name, "tick": "\(tick)", "job": "\(job)"])
        case .skipped(let reason):
            metrics.count("billwright_ticks_skipped_total", ["schedule": name])
            log.info("tick skipped", ["schedule": name, "tick": "\(tick)", "reason": reason])
        }
    }

    /// How often the list of schedules is asked for.
    private static let renewal = Duration.seconds(60)
    /// At most this long, so that a clock that was set right and a schedule that was resumed are noticed.
    private static let longestPause = Duration.seconds(30)
    /// After a failure: soon enough for an owed tick, too seldom to wear a database that is in trouble.
    private static let retryPause = Duration.seconds(5)

    private func pause(_ schedules: [Schedule], _ longest: Duration, until drain: Drain) async {
        let now = clock.now()
        let next = Set(schedules.map(\.timetable)).compactMap { $0.next(after: now) }.min()
        let wait = min(next.map { max($0 - now, .milliseconds(100)) } ?? longest, longest)
        await drain.wait(for: .draining, atMost: wait)
    }
}
