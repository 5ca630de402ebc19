public import Dates
public import Money

/// How monthly recurring revenue moved: what all movements of a month come to is the change of its total.
public enum MRR {
    public struct Month: Hashable, Sendable {
        /// Its first day.
        public let month: LocalDate
        /// At its end.
        public let total: Money
        /// Of customers who never had any.
        public internal(set) var new: Money
        public internal(set) var expansion: Money
        /// Zero or negative.
        public internal(set) var contraction: Money
        /// Zero or negative: of customers who are left with none.
        public internal(set) var churn: Money
        /// Of customers who had some before, and then none.
        public internal(set) var reactivation: Money
    }

    /// The movements of all customers together, from the first month with a value to the last that is given, without a
    /// gap. `totals` has each customer's value at the end of each month, by its first day; a month that is left out is
    /// zero. Throws `overflow`, or `currencyMismatch` if not all are in `currency`.
    public static func movements(
        totals customers: [[LocalDate: Money]], in currency: Currency
    ) throws(MoneyFault) -> [Month] {
        let zero = Money.zero(currency)
        let first = customers.compactMap { $0.filter { !$0.value.isZero }.keys.min() }.min()
        guard var month = first, let last = customers.compactMap({ $0.keys.max() }).max() else { return [] }
        var former = Set<Int>()
        var months: [Month] = []
        while month <= last {
            let values = customers.map { $0[month] ?? zero }
            var moved = Month(
                month: month, total: try Money.sum(values, in: currency), new: zero, expansion: zero,
                contraction: zero, churn: zero, reactivation: zero)
            let before = month.adding(months: -1)
            for (customer, value) in values.enumerated() {
                let old = customers[customer][before] ?? zero
                try moved.add(value - old, to: kind(from: old, to: value, isFormer: former.contains(customer)))
                if !value.isZero { former.insert(customer) }
            }
            months.append(moved)
            month = month.nextMonth
        }
        return months
    }

    private static func kind(from old: Money, to value: Money, isFormer: Bool) -> WritableKeyPath<Month, Money> {
        if old.isZero { return isFormer ? \.reactivation : \.new }
        if value.isZero { return \.churn }
        return value.minorUnits > old.minorUnits ? \.expansion : \.contraction
    }
}

extension MRR.Month {
    fileprivate mutating func add(_ change: Money, to kind: WritableKeyPath<Self, Money>) throws(MoneyFault) {
        self[keyPath: kind] = try self[keyPath: kind] + change
    }
}
