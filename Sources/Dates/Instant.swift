/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, leap seconds not counted, as Postgres stores it.
///
/// Business time is always handed in as one of these; nothing in the pure modules asks what time it is.
public struct Instant: Hashable, Comparable, Sendable {
    /// Microseconds since the Unix epoch; negative before it.
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }
}
