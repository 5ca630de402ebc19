public import Dates

/// The periods in which one price of a subscription is billed: the anchor's cycles, cut at the first billed day and at
/// the end. They neither overlap nor leave a gap.
public struct Cycles: Hashable, Sendable {
    public let anchor: Anchor
    public let interval: BillingInterval
    /// The first day that is billed.
    public let start: LocalDate
    /// The first day that is no longer billed, if there is one.
    public let end: LocalDate?

    public init(anchor: Anchor, interval: BillingInterval, start: LocalDate, end: LocalDate? = nil) {
        self.anchor = anchor
        self.interval = interval
        self.start = start
        self.end = end
    }

    /// What is billed of one cycle: all of it, or the part that remains between start and end.
    public struct Window: Hashable, Sendable {
        public let period: Period
        /// The whole cycle that encloses it.
        public let cycle: Period

        public var isWhole: Bool { period == cycle }

        /// The part of the cycle that is billed, in days: `14/31`.
        public var fraction: DayFraction { DayFraction(days: period.days, of: cycle.days) }
    }

    /// The windows in order, from the one in which `date` lies, or the first; without end if the subscription has none.
    public func windows(from date: LocalDate? = nil) -> some Sequence<Window> {
        let first = anchor.index(of: max(start, date ?? start), every: interval)
        return sequence(state: first) { index -> Window? in
            let cycle = anchor.cycle(index, every: interval)
            index += 1
            let period = Period(checking: max(cycle.start, start), min(cycle.end, end ?? cycle.end))
            return period.map { Window(period: $0, cycle: cycle) }
        }
    }

    /// The window in which `date` lies, or `nil` before the first and after the last.
    public func window(at date: LocalDate) -> Window? {
        windows(from: date).first { _ in true }.flatMap { $0.period.contains(date) ? $0 : nil }
    }
}

/// A number of days out of a cycle's days, kept unreduced because that is how it is read: `10/30`.
public struct DayFraction: Hashable, Sendable, CustomStringConvertible {
    public let days: Int
    public let of: Int

    /// Traps unless there is a whole and the part is not negative.
    public init(days: Int, of: Int) {
        precondition(days >= 0 && of > 0, "\(days)/\(of) is no part of a cycle")
        self.days = days
        self.of = of
    }

    public var description: String { "\(days)/\(of)" }
}
