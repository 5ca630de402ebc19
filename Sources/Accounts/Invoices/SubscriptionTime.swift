internal import Billing
internal import Dates
internal import Money

/// One subscription's time set against what was billed of it.
struct SubscriptionTime {
    let subscription: Subscription
    let stretches: [Stretch]
    let runs: [Run]
    let ends: [Subscription.End]
    let existing: Existing
    let account: Account
    let date: LocalDate

    var calendar: BillingCalendar { account.calendar }
    var currency: Currency { account.currency }

    /// The price that holds in a cycle.
    func price(_ run: Run, in cycle: Span) -> Price {
        account.price(
            run.price, of: run.plan, soldOn: run.stretch.planSince, to: subscription, on: cycle.start.date)
    }

    /// Whether the first line of a run waits for the next invoice: a change that said so brought it.
    private func waits(_ span: Span, _ run: Run, _ cycle: Span) -> Bool {
        run.stretch.waits && span.start == run.start && span.start != cycle.start
    }

    /// What has fallen due of the prices for time, less what stands.
    func charges() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        for run in runs where run.price.model.isForTime {
            let standing = existing.charges.filter { $0.line.code == run.price.code }.flatMap { charge in
                charge.standing.map { (span: $0, basis: charge.basis) }
            }
            for window in run.windows(by: date, calendar) {
                let here = standing.filter { $0.span.intersection(window.span) != nil }
                let price = price(run, in: window.cycle)
                guard due(window, price, end(after: run)) <= date else { continue }
                let basis = run.basis(price, quantity: run.quantity)
                for span in window.span.subtracting(here.filter { $0.basis == basis }.map(\.span)) {
                    found.append(try charge(span, window, run, price, basis))
                }
            }
        }
        return found
    }

    private func charge(
        _ span: Span, _ window: Run.Window, _ run: Run, _ price: Price, _ basis: Explanation.Basis
    ) throws(MoneyFault) -> Candidate {
        let part = span == window.cycle ? nil : calendar.fraction(span, of: window.cycle, every: run.interval)
        let charge = Explanation.Charge(basis: basis, currency: currency, part: part)
        let line = InvoiceLine(
            kind: part == nil ? .recurring : .proration, code: price.code, subscription: subscription.code, span: span,
            quantity: run.quantity, factor: part, amount: try charge.evaluate(), explanation: .charge(charge))
        return candidate(line, rank: run.rank, waits: waits(span, run, window.cycle))
    }

    func candidate(_ line: InvoiceLine, rank: Int, waits: Bool = false) -> Candidate {
        Candidate(line: line, subscription: subscription.ordinal, rank: (rank, 0), waits: waits)
    }

    /// In advance on the first day; in arrears when the cycle or the subscription has ended.
    func due(_ window: Run.Window, _ price: Price, _ end: Subscription.End?) -> LocalDate {
        guard price.isInArrears else { return window.span.start.date }
        return min(window.closes, max(end?.date ?? window.closes, window.span.start.date))
    }

    /// The end of the subscription that followed on a run; none if it goes on, as one after a new start does.
    func end(after run: Run) -> Subscription.End? {
        run.end.flatMap { last in ends.first { $0.date >= last.date } }
    }

    /// One-time prices fall due once, with the first invoice that has them.
    func oneTime() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        var codes = existing.oneTime
        for run in runs {
            guard case .oneTime(let amount) = run.price.model, run.start.date <= date,
                codes.insert(run.price.code).inserted
            else { continue }
            let charge = Explanation.Charge(basis: run.basis(run.price, quantity: .one), currency: currency)
            let line = InvoiceLine(
                kind: .oneTime, code: run.price.code, subscription: subscription.code, quantity: .one, amount: amount,
                explanation: .charge(charge))
            found.append(candidate(line, rank: run.rank, waits: run.stretch.waits))
        }
        return found
    }

    /// What was billed for time that is no longer right: other plan, price or quantity, or not billed at all.
    func credits() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        let horizon = max(date, existing.horizon ?? date)
        for charge in existing.charges where !charge.standing.isEmpty {
            let right = stillRight(charge, by: horizon)
            var left = charge.left
            for piece in charge.standing.flatMap({ $0.subtracting(right) }) {
                let credit = try self.credit(piece, of: charge, left: left)
                left = try left + credit.line.amount
                found.append(credit)
            }
        }
        return found
    }

    /// The time in which that charge is what ought to be billed, or stands though it is not.
    private func stillRight(_ charge: Existing.Charge, by horizon: LocalDate) -> [Span] {
        guard let whole = charge.line.span else { return [] }
        var spans: [Span] = []
        for run in runs where run.price.code == charge.line.code && run.start < whole.end {
            for window in run.windows(from: whole.start.date, by: min(horizon, whole.end.date), calendar) {
                let price = price(run, in: window.cycle)
                if run.basis(price, quantity: run.quantity) == charge.basis { spans.append(window.span) }
            }
        }
        for stretch in stretches where stretch.billing == .kept {
            let end = stretch.end ?? calendar.moment(max(horizon, stretch.start.date).adding(days: 1))
            if let span = Span(stretch.start, end) { spans.append(span) }
        }
        return spans
    }

    private func credit(
        _ piece: Span, of charge: Existing.Charge, left: Money
    ) throws(MoneyFault) -> Candidate {
        guard let whole = charge.line.span else { preconditionFailure("a charge for no time") }
        let part = calendar.fraction(piece, of: whole, every: charge.basis.interval)
        let explanation = Explanation.credit(
            of: charge.reference, net: try charge.line.net, part: part, paid: try paidShare(charge.invoice), left: left)
        let line = InvoiceLine(
            kind: .credit, code: charge.line.code, subscription: subscription.code, span: piece,
            quantity: charge.line.quantity, factor: part, amount: try explanation.evaluate(), explanation: explanation)
        let waits = stretches.last { $0.start <= piece.start }?.waits ?? false
        return Candidate(
            line: line, subscription: subscription.ordinal, rank: (charge.reference.invoice, charge.reference.line),
            waits: waits)
    }

    /// `nil` where the whole line is given back.
    private func paidShare(_ invoice: Invoice) throws(MoneyFault) -> Fraction? {
        guard account.settings.proration.credit == .paid || invoice.state == .uncollectible else { return nil }
        guard invoice.total.isPositive else { return nil }
        let paid = try invoice.paid + invoice.creditApplied
        return Fraction(max(0, min(paid.minorUnits, invoice.total.minorUnits)), of: invoice.total.minorUnits)
    }
}

extension Account {
    /// The price that holds in the cycle that begins on `date`: the one that was sold, or a later one to which the
    /// seller moved everybody. `plan` is `nil` for an add-on.
    func price(
        _ price: Price, of plan: String?, soldOn sold: LocalDate, to subscription: Subscription, on date: LocalDate
    ) -> Price {
        guard let plan, !subscription.dealPrices.contains(price.code) else { return price }
        let moved = catalogue[plan: plan]?.prices.filter { version in
            guard version.code == price.code, let from = version.movesExistingFrom else { return false }
            return from <= date && version.effectiveFrom.map { $0 > sold } ?? false
        }
        return moved?.max { ($0.effectiveFrom ?? .earliest) < ($1.effectiveFrom ?? .earliest) } ?? price
    }
}

extension PriceModel {
    /// Whether it bills time: not usage, and not once.
    var isForTime: Bool {
        if case .oneTime = self { return false }
        return metric == nil
    }
}
