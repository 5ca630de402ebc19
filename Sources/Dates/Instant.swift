/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, leap seconds not counted, as Postgres stores it.
///
/// Business time is always handed in as one of these; nothing in the pure modules asks what time it is.
public struct Instant: Hashable, Comparable, Sendable {
    /// Microseconds since the Unix epoch; negative before it.
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Reads RFC 3339 with any offset and up to six digits of a second: `2026-01-31T09:00:00.5+05:45`.
    /// A leap second (`:60`) has no place on this scale and is refused. Throws `DateFault.notAnInstant`.
    public init(parsing text: some StringProtocol) throws(DateFault) {
        var scanner = ASCIIScanner(text)
        guard let seconds = scanner.dateAndTime(), let fraction = scanner.fractionOfSecond(),
            let offset = scanner.zoneOffset(), scanner.isAtEnd
        else { throw .notAnInstant(String(text)) }
        self.init(microseconds: (seconds - Int64(offset)) * 1_000_000 + Int64(fraction))
    }

    /// Seconds since the Unix epoch, rounded down.
    public var seconds: Int64 { floorDivide(microseconds, 1_000_000) }

    /// The instant `duration` later, parts of a microsecond dropped. Throws `DateFault.outOfRange`.
    public func adding(_ duration: Duration) throws(DateFault) -> Instant {
        let (seconds, attoseconds) = duration.components
        let scaled = seconds.multipliedReportingOverflow(by: 1_000_000)
        let whole = scaled.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        let sum = microseconds.addingReportingOverflow(whole.partialValue)
        guard !scaled.overflow, !whole.overflow, !sum.overflow else { throw .outOfRange }
        return Instant(microseconds: sum.partialValue)
    }

    /// For durations that the program itself chose: leaving the range traps. Others use `adding(_:)`.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        guard let sum = try? instant.adding(duration) else { preconditionFailure("\(instant) + \(duration) overflows") }
        return sum
    }

    /// For durations that the program itself chose: leaving the range traps.
    public static func - (instant: Instant, duration: Duration) -> Instant { instant + (.zero - duration) }

    /// How long after `right` the instant `left` is; negative if it is earlier.
    public static func - (left: Instant, right: Instant) -> Duration {
        .microseconds(left.microseconds) - .microseconds(right.microseconds)
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }
}

extension Instant: CustomStringConvertible {
    /// RFC 3339 in UTC: `2026-01-31T09:00:00Z`, with six digits of a second where it is not whole.
    public var description: String {
        let seconds = self.seconds
        let date = LocalDate(daysSinceEpoch: Int32(floorDivide(seconds, 86_400)))
        let time = floorModulo(seconds, 86_400)
        let fraction = floorModulo(microseconds, 1_000_000)
        let clock = "\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))"
        return "\(date)T\(clock)\(fraction == 0 ? "" : "." + padded(fraction, 6))Z"
    }
}

extension Instant: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ASCIIScanner {
    /// `YYYY-MM-DDThh:mm:ss`, in seconds since the epoch as if it were UTC.
    fileprivate mutating func dateAndTime() -> Int64? {
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2),
            let date = LocalDate(year: year, month: month, day: day), skip("T") || skip("t"),
            let hour = digits(2), hour < 24, skip(":"), let minute = digits(2), minute < 60, skip(":"),
            let second = digits(2), second < 60
        else { return nil }
        return Int64(date.daysSinceEpoch) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Microseconds; 0 where there is no fraction, `nil` where there are more digits than we keep.
    fileprivate mutating func fractionOfSecond() -> Int? {
        guard skip(".") else { return 0 }
        var fraction = 0
        var count = 0
        while count < 6, let digit = digits(1) {
            fraction = fraction * 10 + digit
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<6 { fraction *= 10 }
        return fraction
    }

    /// Seconds east of UTC.
    fileprivate mutating func zoneOffset() -> Int? {
        if skip("Z") || skip("z") { return 0 }
        let isWest = skip("-")
        guard isWest || skip("+"), let hours = digits(2), hours < 24, skip(":"), let minutes = digits(2), minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
