public import JobKit
public import Observability

/// Keeps a store small, in turns with whoever else does.
public struct Housekeeper: Sendable {
    private let house: any Housekeeping
    private let clock: any BusinessClock
    private let log: Log
    private let metrics: Metrics

    public init(house: any Housekeeping, clock: any BusinessClock, log: Log, metrics: Metrics) {
        self.house = house
        self.clock = clock
        self.log = log
        self.metrics = metrics
        metrics.declare(
            "billwright_housekeeping_removed_total", .counter,
            help: "Rows and lanes that this process removed, by what.")
        metrics.declare(
            "billwright_housekeeping_failures_total", .counter, help: "Passes of housekeeping that failed here.")
    }

    /// Looks whose turn it is until `drain` says stop or the task is cancelled. The store says how often a pass is due; looking costs a statement.
    public func run(until drain: Drain) async {
        while drain.stage == .running && !Task.isCancelled {
            await look()
            await drain.wait(for: .draining, atMost: Housekeeper.interval)
        }
    }

    private static let interval = Duration.seconds(60)

    private func look() async {
        do {
            guard let pass = try await house.keepHouse(now: clock.now()) else { return }
            for (what, count) in pass.removed {
                metrics.count("billwright_housekeeping_removed_total", ["what": what], by: count)
            }
            for day in pass.crowdedDays {
                log.warning("a day's history stays in the default partition: too many rows to move", ["day": day])
            }
            if !pass.putOff.isEmpty {
                log.info("housekeeping waits for a lock", ["what": pass.putOff.joined(separator: ", ")])
            }
            guard !pass.madeDays.isEmpty || !pass.droppedDays.isEmpty || !pass.removed.isEmpty else { return }
            log.info(
                "kept house",
                [
                    "made": pass.madeDays.joined(separator: ", "), "dropped": pass.droppedDays.joined(separator: ", "),
                    "removed": pass.removed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                        .joined(separator: ", "),
                ])
        } catch {
            guard !Task.isCancelled else { return }
            metrics.count("billwright_housekeeping_failures_total")
            log.warning("housekeeping failed; trying again", ["error": "\(error)"])
        }
    }
}
