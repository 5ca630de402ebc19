internal import Billing
internal import Dates
internal import Money

/// Takes plan discounts, then coupons, off an invoice's lines: each is one line, rounded once, and split over what it
/// cuts by largest remainder.
struct Discounts {
    let account: Account
    /// The invoice's.
    let date: LocalDate
    /// The invoice's charges, with their shares.
    private(set) var lines: [InvoiceLine]
    /// The discount lines, in order.
    private(set) var discounts: [InvoiceLine] = []

    init(_ account: Account, lines: [InvoiceLine], on date: LocalDate) {
        self.account = account
        self.date = date
        self.lines = lines
    }

    /// Each cuts what the one before left; where lines were sold on several plans, each plan's cut its own.
    mutating func takePlanDiscounts() throws(MoneyFault) {
        for subscription in account.subscriptions
        where lines.contains(where: { $0.subscription == subscription.code && $0.isForTime }) {
            let stretches = subscription.stretches(account.calendar)
            for (plan, sold) in planLines(of: subscription.code, stretches) {
                for discount in plan.discounts {
                    let earning = sold.filter { line in
                        line.stretch.fulfils(discount, term: subscription.termMonths(at: line.stretch.start))
                    }
                    try cut(earning.map(\.place), by: discount, subscription: subscription.code)
                }
            }
        }
    }

    /// The lines for time in the plan's own interval, by their plans, each with the stretch in which it starts.
    private func planLines(
        of code: String, _ stretches: [Stretch]
    ) -> [(plan: Plan, lines: [(place: Int, stretch: Stretch)])] {
        var found: [(plan: Plan, lines: [(place: Int, stretch: Stretch)])] = []
        for (index, line) in lines.enumerated()
        where line.subscription == code && line.isForTime {
            guard let start = line.span?.start, let stretch = stretches.last(where: { $0.start <= start }),
                line.charge?.basis.interval == stretch.plan.interval
            else { continue }
            if let same = found.firstIndex(where: { $0.plan.code == stretch.plan.code }) {
                found[same].lines.append((index, stretch))
            } else {
                found.append((stretch.plan, [(index, stretch)]))
            }
        }
        return found
    }

    private mutating func cut(
        _ indices: [Int], by discount: PlanDiscount, subscription: String
    ) throws(MoneyFault) {
        let base = try left(of: indices)
        let explanation = Explanation.percentOff(discount.percent, of: base, use: nil)
        try take(explanation, discount.code, subscription, period: nil, off: indices)
    }

    /// In the order in which they were handed in.
    mutating func takeCoupons() throws(MoneyFault) {
        for use in account.coupons {
            let indices = lines.indices.filter { lines[$0].isCut(by: use) }
            switch (use.coupon.benefit, use.coupon.duration) {
            case (.trialDays, _): break
            case (.percent(let percent), .once):
                if !account.hasCut(use) { try cut(indices, percent, use) }
            case (.percent(let percent), _): try cut(indices.filter { isInTime($0, use) }, percent, use)
            case (.amount(let amount), .once):
                if !account.hasCut(use) { try cut(indices, amount, use, period: nil) }
            case (.amount(let amount), _):
                let inTime = indices.filter { isInTime($0, use) }
                for (period, indices) in byPeriod(inTime) where !account.hasCut(use, in: period) {
                    try cut(indices, amount, use, period: period)
                }
            }
        }
    }

    private mutating func cut(_ indices: [Int], _ percent: Rational, _ use: CouponUse) throws(MoneyFault) {
        let base = try left(of: indices)
        let explanation = Explanation.percentOff(percent, of: base, use: use.ordinal)
        try take(explanation, use.coupon.code, use.subscription, period: nil, off: indices)
    }

    private mutating func cut(
        _ indices: [Int], _ amount: Money, _ use: CouponUse, period: Period?
    ) throws(MoneyFault) {
        let base = try left(of: indices)
        let explanation = Explanation.amountOff(amount, of: base, use: use.ordinal)
        try take(explanation, use.coupon.code, use.subscription, period: period, off: indices)
    }

