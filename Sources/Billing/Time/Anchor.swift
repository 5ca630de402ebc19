public import Dates

/// Where cycles are counted from: each boundary is worked out from here, never from the boundary before it, so short
/// months leave no trace. 31 January, 28 February, 31 March; 29 February returns in leap years.
public struct Anchor: Hashable, Sendable {
    /// Boundary 0.
    public let date: LocalDate
    /// The day of month that boundaries have where the month is long enough, 1 to 31.
    public let day: Int

    /// Cycles that begin on `date` and on its day of month.
    public init(_ date: LocalDate) {
        self.date = date
        day = date.day
    }

    /// The first date from `start` on that is the billing day, 1 to 31, or the last of a month without one.
    public init(billingDay: Int, from start: LocalDate) {
        let (year, month, _) = start.civil
        let here = LocalDate.clamped(year: year, month: month, day: billingDay)
        date = here >= start ? here : here.adding(months: 1, anchorDay: billingDay)
        day = billingDay
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
