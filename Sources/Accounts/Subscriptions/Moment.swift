public import Billing
public import Dates
public import Money

/// A boundary of billed time. Days decide which period it bounds; the second only counts where proration is by second.
public struct Moment: Hashable, Comparable, Sendable {
    /// Local to the customer.
    public let date: LocalDate
    /// Since the Unix epoch: midnight of the date, or with proration by second the instant itself.
    public let second: Int64

    public init(date: LocalDate, second: Int64) {
        self.date = date
        self.second = second
    }

    /// After every other.
    static let latest = Moment(date: .latest, second: .max)

    public static func < (left: Moment, right: Moment) -> Bool {
        (left.date, left.second) < (right.date, right.second)
    }
}

/// Billed time from `start` up to but not including `end`; never empty.
public struct Span: Hashable, Sendable {
    public let start: Moment
    public let end: Moment

    /// `nil` unless `start` is before `end`.
    public init?(_ start: Moment, _ end: Moment) {
        guard start < end else { return nil }
        self.start = start
        self.end = end
    }

    /// The dates it touches; `nil` if it begins and ends on one day.
    public var period: Period? { Period(checking: start.date, end.date) }

    public func intersection(_ other: Span) -> Span? { Span(max(start, other.start), min(end, other.end)) }

    /// What is left when all of `others` is taken away, in order.
    public func subtracting(_ others: some Sequence<Span>) -> [Span] {
        var left = [self]
        for other in others {
            left = left.flatMap { piece in
                guard piece.intersection(other) != nil else { return [piece] }
                return [Span(piece.start, min(piece.end, other.start)), Span(max(piece.start, other.end), piece.end)]
                    .compactMap(\.self)
            }
        }
        return left
    }
}

/// A part of a whole, kept unreduced because that is how it is read: `10/30`.
public struct Fraction: Hashable, Sendable, CustomStringConvertible {
    public let part: Int64
    public let whole: Int64

    /// Traps unless there is a whole and the part is not negative.
    public init(_ part: Int64, of whole: Int64) {
        precondition(part >= 0 && whole > 0, "\(part)/\(whole) is no part of a whole")
        self.part = part
        self.whole = whole
    }

    public var value: Rational { get throws(MoneyFault) { try Rational(Int128(part), over: Int128(whole)) } }

    public var description: String { "\(part)/\(whole)" }
}

/// How one customer's time is counted: its zone, and its seller's unit of proration.
public struct BillingCalendar: Hashable, Sendable {
    public let zone: TimeZoneRules
    public let unit: Proration.Unit

    public init(zone: TimeZoneRules, unit: Proration.Unit) {
        self.zone = zone
        self.unit = unit
    }

    public func date(of instant: Instant) -> LocalDate { zone.localDate(of: instant) }

    /// The date's first instant.
    public func midnight(_ date: LocalDate) -> Instant { zone.instant(of: date) }

    public func moment(_ date: LocalDate) -> Moment {
        // Only proration by second looks at it, and finding midnight in a zone costs more than all else here.
        Moment(date: date, second: unit == .second ? midnight(date).seconds : 0)
    }

    /// When an operation takes effect: at once where proration is by second, else at the beginning of its day.
    public func moment(_ instant: Instant) -> Moment {
        unit == .second ? Moment(date: date(of: instant), second: instant.seconds) : moment(date(of: instant))
    }

    public func span(_ period: Period) -> Span {
        guard let span = Span(moment(period.start), moment(period.end)) else {
            preconditionFailure("\(period) has no time in \(zone.id)")
        }
        return span
    }

    /// How much of `whole` `part` is. Months count by 30/360 where the seller wants so; weeks and days never.
    public func fraction(_ part: Span, of whole: Span, every interval: BillingInterval) -> Fraction {
        switch (unit, interval) {
        case (.second, _):
            Fraction(part.end.second - part.start.second, of: whole.end.second - whole.start.second)
        case (.fixed30, .months):
            Fraction(Self.days360(part, in: whole), of: Self.days360(whole, in: whole))
        case (.day, _), (.fixed30, _): Fraction(Self.days(part), of: Self.days(whole))
        }
    }

    private static func days(_ span: Span) -> Int64 { Int64(span.start.date.days(until: span.end.date)) }

    /// Days of 30/360: a 31st is a 30th. A bound of the whole that a short month has clamped keeps the day of the other
    /// bound, so from 31 January to 28 February there are 30 days, as in every month.
    private static func days360(_ span: Span, in whole: Span) -> Int64 {
        func count(_ moment: Moment, _ other: Moment) -> Int {
            let (year, month, day) = moment.date.civil
            let isClamped = day == LocalDate.daysInMonth(month, of: year) && other.date.day > day
            return year * 360 + month * 30 + min(isClamped ? other.date.day : day, 30)
        }
        func count(_ moment: Moment) -> Int {
            if moment.date == whole.start.date { return count(moment, whole.end) }
            if moment.date == whole.end.date { return count(moment, whole.start) }
            return count(moment, moment)
        }
        return Int64(count(span.end) - count(span.start))
    }
}