    private mutating func take(
        _ explanation: Explanation, _ code: String, _ subscription: String?, period: Period?, off indices: [Int]
    ) throws(MoneyFault) {
        let amount = try explanation.evaluate()
        guard amount.isNegative else { return }
        let weights = try indices.map { (index) throws(MoneyFault) in Rational(max(0, try lines[index].net.minorUnits))
        }
        for (index, share) in zip(indices, try amount.split(by: weights)) where !share.isZero {
            lines[index].discounts.append(InvoiceLine.DiscountShare(code: code, amount: share))
        }
        discounts.append(
            InvoiceLine(
                kind: .discount, code: code, subscription: subscription, period: period, amount: amount,
                explanation: explanation))
    }

    private func left(of indices: [Int]) throws(MoneyFault) -> Money {
        var total = Money.zero(account.currency)
        for index in indices {
            let net = try lines[index].net
            if net.isPositive { total = try total + net }
        }
        return total
    }

    /// Whether a line starts in one of the periods for which the coupon holds.
    private func isInTime(_ index: Int, _ use: CouponUse) -> Bool {
        guard case .periods(let count) = use.coupon.duration else { return true }
        guard let start = start(of: index), let code = lines[index].subscription,
            let subscription = account.subscriptions.first(where: { $0.code == code }),
            let first = subscription.cycle(at: max(use.date, subscription.firstBilledDay), account.calendar)
        else { return false }
        let (anchor, interval) = (first.stretch.anchor, first.stretch.plan.interval)
        return start >= anchor.boundary(first.index, every: interval)
            && start < anchor.boundary(first.index + count, every: interval)
    }

    /// What is billed once starts when it is billed.
    private func start(of index: Int) -> LocalDate? {
        lines[index].kind == .oneTime ? date : lines[index].period?.start
    }

    private func byPeriod(_ indices: [Int]) -> [(Period, [Int])] {
        var found: [(period: Period, lines: [Int])] = []
        for index in indices {
            guard let start = start(of: index), let code = lines[index].subscription,
                let subscription = account.subscriptions.first(where: { $0.code == code }),
                let cycle = subscription.cycle(at: start, account.calendar)
            else { continue }
            let period = cycle.stretch.anchor.cycle(cycle.index, every: cycle.stretch.plan.interval)
            if let same = found.firstIndex(where: { $0.period == period }) {
                found[same].lines.append(index)
            } else {
                found.append((period, [index]))
            }
        }
        return found
    }
}

extension Stretch {
    /// Whether the plan's discount is given, for a term of so many months.
    func fulfils(_ discount: PlanDiscount, term: Int?) -> Bool {
        if let months = discount.minimumTermMonths, (term ?? 0) < months { return false }
        if let volume = discount.volume, (quantities[volume.unit] ?? .one) < volume.minimum { return false }
        return true
    }
}

extension InvoiceLine {
    fileprivate var isForTime: Bool { kind == .recurring || kind == .proration }

    fileprivate func isCut(by use: CouponUse) -> Bool {
        amount.isPositive && (use.subscription == nil || use.subscription == subscription)
            && (use.coupon.appliesTo.isEmpty || use.coupon.appliesTo.contains(code))
    }
}

extension Account {
    /// Whether an invoice has that coupon on it; of a period, if one is given.
    fileprivate func hasCut(_ use: CouponUse, in period: Period? = nil) -> Bool {
        invoices.contains { invoice in
            !invoice.isWithdrawn
                && invoice.lines.contains { line in
                    switch line.explanation {
                    case .percentOff(_, _, use.ordinal?), .amountOff(_, _, use.ordinal):
                        period == nil || line.period == period
                    default: false
                    }
                }
        }
    }
}

extension Subscription {
    /// The plan's cycle in which a date lies, and the stretch that has it.
    func cycle(at date: LocalDate, _ calendar: BillingCalendar) -> (stretch: Stretch, index: Int)? {
        let stretch = stretches(calendar).last { $0.start.date <= date }
        return stretch.map { ($0, $0.anchor.index(of: date, every: $0.plan.interval)) }
    }
}
