/// The local dates from `start` up to but not including `end`; never empty.
///
/// Half-open, so consecutive periods share a boundary and neither overlap nor leave a gap.
public struct Period: Hashable, Sendable {
    public let start: LocalDate
    /// The first day that is no longer part of it.
    public let end: LocalDate

    /// `start` is before `end`; anything else is a programmer's error and traps.
    public init(start: LocalDate, end: LocalDate) {
        precondition(start < end, "period [\(start), \(end)) is empty")
        self.start = start
        self.end = end
    }

    /// For dates from outside: `nil` unless `start` is before `end`.
    public init?(checking start: LocalDate, _ end: LocalDate) {
        guard start < end else { return nil }
        self.init(start: start, end: end)
    }

    /// How many days it has; at least 1.
    public var days: Int { start.days(until: end) }

    public func contains(_ date: LocalDate) -> Bool { start <= date && date < end }

    /// The days that both have, or `nil` if there is none.
    public func intersection(_ other: Period) -> Period? {
        Period(checking: max(start, other.start), min(end, other.end))
    }

    public func overlaps(_ other: Period) -> Bool { start < other.end && other.start < end }
}

extension Period: Comparable {
    /// By start, then by end.
    public static func < (left: Period, right: Period) -> Bool {
        (left.start, left.end) < (right.start, right.end)
    }
}

extension Period: CustomStringConvertible {
    /// `[2026-01-01, 2026-02-01)`.
    public var description: String { "[\(start), \(end))" }
}

extension Period: Codable {
    /// As `["2026-01-01", "2026-02-01"]`.
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let start = try container.decode(LocalDate.self)
        let end = try container.decode(LocalDate.self)
        guard let period = Period(checking: start, end) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "empty period [\(start), \(end))")
        }
        self = period
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(start)
        try container.encode(end)
    }
}
