internal import Accounts
internal import Billing
internal import Dates
internal import Money

extension Promise {
    /// Of the time that lines bill.
    static let time = [
        Promise("nothing is billed before its day") { settled in
            for invoice in settled.account.invoices {
                for line in invoice.lines {
                    guard let span = line.span else { continue }
                    switch line.explanation {
                    case .charge(let charge) where charge.basis.timing == .inAdvance:
                        if span.start.date > invoice.date, !settled.account.isBilled(until: line, on: invoice) {
                            return "\(invoice.number) \(line.code) from \(span.start.date)"
                        }
                    case .charge:
                        if span.end.date > invoice.date { return "\(invoice.number) \(line.code) to \(span.end.date)" }
                    case .usage, .minimum:
                        // A cancellation in the middle of a day bills its usage at once, to the next day.
                        if span.end.date.adding(days: -1) > invoice.date {
                            return "\(invoice.number) \(line.code) to \(span.end.date)"
                        }
                    default: break
                    }
                }
            }
            return nil
        },
        Promise("no time of a price is billed twice") { settled in
            for subscription in settled.account.subscriptions where !settled.waits(subscription) {
                var seen: [String: [Span]] = [:]
                for (code, span) in try settled.firm(subscription) {
                    if let other = seen[code]?.first(where: { $0.intersection(span) != nil }) {
                        return "\(subscription.code) \(code): \(text(span)) and \(text(other))"
                    }
                    seen[code, default: []].append(span)
                }
            }
            return nil
        },
        Promise("all time that is billed in advance is billed") { settled in
            for subscription in settled.account.subscriptions {
                for gap in try settled.gaps(of: subscription) { return "\(subscription.code) \(gap)" }
            }
            return nil
        },
        Promise("an event is counted once") { settled in
            let account = settled.account
            for metric in account.catalogue.metrics where metric.aggregation == .count {
                let events = account.usage.filter { $0.event.metric == metric.code }.count
                var billed: [String: Rational] = [:]
                for invoice in account.invoices where !invoice.isWithdrawn {
                    for line in invoice.lines {
                        guard case .usage(let charge, _) = line.explanation, charge.basis.model.metric == metric.code
                        else { continue }
                        billed[line.code] = try (billed[line.code] ?? .zero) + (line.quantity ?? .zero)
                    }
                }
                for (code, quantity) in billed where quantity > Rational(events) {
                    return "\(quantity) of \(events) as \(code)"
                }
            }
            return nil
        },
    ]

    private static func text(_ span: Span) -> String { "[\(span.start.date), \(span.end.date))" }
}

extension Settled {
    /// Whether some lines of it may wait for the next invoice.
    func waits(_ subscription: Subscription) -> Bool { subscription.changes.contains(where: \.waits) }

    /// The time for which each charge of a subscription stands.
    private func standing(
        _ subscription: Subscription
    ) -> [(reference: LineReference, line: InvoiceLine, spans: [Span])] {
        var charges: [(reference: LineReference, line: InvoiceLine, spans: [Span])] = []
        for invoice in account.invoices where !invoice.isWithdrawn {
            for (reference, line) in invoice.references where line.subscription == subscription.code {
                guard let span = line.span else { continue }
                switch line.explanation {
                case .charge: charges.append((reference, line, [span]))
                case .credit(let corrected, _, _, _, _):
                    guard let place = charges.firstIndex(where: { $0.reference == corrected }) else { continue }
                    charges[place].spans = charges[place].spans.flatMap { $0.subtracting([span]) }
                default: break
                }
            }
        }
        return charges
    }

    /// The standing time of charges that must be given back when they are no longer right: what is too small, was noted
    /// or not paid need not be.
    func firm(_ subscription: Subscription) throws -> [(code: String, span: Span)] {
        guard account.settings.proration.credit == .full else { return [] }
        return try standing(subscription).filter { charge in
            let invoice = account.invoices[charge.reference.invoice]
            return try invoice.state != .void && invoice.state != .uncollectible
                && charge.line.net.minorUnits >= Self.smallest
                && !account.notes.contains { $0.invoice == charge.reference.invoice }
        }.flatMap { charge in charge.spans.map { (charge.line.code, $0) } }
    }

    /// Less may come to nothing for a day, and lines of nothing are left out.
    private static let smallest: Int64 = 4000

    /// Days up to today for which a price in advance ought to be billed and is not.
    func gaps(of subscription: Subscription) throws -> [String] {
        // By 30/360 the 31st comes to nothing.
        guard account.settings.proration.unit != .fixed30, !waits(subscription), subscription.state != .scheduled,
            subscription.state != .trialing
        else { return [] }
        let standing = standing(subscription)
        var gaps: [String] = []
        for stretch in subscription.stretches(account.calendar) where stretch.billing == .billed {
            for price in stretch.plan.prices + stretch.addOns where try isSubstantial(price, in: stretch) {
                let end = min(stretch.end?.date ?? .latest, today.adding(days: 1))
                guard let due = Period(checking: stretch.start.date, end) else { continue }
                var left = [due]
                for charge in standing where charge.line.code == price.code {
                    for span in charge.spans {
                        guard let covered = Period(checking: span.start.date, span.end.date) else { continue }
                        left = left.flatMap { $0.without(covered) }
                    }
                }
                gaps += left.map { "\(price.code) \($0)" }
            }
        }
        return gaps
    }

    private func isSubstantial(_ price: Price, in stretch: Stretch) throws -> Bool {
        guard price.timing == .inAdvance, price.model.metric == nil else { return false }
        if case .oneTime = price.model { return false }
        let quantity = price.model.unit.map { stretch.quantities[$0] ?? .one } ?? .one
        let versions = (account.catalogue[plan: stretch.plan.code]?.prices ?? []).filter { $0.code == price.code }
        return try ([price] + versions).allSatisfy {
            try $0.model.cost(of: quantity, in: account.currency) >= Rational(Self.smallest)
        }
    }
}

extension Period {
    fileprivate func without(_ other: Period) -> [Period] {
        guard overlaps(other) else { return [self] }
        return [Period(checking: start, min(end, other.start)), Period(checking: max(start, other.end), end)]
            .compactMap(\.self)
    }
}

extension Account {
    /// Whether a line bills the rest of a cycle that has begun, of which time billed before stands: so it is where a
    /// subscription begins anew in time that was billed and not given back.
    fileprivate func isBilled(until line: InvoiceLine, on invoice: Invoice) -> Bool {
        guard line.kind == .proration else { return false }
        return invoices.prefix(invoice.ordinal).contains { other in
            other.lines.contains { before in
                guard case .charge = before.explanation, before.code == line.code, let span = before.span else {
                    return false
                }
                return before.subscription == line.subscription && span.end == line.span?.start
                    && span.start.date <= invoice.date
            }
        }
    }
}
