public import Dates

/// The ticks of a cron expression on the clocks of one time zone: the same instants for ever, given the same rules.
public struct Timetable: Hashable, Sendable {
    /// What becomes of ticks while clocks are changed.
    ///
    /// An expression whose minute or hour is `*` or `*/n` speaks of intervals ("every quarter of an hour"); unless told
    /// otherwise it fires at `everyPass`. Any other names times of the day ("at 02:30") and fires `once`.
    public enum DaylightSaving: String, Hashable, Sendable, CaseIterable {
        /// A time that clocks skip fires once, at the first instant after the gap, together with all others of that gap
        /// and with what was due at that instant anyway. A time they show twice fires at its first pass only.
        case once
        /// Fires whenever clocks show a matching time: a skipped one never, a doubled one twice.
        case everyPass = "every_pass"
    }

    public let cron: Cron
    public let zone: TimeZoneRules
    public let daylightSaving: DaylightSaving

    /// `daylightSaving`: nil for what suits the expression.
    public init(_ cron: Cron, zone: TimeZoneRules = .utc, daylightSaving: DaylightSaving? = nil) {
        self.cron = cron
        self.zone = zone
        self.daylightSaving = daylightSaving ?? (cron.isInterval ? .everyPass : .once)
    }

    /// The ticks in (from, to], oldest first, at most `limit`.
    public func ticks(after from: Instant, through to: Instant, limit: Int) -> [Instant] {
        guard from < to else { return [] }
        var found: Set<Instant> = []
        var settled = 0
        var date = zone.localDate(of: from).adding(days: -1)
        let last = zone.localDate(of: to).adding(days: 1)
        // Clocks put back over midnight show the end of a day after the begin of the next: only what a further day has
        // been added to is settled.
        while date <= last && settled < limit {
            settled = found.count
            found.formUnion(ticks(on: date).filter { $0 > from && $0 <= to })
            date = date.adding(days: 1)
        }
        return Array(found.sorted().prefix(limit))
    }

    /// The newest tick in (from, to].
    public func latest(after from: Instant, through to: Instant) -> Instant? {
        guard from < to else { return nil }
        var date = zone.localDate(of: to).adding(days: 1)
        let first = zone.localDate(of: from).adding(days: -1)
        while date >= first {
            let ticks = ticks(on: date) + self.ticks(on: date.adding(days: -1))
            if let latest = ticks.filter({ $0 > from && $0 <= to }).max() { return latest }
            date = date.adding(days: -1)
        }
        return nil
    }

    /// The first tick after `from`; nil when none comes within eight years (30 February never does).
    public func next(after from: Instant) -> Instant? {
        let first = zone.localDate(of: from).adding(days: -1)
        for distance in 0..<(8 * 366) {
            let date = first.adding(days: distance)
            let ticks = ticks(on: date) + self.ticks(on: date.adding(days: 1))
            if let next = ticks.filter({ $0 > from }).min() { return next }
        }
        return nil
    }

    /// The ticks that belong to a local date, in no order.
    private func ticks(on date: LocalDate) -> [Instant] {
        guard cron.matches(date) else { return [] }
        let midnight = Int64(date.daysSinceEpoch) * 86_400
        let stretches = zone.stretches(around: date)
        return cron.timesOfDay.flatMap { time in
            seconds(ofLocal: midnight + Int64(time), in: stretches).map { Instant(microseconds: $0 * 1_000_000) }
        }
    }

    private func seconds(ofLocal local: Int64, in stretches: [TimeZoneRules.Stretch]) -> [Int64] {
        let shown = stretches.compactMap { $0.second(ofLocal: local) }
        switch daylightSaving {
        case .everyPass: return shown
        case .once:
            if let first = shown.first { return [first] }
            // Skipped: no stretch shows it, so one begins with a later time.
            return stretches.first { local - $0.offset < $0.start }.map { [$0.start] } ?? []
        }
    }
}
