internal import Billing
public import Dates
internal import Money

/// A usage event as it was counted.
public struct CountedUsage: Hashable, Sendable {
    public let event: UsageEvent
    public let time: Instant
    /// Local to the customer.
    public let date: LocalDate

    public init(event: UsageEvent, time: Instant, date: LocalDate) {
        self.event = event
        self.time = time
        self.date = date
    }
}

/// A customer's metered usage, and which of its subscriptions each event belongs to.
struct Meters {
    private let events: [String: [CountedUsage]]
    private let metrics: [String: Metric]
    /// The time in which a subscription bills a metric, the subscriptions in order.
    private let claims: [String: [(subscription: Int, spans: [Span])]]

    init(_ account: Account) {
        // By time, those of one instant in the order in which they came.
        events = Dictionary(grouping: account.usage) { $0.event.metric }.mapValues { events in
            events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        }
        metrics = Dictionary(account.catalogue.metrics.map { ($0.code, $0) }) { first, _ in first }
        var claims: [String: [(subscription: Int, spans: [Span])]] = [:]
        guard !account.usage.isEmpty else {
            self.claims = [:]
            return
        }
        for subscription in account.subscriptions {
            let runs = subscription.runs(subscription.stretches(account.calendar))
            for (metric, spans) in Self.claimed(by: runs, account.calendar) {
                claims[metric, default: []].append((subscription.ordinal, spans))
            }
        }
        self.claims = claims
    }

    private static func claimed(by runs: [Run], _ calendar: BillingCalendar) -> [String: [Span]] {
        var spans: [String: [Span]] = [:]
        for run in runs {
            guard let metric = run.price.model.metric,
                let span = Span(run.start, run.end ?? .latest)
            else { continue }
            spans[metric, default: []].append(span)
        }
        return spans
    }

    /// The events of those dates that no earlier subscription bills, up to an instant.
    private func events(
        of metric: String, in period: Period, until: Instant?, for subscription: Int
    ) -> [CountedUsage] {
        let earlier = (claims[metric] ?? []).filter { $0.subscription < subscription }.flatMap(\.spans)
        return (events[metric] ?? []).filter { usage in
            period.contains(usage.date) && until.map { usage.time <= $0 } ?? true
                && !earlier.contains { $0.start.date <= usage.date && usage.date < $0.end.date }
        }
    }

    /// What a period's events come to. For a level, days count as parts of the cycle.
    func quantity(
        of metric: String, in period: Period, until: Instant?, cycle: Period, for subscription: Int
    ) throws(MoneyFault) -> (quantity: Rational, events: Int) {
        let counted = events(of: metric, in: period, until: until, for: subscription)
        guard let definition = metrics[metric] else { return (.zero, 0) }
        switch definition.aggregation {
        case .count: return (Rational(counted.count), counted.count)
        case .unique:
            let field = definition.field ?? ""
            return (Rational(Set(counted.compactMap { $0.event.properties[field] }).count), counted.count)
        case .sum:
            var sum = Rational.zero
            for usage in counted { sum = try sum + definition.value(of: usage.event) }
            return (sum, counted.count)
        case .max:
            var most = Rational.zero
            for usage in counted { most = max(most, try definition.value(of: usage.event)) }
            return (most, counted.count)
        case .last:
            return (
                try counted.last.map { (usage) throws(MoneyFault) in try definition.value(of: usage.event) } ?? .zero,
                counted.count
            )
        case .timeWeighted: return (try level(definition, period, until, cycle), counted.count)
        }
    }

    /// The level that was held, by days: an event sets it from its day on, the day's last wins, and it carries over.
    private func level(
        _ metric: Metric, _ period: Period, _ until: Instant?, _ cycle: Period
    ) throws(MoneyFault) -> Rational {
        var total = Rational.zero
        var held = Rational.zero
        var since = period.start
        for usage in events[metric.code] ?? []
        where usage.date < period.end && until.map({ usage.time <= $0 }) ?? true {
            if usage.date > since {
                total = try total + held * Rational(since.days(until: usage.date))
                since = usage.date
            }
            held = try metric.value(of: usage.event)
        }
        total = try total + held * Rational(since.days(until: period.end))
        return try total / Rational(cycle.days)
    }
}

extension Metric {
    /// What an event counts: its quantity, or the property that the metric names.
    fileprivate func value(of event: UsageEvent) throws(MoneyFault) -> Rational {
        guard let field else { return event.quantity }
        // What is no number counts nothing.
        return event.properties[field].flatMap { try? Rational(parsing: $0) } ?? .zero
    }
}
