internal import Dates

/// A cron expression of five fields: minute, hour, day of month, month, day of week (0 or 7 is Sunday).
///
/// Each field is `*`, or a list of numbers and ranges, each with an optional `/step`. When both day fields are
/// restricted, a day that matches either counts, as in cron(5).
public struct Cron: Hashable, Sendable {
    /// As it was given.
    public let expression: String
    /// What clocks show at its ticks: seconds since midnight, ascending.
    let timesOfDay: [Int]
    /// The minute or the hour is `*` or `*/n`: it speaks of intervals, not of times of the day.
    public let isInterval: Bool
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    private let eitherDay: Bool

    /// Throws a fault that names the field.
    public init(_ expression: String) throws(CronFault) {
        let fields = expression.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 5 else {
            throw CronFault(expression: expression, reason: "has \(fields.count) fields, needs 5")
        }
        let minutes = try Cron.values(fields[0], in: 0...59, of: "minute", expression).sorted()
        let hours = try Cron.values(fields[1], in: 0...23, of: "hour", expression).sorted()
        self.expression = expression
        timesOfDay = hours.flatMap { hour in minutes.map { hour * 3600 + $0 * 60 } }
        isInterval = fields[0].hasPrefix("*") || fields[1].hasPrefix("*")
        days = try Cron.values(fields[2], in: 1...31, of: "day of month", expression)
        months = try Cron.values(fields[3], in: 1...12, of: "month", expression)
        weekdays = Set(try Cron.values(fields[4], in: 0...7, of: "day of week", expression).map { $0 % 7 })
        eitherDay = fields[2] != "*" && fields[4] != "*"
    }

    private static func values(
        _ field: Substring, in range: ClosedRange<Int>, of name: String, _ expression: String
    ) throws(CronFault) -> Set<Int> {
        var values: Set<Int> = []
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            let step = pieces.count == 2 ? Int(pieces[1]) : 1
            guard pieces.count <= 2, let step, step >= 1, let first = pieces.first,
                let span = span(first, in: range, opensUp: pieces.count == 2)
            else { throw CronFault(expression: expression, reason: "'\(part)' is no \(name)") }
            values.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
        }
        return values
    }

    /// `*`, `a`, `a-b`; with a step, `a/n` runs to the end of the range.
    private static func span(_ text: Substring, in range: ClosedRange<Int>, opensUp: Bool) -> ClosedRange<Int>? {
        if text == "*" { return range }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count <= 2, let low = ends.first ?? nil, range.contains(low) else { return nil }
        guard ends.count == 2 else { return low...(opensUp ? range.upperBound : low) }
        guard let high = ends[1], range.contains(high), low <= high else { return nil }
        return low...high
    }

    /// Whether the expression names this day.
    func matches(_ date: LocalDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(date.weekday.rawValue % 7)
        return eitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}

/// A malformed cron expression: which field, and what it says.
public struct CronFault: Error, Hashable, CustomStringConvertible {
    public let expression: String
    public let reason: String

    public var description: String { "cron expression '\(expression)': \(reason)" }
}
