extension TimeZoneRules {
    /// A time during which a zone's clocks are not changed. Seconds since the epoch, half-open.
    public struct Stretch: Hashable, Sendable {
        public let start: Int64
        public let end: Int64
        /// Seconds east of UTC.
        public let offset: Int64

        /// When clocks show `local` (seconds since the epoch as if it were UTC) in this stretch; nil: they do not.
        public func second(ofLocal local: Int64) -> Int64? {
            let second = local - offset
            return start <= second && second < end ? second : nil
        }
    }

    /// The stretches in which clocks can show that date, in order; cut off well before and after it.
    ///
    /// A local time in none of them was skipped: it belongs before the first stretch that begins with a later time.
    public func stretches(around date: LocalDate) -> [Stretch] {
        // No zone has ever been 16 hours from UTC.
        let margin = Int64(16 * 3600)
        let midnight = Int64(date.daysSinceEpoch) * 86_400
        let end = midnight + 86_400 + margin
        var start = midnight - margin
        var offset = Int64(offset(atSecond: start))
        var found: [Stretch] = []
        while let next = transition(afterSecond: start), next.instant < end {
            found.append(Stretch(start: start, end: next.instant, offset: offset))
            start = next.instant
            offset = Int64(next.offset)
        }
        found.append(Stretch(start: start, end: end, offset: offset))
        return found
    }
}
