/// Why text or arithmetic gave no date, instant or zone; each case names what was wrong.
public enum DateFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not `YYYY-MM-DD`, or no such day.
    case notADate(String)
    /// Not an RFC 3339 date and time with an offset.
    case notAnInstant(String)
    /// The result does not fit an `Instant`.
    case outOfRange
    /// The bytes of this zone are no TZif of version 2 or later; the text says where.
    case notAZone(id: String, reason: String)

    public var description: String {
        switch self {
        case .notADate(let text): "\"\(text)\" is not a date (YYYY-MM-DD)"
        case .notAnInstant(let text): "\"\(text)\" is not an instant (RFC 3339, as 2026-01-31T09:00:00Z)"
        case .outOfRange: "the instant is out of range"
        case .notAZone(let id, let reason): "time zone \(id): \(reason)"
        }
    }
}
