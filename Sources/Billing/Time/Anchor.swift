public import Dates

/// Where cycles are counted from: each boundary is worked out from here, never from the boundary before it, so short
/// months leave no trace. 31 January, 28 February, 31 March; 29 February returns in leap years.
public struct Anchor: Hashable, Sendable {
    /// Boundary 0.
    public let date: LocalDate
    /// The day of month that boundaries have where the month is long enough, 1 to 31.
    public let day: Int

    /// Cycles that begin on `date` and on its day of month, or on another that was clamped to it.
    public init(_ date: LocalDate, day: Int? = nil) {
        self.date = date
        self.day = day ?? date.day
    }

    /// The first date from `start` on that is the billing day, 1 to 31, or the last of a month without one.
    public init(billingDay: Int, from start: LocalDate) {
        let (year, month, _) = start.civil
        let here = LocalDate.clamped(year: year, month: month, day: billingDay)
        date = here >= start ? here : here.adding(months: 1, anchorDay: billingDay)
        day = billingDay
    }

    /// The next day from `start` on which the calendar begins such an interval: a Monday for weeks; the 1st of a month
    /// that is a whole number of intervals after January. Days have no such beginning, so they start at once.
    public init(calendar interval: BillingInterval, from start: LocalDate) {
        switch interval {
        case .days: self.init(start)
        case .weeks: self.init(start.adding(days: floorModulo(1 - start.weekday.rawValue, 7)))
        case .months(let count):
            let (year, month, day) = start.civil
            var months = year * 12 + month - 1 + (day > 1 ? 1 : 0)
            while (months % 12) % count != 0 { months += 1 }
            self.init(LocalDate.clamped(year: months / 12, month: months % 12 + 1, day: 1))
        }
    }

    /// The day on which cycle `index` begins and the one before it ends; negative before the anchor.
    public func boundary(_ index: Int, every interval: BillingInterval) -> LocalDate {
        switch interval {
        case .months(let count): date.adding(months: index * count, anchorDay: day)
        case .weeks(let count): date.adding(days: index * count * 7)
        case .days(let count): date.adding(days: index * count)
        }
    }

    public func cycle(_ index: Int, every interval: BillingInterval) -> Period {
        Period(start: boundary(index, every: interval), end: boundary(index + 1, every: interval))
    }

    /// The number of the cycle in which `wanted` lies.
    public func index(of wanted: LocalDate, every interval: BillingInterval) -> Int {
        var index: Int
        switch interval {
        case .months(let count):
            let (year, month, _) = wanted.civil
            let (anchorYear, anchorMonth, _) = date.civil
            index = ((year - anchorYear) * 12 + month - anchorMonth) / count
        case .weeks(let count): index = date.days(until: wanted) / (count * 7)
        case .days(let count): index = date.days(until: wanted) / count
        }
        // The estimate is off by one at most, below by truncation or above by the day within the month.
        while boundary(index, every: interval) > wanted { index -= 1 }
        while boundary(index + 1, every: interval) <= wanted { index += 1 }
        return index
    }
}

/// The remainder that is never negative.
private func floorModulo(_ value: Int, _ modulus: Int) -> Int { ((value % modulus) + modulus) % modulus }
