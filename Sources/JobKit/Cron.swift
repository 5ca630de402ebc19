public import Dates

/// A cron expression of five fields: minute, hour, day of month, month, day of week (0 or 7 is Sunday).
///
/// Each field is `*`, or a list of numbers and ranges, each with an optional `/step`. When both day fields are
/// restricted, a day that matches either counts, as in cron(5).
public struct Cron: Hashable, Sendable {
    private let minutes: Set<Int>
    private let hours: Set<Int>
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
        minutes = try Cron.values(fields[0], in: 0...59, of: "minute", expression)
        hours = try Cron.values(fields[1], in: 0...23, of: "hour", expression)
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

    /// The ticks in (from, to], oldest first, at most `limit`.
    public func ticks(after from: Instant, through to: Instant, limit: Int) -> [Instant] {
        var found: [Instant] = []
        var day = UTCDay(of: from)
        while day.start <= to && found.count < limit {
            let ticks = ticks(on: day).filter { $0 > from && $0 <= to }
            found += ticks.prefix(limit - found.count)
            day = day.advanced(by: 1)
        }
        return found
    }

    /// The newest tick in (from, to].
    public func latest(after from: Instant, through to: Instant) -> Instant? {
        var day = UTCDay(of: to)
        while day.advanced(by: 1).start > from {
            if let tick = ticks(on: day).last(where: { $0 > from && $0 <= to }) { return tick }
            day = day.advanced(by: -1)
        }
        return nil
    }

    /// The first tick after `from`; nil when none comes within eight years (30 February never does).
    public func next(after from: Instant) -> Instant? {
        let today = UTCDay(of: from)
        for distance in 0..<(8 * 366) {
            if let tick = ticks(on: today.advanced(by: distance)).first(where: { $0 > from }) { return tick }
        }
        return nil
    }

    private func ticks(on day: UTCDay) -> [Instant] {
        guard matches(day.date) else { return [] }
        return hours.sorted().flatMap { hour in
            minutes.sorted().map { minute in day.start + .seconds(hour * 3600 + minute * 60) }
        }
    }

    private func matches(_ date: LocalDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(date.weekday.rawValue % 7)
        return eitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}

/// A day of UTC.
private struct UTCDay {
    let date: LocalDate

    init(of instant: Instant) {
        let day = instant.seconds >= 0 ? instant.seconds / 86_400 : (instant.seconds - 86_399) / 86_400
        date = LocalDate(daysSinceEpoch: Int32(day))
    }

    private init(date: LocalDate) { self.date = date }

    var start: Instant { Instant(microseconds: Int64(date.daysSinceEpoch) * 86_400_000_000) }
    func advanced(by days: Int) -> UTCDay { UTCDay(date: date.adding(days: days)) }
}

/// A malformed cron expression: which field, and what it says.
public struct CronFault: Error, Hashable, CustomStringConvertible {
    public let expression: String
    public let reason: String

    public var description: String { "cron expression '\(expression)': \(reason)" }
}
