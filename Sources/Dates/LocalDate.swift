/// A calendar date with no time and no zone, in the proleptic Gregorian calendar: every calculation is exact.
///
/// Dates that are made from year, month and day, or from text, lie in the years 1 to 9999, so each has one ISO form.
public struct LocalDate: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01; negative before it.
    public let daysSinceEpoch: Int32

    /// A date as Postgres counts it, shifted to 1970. Anything an `Int32` holds is taken; ask `isSupported` of a value
    /// from outside before calculating with it.
    public init(daysSinceEpoch: Int32) { self.daysSinceEpoch = daysSinceEpoch }

    /// `nil` unless the day exists: 2025-02-29 does not. Years 1 to 9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month),
            day >= 1, day <= LocalDate.daysInMonth(month, of: year)
        else { return nil }
        self.init(civilYear: year, month: month, day: day)
    }

    /// Reads `YYYY-MM-DD` and nothing else. Throws `DateFault.notADate`.
    public init(parsing text: some StringProtocol) throws(DateFault) {
        var scanner = ASCIIScanner(text)
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
            let day = scanner.digits(2), scanner.isAtEnd, let date = LocalDate(year: year, month: month, day: day)
        else { throw .notADate(String(text)) }
        self = date
    }

    /// The month and day must exist, or be one past the end as the caller intends; the year is any that fits.
    /// From Howard Hinnant's "chrono-compatible low-level date algorithms": the year begins in March, so the leap day
    /// is its last.
    init(civilYear year: Int, month: Int, day: Int) {
        let marchYear = month > 2 ? year : year - 1
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(daysSinceEpoch: Int32(era * 146_097 + dayOfEra - 719_468))
    }

    /// Whether the date lies in the years 1 to 9999, where all arithmetic here is defined.
    public var isSupported: Bool { self >= .earliest && self <= .latest }

    /// 0001-01-01.
    public static let earliest = LocalDate(civilYear: 1, month: 1, day: 1)
    /// 9999-12-31.
    public static let latest = LocalDate(civilYear: 9999, month: 12, day: 31)

    /// Year, month 1 to 12 and day 1 to 31; cheaper than asking for each.
    public var civil: (year: Int, month: Int, day: Int) {
        let shifted = Int(daysSinceEpoch) + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    public var year: Int { civil.year }
    /// 1 to 12.
    public var month: Int { civil.month }
    /// 1 to 31.
    public var day: Int { civil.day }

    /// The day of the week. 1970-01-01 was a Thursday.
    public var weekday: Weekday {
        switch floorModulo(Int(daysSinceEpoch), 7) {
        case 0: .thursday
        case 1: .friday
        case 2: .saturday
        case 3: .sunday
        case 4: .monday
        case 5: .tuesday
        default: .wednesday
        }
    }

    /// The date `days` later, or earlier if negative. Leaving what `Int32` holds is a programmer's error and traps.
    public func adding(days: Int) -> LocalDate { LocalDate(daysSinceEpoch: Int32(Int(daysSinceEpoch) + days)) }

    /// The date `months` later on day `anchorDay` (this date's own if `nil`), or on the month's last day where it has
    /// no such day. With the anchor given, a clamped date finds its way back: 31 January, 28 February, 31 March.
    public func adding(months: Int, anchorDay: Int? = nil) -> LocalDate {
        let (year, month, day) = civil
        let monthCount = year * 12 + (month - 1) + months
        return LocalDate.clamped(
            year: floorDivide(monthCount, 12), month: floorModulo(monthCount, 12) + 1, day: anchorDay ?? day)
    }

    /// The given day of that month, or the month's last if it is shorter. `day` is 1 to 31, `month` 1 to 12.
    public static func clamped(year: Int, month: Int, day: Int) -> LocalDate {
        precondition((1...12).contains(month) && (1...31).contains(day), "no month \(month) or day \(day)")
        return LocalDate(civilYear: year, month: month, day: min(day, daysInMonth(month, of: year)))
    }

    /// Days from this date to `other`; negative if `other` is earlier.
    public func days(until other: LocalDate) -> Int { Int(other.daysSinceEpoch) - Int(daysSinceEpoch) }

    public static func isLeap(year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// 28 to 31. `month` is 1 to 12.
    public static func daysInMonth(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year: year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public static func < (left: LocalDate, right: LocalDate) -> Bool { left.daysSinceEpoch < right.daysSinceEpoch }
}

/// A day of the week, numbered as ISO 8601 does.
public enum Weekday: Int, CaseIterable, Hashable, Sendable {
    case monday = 1
    case tuesday, wednesday, thursday, friday, saturday, sunday
}

extension LocalDate: CustomStringConvertible {
    /// ISO 8601, `2026-01-31`.
    public var description: String {
        let (year, month, day) = civil
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

extension LocalDate: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
