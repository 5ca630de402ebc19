internal import Billing
internal import Dates
internal import Money

extension SubscriptionTime {
    /// What metered usage comes to in each window that has closed, less what of it was billed.
    func usage(_ meters: Meters) throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        var left = existing.usage
        let isChanged = isChangedToday
        let runs = usageRuns
        for run in runs {
            guard let metric = run.price.model.metric else { continue }
            let end = end(after: run)
            let until = usageEnd(of: run, end, among: runs)
            if run.start == run.end, until == nil { continue }
            let run = until == nil ? run : extended(run)
            for window in run.windows(by: date, calendar) {
                let price = price(run, in: window.cycle)
                guard due(window, price, end) <= date, let period = window.span.period, let cycle = window.cycle.period
                else { continue }
                let billed = left.filter { $0.bills(run, price.code, from: period.start) }
                left.removeAll { $0.bills(run, price.code, from: period.start) }
                let (quantity, events) = try meters.quantity(
                    of: metric, in: period, until: until, cycle: cycle, for: subscription.ordinal)
                let charge = Explanation.Charge(
                    basis: run.basis(price, quantity: quantity), currency: currency, events: events,
                    allowances: allowances(period, cycle))
                // What comes after its period was closed waits for the next invoice, though that may have come to nothing.
                let isLate = !isChanged && due(window, price, end) < date
                found.append(try usage(charge, run, period, billed: billed, isLate: isLate))
            }
        }
        while let line = left.first {
            let same = left.filter { $0.bills(like: line) }
            left.removeAll { $0.bills(like: line) }
            found.append(try takenBack(same, like: line))
        }
        return found
    }

    /// A window that a change made for the past has done away with.
    private func takenBack(_ billed: [InvoiceLine], like line: InvoiceLine) throws(MoneyFault) -> Candidate {
        var quantity = Rational.zero
        for line in billed { quantity = try quantity - (line.quantity ?? .zero) }
        guard let basis = line.charge?.basis else { preconditionFailure("usage without a charge") }
        let nothing = Explanation.Basis(
            plan: basis.plan, interval: basis.interval, model: .flat(amount: .zero(currency)), timing: basis.timing,
            quantity: .zero)
        let explanation = Explanation.usage(
            Explanation.Charge(basis: nothing, currency: currency),
            billed: try Money.sum(billed.map(\.amount), in: currency))
        let line = InvoiceLine(
            kind: .usage, code: line.code, subscription: line.subscription, span: line.span,
            quantity: quantity, amount: try explanation.evaluate(), explanation: explanation)
        return candidate(line, rank: 0, wait: .late)
    }

    /// With those of days on which it both began and ended, which cost nothing but what was used.
    private var usageRuns: [Run] {
        let days = subscription.endedOnFirstDay(calendar)
        if days.isEmpty { return runs }
        let all = (stretches + days).enumerated().sorted {
            ($0.element.start, $0.element.end ?? .latest, $0.offset) < (
                $1.element.start, $1.element.end ?? .latest, $1.offset
            )
        }
        return subscription.runs(all.map(\.element))
    }

    /// The instant up to which usage counts on the day of an end in its midst; not where another run has that day.
    private func usageEnd(of run: Run, _ end: Change?, among runs: [Run]) -> Instant? {
        guard let end, let date = run.end?.date, end.effective.date == date, end.recorded > calendar.midnight(date)
        else { return nil }
        let hasAnother = runs.contains { other in
            other.price.model.metric == run.price.model.metric && other.start.date == date
                && (other.start != other.end || run.start != run.end)
        }
        return hasAnother ? nil : end.recorded
    }

    /// With that last day.
    private func extended(_ run: Run) -> Run {
        Run(
            price: run.price, plan: run.plan, quantity: run.quantity, start: run.start,
            end: run.end.map { calendar.moment($0.date.adding(days: 1)) }, stretch: run.stretch, cut: run.cut,
            rank: run.rank)
    }

    private func allowances(_ period: Period, _ cycle: Period) -> Fraction? {
        guard account.settings.proration.allowances == .day, period != cycle else { return nil }
        return Fraction(Int64(period.days), of: Int64(cycle.days))
    }

    private func usage(
        _ charge: Explanation.Charge, _ run: Run, _ period: Period, billed: [InvoiceLine], isLate: Bool
    ) throws(MoneyFault) -> Candidate {
        let explanation = Explanation.usage(charge, billed: try Money.sum(billed.map(\.amount), in: currency))
        var quantity = charge.basis.quantity
        for line in billed { quantity = try quantity - (line.quantity ?? .zero) }
        let line = InvoiceLine(
            kind: .usage, code: run.price.code, subscription: subscription.code, span: calendar.span(period),
            quantity: quantity, amount: try explanation.evaluate(), explanation: explanation)
        return candidate(line, rank: run.rank, wait: isLate || !billed.isEmpty ? .late : .no)
    }

    /// Whether something was changed today: that may close periods of its own, and brings the invoice for them.
    private var isChangedToday: Bool { subscription.changes.contains { calendar.date(of: $0.recorded) == date } }

    /// What a period's lines lack of the plan's minimum, when it has closed.
    func minimums(with found: [Candidate]) throws(MoneyFault) -> [Candidate] {
        var minimums: [Candidate] = []
        var left = existing.minimums
        let isChanged = isChangedToday
        for run in planRuns {
            guard let minimum = run.stretch.plan.minimum else { continue }
            let end = end(after: run)
            for window in run.windows(by: date, calendar) {
                let due = due(window, run.price, end)
                guard due <= date else { continue }
                let lines = try lines(in: window, of: run.stretch.plan.code, with: found)
                let isLate = !isChanged && due < date
                let billed = left.filter { $0.code == run.stretch.plan.code && $0.span?.start == window.span.start }
                left.removeAll { $0.code == run.stretch.plan.code && $0.span?.start == window.span.start }
                minimums.append(
                    try self.minimum(minimum, run, window, lines: lines, billed: billed, isLate: isLate))
            }
        }
        while let line = left.first {
            let same = left.filter { $0.code == line.code && $0.span?.start == line.span?.start }
            left.removeAll { $0.code == line.code && $0.span?.start == line.span?.start }
            minimums.append(try minimumTakenBack(same, like: line))
        }
        return minimums
    }

    /// Of a window that a change made for the past has done away with.
    private func minimumTakenBack(_ billed: [InvoiceLine], like line: InvoiceLine) throws(MoneyFault) -> Candidate {
        let zero = Money.zero(currency)
        let explanation = Explanation.minimum(
            zero, part: nil, lines: zero, billed: try Money.sum(billed.map(\.amount), in: currency))
        let line = InvoiceLine(
            kind: .minimum, code: line.code, subscription: line.subscription, span: line.span,
            amount: try explanation.evaluate(), explanation: explanation)
        return candidate(line, rank: 0, wait: .late)
    }

    private func minimum(
        _ minimum: Money, _ run: Run, _ window: Run.Window, lines: Money, billed: [InvoiceLine], isLate: Bool
    ) throws(MoneyFault) -> Candidate {
        let part = window.isWhole ? nil : calendar.fraction(window.span, of: window.cycle, every: run.interval)
        let explanation = Explanation.minimum(
            minimum, part: part, lines: lines, billed: try Money.sum(billed.map(\.amount), in: currency))
        let line = InvoiceLine(
            kind: .minimum, code: run.stretch.plan.code, subscription: subscription.code, span: window.span,
            factor: part, amount: try explanation.evaluate(), explanation: explanation)
        return candidate(line, rank: run.rank, wait: isLate || !billed.isEmpty ? .late : .no)
    }

    /// The time of each plan, whatever its quantities and add-ons, as if it were a price of its own in arrears.
    private var planRuns: [Run] {
        subscription.runs(stretches.map { $0.marked() })
    }

    /// What was billed, or is to be, for a window of a plan. Time given back counts against the line that it corrects.
    private func lines(
        in window: Run.Window, of plan: String, with found: [Candidate]
    ) throws(MoneyFault) -> Money {
        var total = Money.zero(currency)
        let billed = existing.charges.map(\.line) + existing.usage
        for line in billed + found.map(\.line) where line.counts(in: window, of: plan) {
            total = try total + line.amount
        }
        let credits =
            existing.credits.map { ($0.line, $0.of) }
            + found.compactMap { candidate in
                if case .credit(let corrected, _, _, _, _) = candidate.line.explanation {
                    (candidate.line, corrected)
                } else {
                    nil
                }
            }
        for (line, corrected) in credits
        where existing.charge(at: corrected)?.line.counts(in: window, of: plan) ?? false {
            total = try total + line.amount
        }
        return total
    }
}

