public import Billing
public import Dates
public import Money

/// A subscription's time between two changes, in which everything that decides its price stays the same.
public struct Stretch: Hashable, Sendable {
    public let start: Moment
    /// `nil`: for ever, as things stand.
    public let end: Moment?
    public let plan: Plan
    public let addOns: [Price]
    public let quantities: [String: Rational]
    public let anchor: Anchor
    /// When the anchor was chosen; on its own day cycle 0 begins then and not at midnight.
    public let anchored: Moment
    public let billing: Billing
    /// Since when lines that a change at its start brings wait for the next invoice, if they do.
    public let waitsSince: Instant?

    public enum Billing: Hashable, Sendable {
        case billed
        /// Nothing is billed, and what was is given back.
        case givenBack
        /// Nothing is billed, and what was stands.
        case kept
    }

    /// The plan's prices in their order, then the add-ons.
    var prices: [Price] { plan.prices + addOns }

    func interval(of price: Price) -> BillingInterval { price.interval ?? plan.interval }

    /// The cycle of that number, counted from the anchor.
    func cycle(_ index: Int, every interval: BillingInterval, _ calendar: BillingCalendar) -> Span {
        func boundary(_ index: Int) -> Moment {
            index == 0 && anchored.date == anchor.date
                ? anchored : calendar.moment(anchor.boundary(index, every: interval))
        }
        guard let cycle = Span(boundary(index), boundary(index + 1)) else {
            preconditionFailure("cycle \(index) of \(anchor.date) is empty")
        }
        return cycle
    }

    /// A unit that is not named counts 1.
    func quantity(of price: Price) -> Rational { price.model.unit.map { quantities[$0] ?? .one } ?? .one }
}

extension Subscription {
    /// The subscription's time from its first billed day on, cut wherever a change takes effect.
    public func stretches(_ calendar: BillingCalendar) -> [Stretch] {
        var builder = built(calendar)
        return builder.finished(knownEnd: knownEnd)
    }

    private func built(_ calendar: BillingCalendar) -> StretchBuilder {
        var builder = StretchBuilder(self, calendar)
        let ordered = changes.enumerated().sorted {
            ($0.element.effective, $0.offset) < ($1.element.effective, $1.offset)
        }
        for (_, change) in ordered { builder.apply(change) }
        return builder
    }

    /// What was there of days on which it both began and ended: no time that costs anything, and yet some that was used.
    func endedOnFirstDay(_ calendar: BillingCalendar) -> [Stretch] {
        if ends.isEmpty || calendar.unit == .second { return [] }
        return built(calendar).endedAtOnce
    }

    /// When it will end as things stand: nothing is billed past it, and nothing given back.
    public var knownEnd: LocalDate? {
        let cancelled = pending.first { if case .cancel = $0.kind { true } else { false } }?.date
        let termEnd = term.flatMap { $0.renews ? nil : $0.end }
        return [cancelled, termEnd].compactMap(\.self).min()
    }
}

/// Works through changes in the order in which they take effect.
private struct StretchBuilder {
    private let subscription: Subscription
    private let calendar: BillingCalendar
    private let first: Moment
    private var stretches: [Stretch] = []
    /// What an end found that had begun on its very day; of each day the last.
    private(set) var endedAtOnce: [Stretch] = []
    private var since: Moment
    private var waitsSince: Instant?
    private var plan: Plan
    private var addOns: [Price] = []
    private var quantities: [String: Rational] = [:]
    private var billingDay: Int?
    private var anchor: Anchor
    private var anchored: Moment
    private var billing = Stretch.Billing.billed

    init(_ subscription: Subscription, _ calendar: BillingCalendar) {
        self.subscription = subscription
        self.calendar = calendar
        plan = subscription.plan
        billingDay = subscription.billingDay
        let day = subscription.firstBilledDay
        let begun = subscription.changes.enumerated().last { place, change in
            change.effective.date == day && (place == 0 || change.kind == .restart)
        }
        first = begun?.element.effective ?? calendar.moment(day)
        since = first
        anchor = Anchor(day)
        anchored = first
    }

    mutating func apply(_ change: Change) {
        let moment = max(change.effective, first)
        if case .end = change.kind, billing == .billed, since == change.effective { endAtOnce() }
        close(at: moment)
        waitsSince = change.waits ? change.recorded : nil
        switch change.kind {
        case .plan(let next): take(next, at: moment, isFirst: stretches.isEmpty && moment == first)
        case .quantity(let unit, let quantity): quantities[unit] = quantity
        case .addPrice(let price): addOns = addOns.filter { $0.code != price.code } + [price]
        case .removePrice(let code):
            addOns.removeAll { $0.code == code }
            plan = plan.without(code)
        case .billingDay(let day):
            billingDay = day
            set(Anchor(billingDay: day, from: moment.date), at: moment)
        case .block(let givesBack): billing = givesBack ? .givenBack : .kept
        case .unblock: billing = .billed
        case .end(let givesBack): billing = givesBack ? .givenBack : .kept
        case .restart:
            billing = .billed
            set(newAnchor(plan.interval, from: moment.date), at: moment)
        }
    }

    private mutating func set(_ anchor: Anchor, at moment: Moment) {
        self.anchor = anchor
        anchored = moment
    }

    private mutating func take(_ next: Plan, at moment: Moment, isFirst: Bool) {
        if isFirst {
            set(newAnchor(next.interval, from: first.date), at: first)
        } else if next.interval != plan.interval {
            let index = anchor.index(of: moment.date, every: plan.interval)
            let isBoundary =
                anchor.boundary(index, every: plan.interval) == moment.date && plan.interval.isOfMonths
            if billingDay == nil, subscription.align == .anniversary, isBoundary {
                set(Anchor(moment.date, day: anchor.day), at: moment)
            } else {
                set(newAnchor(next.interval, from: moment.date), at: moment)
            }
        }
        plan = next
    }

    private func newAnchor(_ interval: BillingInterval, from date: LocalDate) -> Anchor {
        if let billingDay { return Anchor(billingDay: billingDay, from: date) }
        return subscription.align == .calendar ? Anchor(calendar: interval, from: date) : Anchor(date)
    }

    private mutating func endAtOnce() {
        if endedAtOnce.last?.start == since { endedAtOnce.removeLast() }
        endedAtOnce.append(stretch(until: since))
    }

    private mutating func close(at moment: Moment) {
        guard since < moment else { return }
        stretches.append(stretch(until: moment))
        since = moment
    }

    private func stretch(until end: Moment?) -> Stretch {
        Stretch(
            start: since, end: end, plan: plan, addOns: addOns, quantities: quantities,
            anchor: anchor, anchored: anchored, billing: billing, waitsSince: waitsSince)
    }

    mutating func finished(knownEnd: LocalDate?) -> [Stretch] {
        if let knownEnd, billing == .billed {
            close(at: max(calendar.moment(knownEnd), since))
            billing = .kept
        }
        return stretches + [stretch(until: nil)]
    }
}

extension BillingInterval {
    /// Whether its cycles keep a day of the month, which another interval can go on with.
    fileprivate var isOfMonths: Bool { if case .months = self { true } else { false } }
}

extension Subscription {
    /// The months of the term for which it was sold; a new start leaves that behind.
    func termMonths(at moment: Moment) -> Int? {
        changes.contains { $0.kind == .restart && $0.effective <= moment } ? nil : soldMonths ?? term?.months
    }
}

extension Plan {
    func without(_ code: String) -> Plan { with(prices.filter { $0.code != code }) }
}
