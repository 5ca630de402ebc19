internal import Billing
internal import Dates
internal import Money

/// Time through which one price of a subscription stays the same: what is billed of it is cut by cycles alone.
struct Run {
    let price: Price
    /// `nil` for an add-on.
    let plan: String?
    let quantity: Rational
    let start: Moment
    let end: Moment?
    /// The first of its stretches, whose cycles it has.
    let stretch: Stretch
    /// Where other cycles take over, though the one here has not ended.
    let cut: LocalDate?
    /// Its place in the plan; add-ons from `addOnRank` on.
    let rank: Int

    /// After the prices of any plan, though the add-on be older than the plan.
    static let addOnRank = 1_000_000

    var interval: BillingInterval { stretch.interval(of: price) }

    /// What it bills of one cycle.
    struct Window {
        let span: Span
        let cycle: Span
        /// When what is billed in arrears for it falls due, but for the end of the subscription.
        let closes: LocalDate

        var isWhole: Bool { span == cycle }
    }

    /// The windows that end after `first`, or all, and begin by `date`, in order.
    func windows(after first: LocalDate? = nil, by date: LocalDate, _ calendar: BillingCalendar) -> [Window] {
        var windows: [Window] = []
        if let first, let end, end.date < first { return [] }
        var index = stretch.anchor.index(of: max(start.date, first ?? start.date), every: interval)
        while true {
            let cycle = stretch.cycle(index, every: interval, calendar)
            index += 1
            guard cycle.start.date <= date, let span = Span(max(start, cycle.start), min(end ?? cycle.end, cycle.end))
            else { break }
            windows.append(Window(span: span, cycle: cycle, closes: min(cycle.end.date, cut ?? cycle.end.date)))
            if let end, end <= cycle.end { break }
        }
        return windows
    }

    func basis(_ price: Price, quantity: Rational) -> Explanation.Basis {
        Explanation.Basis(
            plan: plan, interval: interval, model: price.model, timing: price.timing, quantity: quantity)
    }
}

extension Subscription {
    /// The runs of every price, in the order of time.
    func runs(_ stretches: [Stretch]) -> [Run] {
        var runs: [Run] = []
        for (index, stretch) in stretches.enumerated() where stretch.billing == .billed {
            for (place, price) in stretch.prices.enumerated() {
                let isPlans = place < stretch.plan.prices.count
                let plan = isPlans ? stretch.plan.code : nil
                let rank = isPlans ? place : Run.addOnRank + place - stretch.plan.prices.count
                let run = Run(
                    price: price, plan: plan, quantity: stretch.quantity(of: price), start: stretch.start,
                    end: stretch.end, stretch: stretch, cut: cut(of: price, after: index, stretches), rank: rank)
                if let last = runs.lastIndex(where: { $0.isContinued(by: run) }) {
                    runs[last] = runs[last].continued(by: run)
                } else {
                    runs.append(run)
                }
            }
        }
        return runs
    }

    /// Where the cycles of that stretch give way to others.
    private func cut(of price: Price, after index: Int, _ stretches: [Stretch]) -> LocalDate? {
        let stretch = stretches[index]
        return stretches[(index + 1)...].first {
            $0.anchor != stretch.anchor || (price.interval == nil && $0.plan.interval != stretch.plan.interval)
        }?.start.date
    }
}

extension Run {
    fileprivate func isContinued(by next: Run) -> Bool {
        end == next.start && price == next.price && plan == next.plan && quantity == next.quantity
            && interval == next.interval && stretch.anchor == next.stretch.anchor
    }

    fileprivate func continued(by next: Run) -> Run {
        Run(
            price: price, plan: plan, quantity: quantity, start: start, end: next.end, stretch: stretch, cut: next.cut,
            rank: rank)
    }
}
