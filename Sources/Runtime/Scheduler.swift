internal import Dates
public import JobKit
public import Observability

/// Fires schedules. Any number may run: a tick is a unique row, and the insert that succeeds enqueues the job.
public struct Scheduler: Sendable {
    private let schedules: [Schedule]
    private let ticks: any TickStore
    private let clock: any BusinessClock
    private let log: Log
    private let metrics: Metrics

    public init(
        schedules: [Schedule], ticks: any TickStore, clock: any BusinessClock, log: Log, metrics: Metrics
    ) {
        precondition(Set(schedules.map(\.name)).count == schedules.count, "two schedules of one name")
        self.schedules = schedules
        self.ticks = ticks
        self.clock = clock
        self.log = log
        self.metrics = metrics
        metrics.declare(
            "billwright_ticks_fired_total", .counter, help: "Ticks of each schedule whose job this process enqueued.")
    }

    /// Runs until `drain` says stop or `duration` is over. A round that fails is tried again: ticks are recorded only
    /// with their jobs.
    public func run(for duration: Duration = .seconds(86_400), until drain: Drain) async {
        let end = ContinuousClock.now + duration
        while drain.stage == .running && ContinuousClock.now < end {
            for schedule in schedules {
                do {
                    try await fireDue(schedule)
                } catch {
                    log.warning("schedule not fired; trying again", ["schedule": schedule.name, "error": "\(error)"])
                }
            }
            await pause(until: drain, or: end)
        }
    }

    /// Fires what is due now. Returns how many ticks this call fired.
    @discardableResult public func fireDue(_ schedule: Schedule) async throws -> Int {
        let now = clock.now()
        var fired = 0
        for tick in schedule.ticksDue(after: try await ticks.latestTick(of: schedule.name), at: now) {
            guard try await ticks.fire(tick, of: schedule.name, job: try schedule.job(tick), now: now) else { continue }
            fired += 1
            metrics.count("billwright_ticks_fired_total", ["schedule": schedule.name])
            log.info("fired", ["schedule": schedule.name, "tick": "\(tick)"])
        }
        return fired
    }

    /// Until the next tick, at most this long, so that a clock that was set right is noticed.
    private static let longestPause = Duration.seconds(30)

    private func pause(until drain: Drain, or end: ContinuousClock.Instant) async {
        let now = clock.now()
        let next = schedules.compactMap { $0.cron.next(after: now) }.min()
        let toTick = next.map { max($0 - now, .milliseconds(100)) } ?? Scheduler.longestPause
        let wait = min(toTick, Scheduler.longestPause, max(end - .now, .zero))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await drain.wait(for: .draining) }
            group.addTask { try? await Task.sleep(for: wait) }
            await group.next()
            group.cancelAll()
        }
    }
}