extension Stretch {
    /// The stretch with nothing but a mark that lasts as long as the plan.
    fileprivate func marked() -> Stretch {
        let mark = Price(code: plan.code, model: .flat(amount: .zero(plan.currency)), timing: .inArrears)
        let bare = Plan(
            code: plan.code, name: plan.name, currency: plan.currency, interval: plan.interval, prices: [mark],
            minimum: plan.minimum)
        return Stretch(
            start: start, end: end, plan: bare, addOns: [], quantities: [:], anchor: anchor,
            anchored: anchored, billing: billing, waitsSince: waitsSince)
    }
}

extension InvoiceLine {
    /// The charge that it explains, for time or for usage.
    var charge: Explanation.Charge? {
        switch explanation {
        case .charge(let charge), .usage(let charge, _): charge
        default: nil
        }
    }

    /// Whether it bills usage of that run's price from that day on.
    fileprivate func bills(_ run: Run, _ code: String, from start: LocalDate) -> Bool {
        self.code == code && period?.start == start && charge?.basis.plan == run.plan
    }

    /// Whether it bills usage of the same window.
    fileprivate func bills(like line: InvoiceLine) -> Bool {
        code == line.code && period?.start == line.period?.start && charge?.basis.plan == line.charge?.basis.plan
    }

    /// Whether it is one of the charges that a plan's minimum asks for.
    fileprivate func counts(in window: Run.Window, of plan: String) -> Bool {
        guard let charge, kind == .proration || kind == .recurring || kind == .usage, let span else { return false }
        // Usage counts by days, also where all else counts by seconds.
        let start =
            kind == .usage
            ? max(span.start, Moment(date: span.start.date, second: window.span.start.second)) : span.start
        return (charge.basis.plan ?? plan) == plan && start >= window.span.start && start < window.span.end
    }
}
