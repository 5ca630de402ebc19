public import Dates
public import Money

/// How one amount that was billed or taken back becomes revenue: by day over its time. A month's share is what is
/// earned by its end less what was by the end of the month before, each rounded half away from zero; so they add up to
/// the amount.
///
/// Months are named by their first day.
public struct RevenueSchedule: Hashable, Sendable {
    /// What was billed or taken back.
    public enum Source: Hashable, Sendable {
        case line(LineReference)
        /// Taken back from that line by the customer's credit note of that number, counted from 0.
        case note(Int, of: LineReference)
        /// Taken back with its whole invoice.
        case void(LineReference)
    }

    public let source: Source
    /// Before tax; negative where it is taken back.
    public let amount: Money
    /// In which it was billed or taken back.
    public let billed: LocalDate
    /// Over which it is earned; a single day where that happens at once.
    public let time: Period
    /// What would be earned before that month is earned in it; `nil`: as earned.
    public let notBefore: LocalDate?

    /// The amounts by month, ascending; months without one are left out. Throws `overflow`.
    public func months() throws(MoneyFault) -> [(month: LocalDate, amount: Money)] {
        var months: [(month: LocalDate, amount: Money)] = []
        var held = Money.zero(amount.currency)
        var before = Money.zero(amount.currency)
        var month = time.start.firstOfMonth
        while month < time.end {
            let next = month.nextMonth
            let earned = try earned(before: min(next, time.end))
            held = try held + earned - before
            before = earned
            // What is held back falls to the first month that may have it, or to the last that there is.
            let due = notBefore.map { max(month, $0) } ?? month
            if !held.isZero, due == month || next >= time.end {
                months.append((due, held))
                held = .zero(amount.currency)
            }
            month = next
        }
        return months
    }

    private func earned(before date: LocalDate) throws(MoneyFault) -> Money {
        if date == time.end { return amount }
        let part = try Rational(Int128(time.start.days(until: date)), over: Int128(time.days))
        return try Money.rounding(minorUnits: Rational(amount.minorUnits) * part, in: amount.currency)
    }
}

extension LocalDate {
    var firstOfMonth: LocalDate { adding(days: 1 - day) }

    /// The first day of the month after.
    var nextMonth: LocalDate {
        let (year, month, day) = civil
        return adding(days: LocalDate.daysInMonth(month, of: year) + 1 - day)
    }

    /// Months from this date's to that of `other`.
    func months(until other: LocalDate) -> Int {
        let (year, month, _) = civil
        let (otherYear, otherMonth, _) = other.civil
        return (otherYear - year) * 12 + otherMonth - month
    }
}
