internal import Billing
internal import Dates
public import Money

extension Account {
    /// How all that was billed, noted and voided is earned, in the order of invoices, then notes, then voids; amounts
    /// of zero are left out. A write-off changes none of it, and a refund is a credit note.
    public func revenueSchedules() throws(MoneyFault) -> [RevenueSchedule] {
        var schedules: [RevenueSchedule] = []
        for invoice in invoices {
            for (line, net) in try invoice.allocated(invoice.nets) {
                schedules.append(earning(net, of: line, on: invoice))
            }
        }
        for (number, note) in notes.enumerated() {
            let invoice = invoices[note.invoice]
            let nets = try note.shares.map { (share) throws(MoneyFault) in (share.line, try share.net.negated()) }
            for (line, net) in try invoice.allocated(nets) {
                let reference = LineReference(invoice: note.invoice, line: line)
                schedules.append(
                    earning(net, of: line, on: invoice).takenBack(as: .note(number, of: reference), on: note.date))
            }
        }
        for invoice in invoices {
            guard let date = invoice.voidedOn else { continue }
            for (line, net) in try invoice.allocated(left(of: invoice)) {
                let source = RevenueSchedule.Source.void(LineReference(invoice: invoice.ordinal, line: line))
                schedules.append(
                    earning(try net.negated(), of: line, on: invoice).takenBack(as: source, on: date))
            }
        }
        return schedules.filter { !$0.amount.isZero }
    }

    /// What notes have left of its lines.
    private func left(of invoice: Invoice) throws(MoneyFault) -> [(line: Int, net: Money)] {
        var nets = try invoice.nets
        for note in notes where note.invoice == invoice.ordinal {
            for share in note.shares {
                guard let index = nets.firstIndex(where: { $0.line == share.line }) else { continue }
                nets[index].net = try nets[index].net - share.net
            }
        }
        return nets
    }

    /// In advance never before the month of the invoice; in arrears as earned; usage and a minimum on their last day,
    /// unless they come late; what has no time of its own at issue.
    private func earning(_ net: Money, of index: Int, on invoice: Invoice) -> RevenueSchedule {
        let line = invoice.lines[index]
        let billed = invoice.date.firstOfMonth
        var time = Period.day(invoice.date)
        var notBefore: LocalDate? = billed
        switch line.explanation {
        case .charge(let charge):
            guard let span = line.span, line.kind != .oneTime else { break }
            time = span.days
            if charge.basis.timing == .inArrears { notBefore = nil }
        case .credit:
            if let span = line.span { time = span.days }
        case .given:
            if let period = line.obligation?.period { time = period }
        case .usage, .minimum:
            guard let span = line.span, !isLate(line, span, on: invoice) else { break }
            time = .day(span.days.end.adding(days: -1))
            notBefore = nil
        case .percentOff, .amountOff, .tax: break
        }
        return RevenueSchedule(
            source: .line(LineReference(invoice: invoice.ordinal, line: index)), amount: net, billed: billed,
            time: time,
            notBefore: notBefore)
    }

    /// Whether a line for usage, or a minimum, is not on the invoice that closed its time: it corrects one that is, or
    /// its invoice is dated after the day on which all that fell due. What was changed since does not count, so a line
    /// stays in the month in which it was first put.
    private func isLate(_ line: InvoiceLine, _ span: Span, on invoice: Invoice) -> Bool {
        switch line.explanation {
        case .usage(_, let billed), .minimum(_, _, _, let billed): if !billed.isZero { return true }
        default: break
        }
        guard invoice.date > span.days.end else { return false }
        guard let subscription = subscriptions.first(where: { $0.code == line.subscription }) else { return true }
        let known = subscription.known(at: invoice.issuedAt)
        return known.closing(of: span.start, every: line.charge?.basis.interval, calendar).map { invoice.date > $0 }
            ?? true
    }
}

extension Invoice {
    /// Its charges after their discounts, before tax.
    fileprivate var nets: [(line: Int, net: Money)] {
        get throws(MoneyFault) {
            var nets: [(line: Int, net: Money)] = []
            for (index, line) in lines.enumerated() where line.isCharge { nets.append((index, try line.net)) }
            return nets
        }
    }

    /// Amounts of its lines as they are earned: all that the one-off lines come to is shared by what they promise, in
    /// proportion to what each would cost alone, by largest remainder. A one-off line that promises nothing is part of
    /// that price.
    fileprivate func allocated(_ nets: [(line: Int, net: Money)]) throws(MoneyFault) -> [(line: Int, net: Money)] {
        let promising = lines.indices.filter { lines[$0].isOneOff && lines[$0].obligation != nil }
        let weights = promising.map { Rational(lines[$0].obligation?.standalone.minorUnits ?? 0) }
        guard weights.contains(where: { $0 > .zero }) else { return nets }
        let price = try Money.sum(nets.filter { lines[$0.line].isOneOff }.map(\.net), in: total.currency)
        let shares = zip(promising, try price.split(by: weights)).map { (line: $0, net: $1) }
        return nets.filter { !lines[$0.line].isOneOff } + shares
    }
}

extension InvoiceLine {
    /// Whether it was invoiced by hand.
    fileprivate var isOneOff: Bool { if case .given = explanation { true } else { false } }
}

extension RevenueSchedule {
    /// The same time, but nothing in a month before the one in which it was taken back.
    fileprivate func takenBack(as source: Source, on date: LocalDate) -> RevenueSchedule {
        RevenueSchedule(
            source: source, amount: amount, billed: date.firstOfMonth, time: time,
            notBefore: max(date.firstOfMonth, notBefore ?? date.firstOfMonth))
    }
}

extension Subscription {
    /// When what is billed in arrears for time from `start` on fell due: at the end of its cycle, of the plan's if no
    /// interval is given, or where other cycles or the end of the subscription cut that short.
    fileprivate func closing(
        of start: Moment, every interval: BillingInterval?, _ calendar: BillingCalendar
    ) -> LocalDate? {
        let stretches = stretches(calendar)
        guard let place = stretches.lastIndex(where: { $0.start <= start }) else { return nil }
        let stretch = stretches[place]
        let interval = interval ?? stretch.plan.interval
        let cycle = stretch.anchor.index(of: start.date, every: interval)
        let cut = stretches[place...].first { $0.anchor != stretch.anchor }?.start.date
        let end = changes.last { if case .end = $0.kind { $0.effective >= start } else { false } }?.effective.date
        return [stretch.anchor.boundary(cycle + 1, every: interval), cut, end].compactMap(\.self).min()
    }

    /// The subscription as people knew it at an instant: without what was changed later, and without what only waits.
    func known(at instant: Instant) -> Subscription {
        var known = self
        known.changes = changes.filter { $0.recorded <= instant }
        known.pending = []
        known.term = nil
        return known
    }
}

extension Span {
    /// The dates on which it runs; its one day where it does not reach the next.
    fileprivate var days: Period { period ?? .day(start.date) }
}

extension Period {
    fileprivate static func day(_ date: LocalDate) -> Period { Period(start: date, end: date.adding(days: 1)) }
}
