internal import Billing
internal import Dates
internal import Money

/// One subscription's time set against what was billed of it.
struct SubscriptionTime {
    let subscription: Subscription
    let stretches: [Stretch]
    let runs: [Run]
    let ends: [Change]
    let existing: Existing
    let account: Account
    let date: LocalDate

    var calendar: BillingCalendar { account.calendar }
    var currency: Currency { account.currency }

    /// The price that holds in a cycle.
    func price(_ run: Run, in cycle: Span) -> Price {
        account.price(run.price, of: run.plan, to: subscription, on: cycle.start.date)
    }

    /// Whether a line waits for the next invoice: a change that said so brought it, to a cycle that was billed before.
    private func wait(_ run: Run, _ price: Price, _ cycle: Span) -> Candidate.Wait {
        guard let since = run.stretch.waitsSince, !price.isInArrears, calendar.midnight(cycle.start.date) < since else {
            return .no
        }
        return .since(since)
    }

    /// What has fallen due of the prices for time, less what stands.
    func charges() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        let standing = existing.standing()
        for run in runs where run.price.model.isForTime {
            let end = end(after: run)
            for window in run.windows(by: date, calendar) {
                let price = price(run, in: window.cycle)
                guard due(window, price, end) <= date else { continue }
                let basis = run.basis(price, quantity: run.quantity)
                let billed = standing[Existing.Key(code: price.code, basis: basis)]?.overlapping(window.span) ?? []
                for span in window.span.subtracting(billed) {
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
        return candidate(line, rank: run.rank, wait: wait(run, price, window.cycle))
    }

    func candidate(_ line: InvoiceLine, rank: Int, wait: Candidate.Wait = .no) -> Candidate {
        Candidate(line: line, subscription: subscription.ordinal, rank: (rank, 0, 0), wait: wait)
    }

    /// In advance on the first day; in arrears when the cycle or the subscription has ended.
    func due(_ window: Run.Window, _ price: Price, _ end: Change?) -> LocalDate {
        guard price.isInArrears else { return window.span.start.date }
        return min(window.closes, max(end?.effective.date ?? window.closes, window.span.start.date))
    }

    /// The end of the subscription that followed on a run; none if it goes on, as one after a new start does.
    func end(after run: Run) -> Change? {
        run.end.flatMap { last in ends.first { $0.effective.date >= last.date } }
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
            found.append(candidate(line, rank: run.rank, wait: .init(run.stretch)))
        }
        return found
    }

    /// What was billed for time that is no longer right: other plan, price or quantity, or not billed at all.
    func credits() throws(MoneyFault) -> [Candidate] {
        var found: [Candidate] = []
        for charge in existing.charges where !charge.standing.isEmpty {
            let right = stillRight(charge)
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
    private func stillRight(_ charge: Existing.Charge) -> [Span] {
        var spans: [Span] = []
        guard let first = charge.standing.first, let last = charge.standing.last else { return [] }
        for run in runs where run.price.code == charge.line.code {
            for window in run.windows(after: first.start.date, by: last.end.date, calendar) {
                let price = price(run, in: window.cycle)
                if run.basis(price, quantity: run.quantity) == charge.basis { spans.append(window.span) }
            }
        }
        for stretch in stretches where stretch.billing == .kept {
            let end = stretch.end ?? calendar.moment(max(last.end.date, stretch.start.date).adding(days: 1))
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
        let wait = stretches.last { $0.start <= piece.start }.map { Candidate.Wait($0) } ?? .no
        return Candidate(
            line: line, subscription: subscription.ordinal,
            rank: (rank(of: charge), charge.reference.invoice, charge.reference.line), wait: wait)
    }

    /// The place of a charge's price in its plan, also where a change for the past has done away with its time.
    private func rank(of charge: Existing.Charge) -> Int {
        let (code, plan) = (charge.line.code, charge.basis.plan)
        if let run = runs.last(where: { $0.price.code == code && $0.plan == plan }) { return run.rank }
        return plan.flatMap { account.catalogue[plan: $0]?.prices.firstIndex { $0.code == code } } ?? Run.addOnRank
    }

    /// `nil` where the whole line is given back.
    private func paidShare(_ invoice: Invoice) throws(MoneyFault) -> Fraction? {
        guard account.settings.proration.credit == .paid || invoice.state == .uncollectible else { return nil }
        guard invoice.total.isPositive else { return nil }
        let paid = try invoice.paid + invoice.creditApplied
        return Fraction(max(0, min(paid.minorUnits, invoice.total.minorUnits)), of: invoice.total.minorUnits)
    }
}

extension Candidate.Wait {
    /// Of the lines that the change at a stretch's start brings.
    init(_ stretch: Stretch) { self = stretch.waitsSince.map { .since($0) } ?? .no }
}

extension Account {
    /// The price that holds in the cycle that begins on `date`: the one that was sold, or a later one to which the
    /// seller moved everybody. `plan` is `nil` for an add-on.
    func price(_ price: Price, of plan: String?, to subscription: Subscription, on date: LocalDate) -> Price {
        guard let plan, !subscription.isAgreed(price, of: plan) else { return price }
        let moved = catalogue[plan: plan]?.prices.filter { version in
            guard version.code == price.code, let from = version.movesExistingFrom else { return false }
            return from <= date && version.effectiveFrom ?? .earliest > price.effectiveFrom ?? .earliest
        }
        return moved?.max { ($0.effectiveFrom ?? .earliest) < ($1.effectiveFrom ?? .earliest) } ?? price
    }
}

extension Subscription {
    /// Whether that price was agreed when it was taken; on another plan nothing is.
    func isAgreed(_ price: Price, of plan: String) -> Bool {
        guard dealPrices.contains(price.code), case .plan(let first)? = changes.first?.kind else { return false }
        return first.code == plan
    }
}

extension PriceModel {
    /// Whether it bills time: not usage, and not once.
    var isForTime: Bool {
        if case .oneTime = self { return false }
        return metric == nil
    }
}
