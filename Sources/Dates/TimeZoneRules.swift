/// What a time zone's clocks showed and will show, as a value: the same rules give the same local date for ever.
///
/// The edge reads the system's database and hands these in; a result that depends on them can name `id` and `version`.
public struct TimeZoneRules: Hashable, Sendable {
    /// From `instant` on (seconds since the epoch) clocks are `offset` seconds east of UTC.
    public struct Transition: Hashable, Sendable {
        public let instant: Int64
        public let offset: Int32

        public init(instant: Int64, offset: Int32) {
            self.instant = instant
            self.offset = offset
        }
    }

    /// The IANA name, as `Europe/Paris`.
    public let id: String
    /// The release of the time-zone database, as `2026a`.
    public let version: String
    /// Seconds east of UTC before the first transition.
    public let initialOffset: Int32
    /// In ascending order.
    public let transitions: [Transition]
    /// What holds after the last transition; without one its offset stays.
    let rule: POSIXRule?

    /// `transitions` must ascend strictly; anything else is a programmer's error and traps.
    public init(id: String, version: String, initialOffset: Int32, transitions: [Transition] = []) {
        self.init(id: id, version: version, initialOffset: initialOffset, transitions: transitions, rule: nil)
    }

    init(id: String, version: String, initialOffset: Int32, transitions: [Transition], rule: POSIXRule?) {
        precondition(
            zip(transitions, transitions.dropFirst()).allSatisfy { $0.instant < $1.instant },
            "transitions of \(id) do not ascend")
        self.id = id
        self.version = version
        self.initialOffset = initialOffset
        self.transitions = transitions
        self.rule = rule
    }

    /// UTC, which needs no database.
    public static let utc = TimeZoneRules(id: "UTC", version: "", initialOffset: 0)

    /// Seconds east of UTC at that instant.
    public func offset(at instant: Instant) -> Int { Int(offset(atSecond: instant.seconds)) }

    /// The date on the zone's calendars at that instant.
    public func localDate(of instant: Instant) -> LocalDate {
        let second = instant.seconds
        return LocalDate(daysSinceEpoch: Int32(floorDivide(second + Int64(offset(atSecond: second)), 86_400)))
    }

    /// The instant at which clocks show that date and time. A time that clocks skip moves on by the gap (02:30 becomes
    /// 03:30; a skipped day, the next); a time that they show twice is its first pass. Years 1 to 9999; `hour` 0 to 23.
    public func instant(of date: LocalDate, hour: Int = 0, minute: Int = 0) -> Instant {
        precondition(date.isSupported && (0..<24).contains(hour) && (0..<60).contains(minute), "no such local time")
        let local = Int64(date.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60)
        return Instant(microseconds: utcSecond(ofLocal: local) * 1_000_000)
    }

    /// Walks the stretches of constant offset around a local time. The first stretch that has not ended when its own
    /// clock shows `local` either contains it, or begins later than it: then the time was skipped, and the clock of
    /// the stretch before, still running, says where it falls.
    private func utcSecond(ofLocal local: Int64) -> Int64 {
        // No zone has ever been 16 hours from UTC, so every candidate lies in this window.
        let window = Int64(16 * 3600)
        var stretchStart = local - window
        var offset = Int64(offset(atSecond: stretchStart))
        while let next = transition(afterSecond: stretchStart), next.instant <= local + window {
            if local - offset < next.instant { break }
            let nextOffset = Int64(next.offset)
            if local - nextOffset < next.instant { return local - offset }
            stretchStart = next.instant
            offset = nextOffset
        }
        return local - offset
    }

    func offset(atSecond second: Int64) -> Int32 {
        let passed = countOfTransitions(upTo: second)
        if passed == transitions.count, let rule { return rule.offset(atSecond: second) }
        return passed == 0 ? initialOffset : transitions[passed - 1].offset
    }

    func transition(afterSecond second: Int64) -> Transition? {
        let passed = countOfTransitions(upTo: second)
        return passed < transitions.count ? transitions[passed] : rule?.transition(afterSecond: second)
    }

    private func countOfTransitions(upTo second: Int64) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].instant <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
