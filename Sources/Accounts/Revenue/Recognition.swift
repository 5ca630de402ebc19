public import Dates
public import Money

/// What an account has billed, spread over the months in which it is earned: as a whole, up to its last month, though
/// that may lie in the future.
public struct Recognition: Hashable, Sendable {
    public struct Month: Hashable, Sendable {
        /// Its first day.
        public let month: LocalDate
        /// Earned in it; negative where more was taken back.
        public let recognized: Money
        /// Billed and not yet earned at its end; negative where more was earned than billed.
        public let deferred: Money
        /// Earned up to its end.
        public let recognizedToDate: Money
    }

    public let currency: Currency
    /// Without a gap from the first in which something was billed or earned to the last.
    public let months: [Month]

    /// Throws `overflow`.
    init(_ schedules: [RevenueSchedule], in currency: Currency) throws(MoneyFault) {
        var billed: [LocalDate: Money] = [:]
        var earned: [LocalDate: Money] = [:]
        for schedule in schedules {
            billed[schedule.billed] = try (billed[schedule.billed] ?? .zero(currency)) + schedule.amount
            for (month, amount) in try schedule.months() {
                earned[month] = try (earned[month] ?? .zero(currency)) + amount
            }
        }
        self.currency = currency
        var months: [Month] = []
        var deferred = Money.zero(currency)
        var toDate = Money.zero(currency)
        let named = Set(billed.keys).union(earned.keys)
        if var month = named.min(), let last = named.max() {
            while month <= last {
                let recognized = earned[month] ?? .zero(currency)
                deferred = try deferred + (billed[month] ?? .zero(currency)) - recognized
                toDate = try toDate + recognized
                months.append(
                    Month(month: month, recognized: recognized, deferred: deferred, recognizedToDate: toDate))
                month = month.nextMonth
            }
        }
        self.months = months
    }

    /// What is earned in all months before that one.
    public func recognized(before month: LocalDate) -> Money {
        guard let first = months.first?.month else { return .zero(currency) }
        let count = min(first.months(until: month), months.count)
        return count > 0 ? months[count - 1].recognizedToDate : .zero(currency)
    }
}

extension Account {
    /// When all that was billed so far is earned. Throws `overflow`.
    public func recognition() throws(MoneyFault) -> Recognition {
        try Recognition(revenueSchedules(), in: currency)
    }
}
