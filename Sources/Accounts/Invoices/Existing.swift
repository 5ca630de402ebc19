internal import Billing
internal import Dates
internal import Money

/// What has been billed of one subscription, as reconciliation compares it.
struct Existing {
    /// A line for time, and how much of it stands.
    struct Charge {
        let reference: LineReference
        let line: InvoiceLine
        let basis: Explanation.Basis
        let invoice: Invoice
        /// What has not been given back of its time.
        var standing: [Span]
        /// What has not been given back of its net, by credit lines and notes.
        var left: Money
    }

    /// In the order in which they were billed.
    private(set) var charges: [Charge] = []
    private var places: [LineReference: Int] = [:]
    private(set) var usage: [InvoiceLine] = []
    private(set) var minimums: [InvoiceLine] = []
    private(set) var credits: [(line: InvoiceLine, of: LineReference)] = []
    private(set) var oneTime: Set<String> = []

    init(of subscription: String, in account: Account) throws(MoneyFault) {
        for invoice in account.invoices where !invoice.isWithdrawn {
            for (reference, line) in invoice.references where line.subscription == subscription {
                try add(line, at: reference, on: invoice)
            }
        }
        for note in account.notes {
            for share in note.shares {
                try take(share.net, of: LineReference(invoice: note.invoice, line: share.line))
            }
        }
    }

    private mutating func add(
        _ line: InvoiceLine, at reference: LineReference, on invoice: Invoice
    ) throws(MoneyFault) {
        switch line.explanation {
        case .charge(let charge):
            if line.kind == .oneTime { oneTime.insert(line.code) }
            guard let span = line.span, line.kind != .oneTime else { return }
            let left = invoice.state == .void ? Money.zero(line.amount.currency) : try line.net
            places[reference] = charges.count
            charges.append(
                Charge(
                    reference: reference, line: line, basis: charge.basis, invoice: invoice, standing: [span],
                    left: left))
        case .usage: usage.append(line)
        case .minimum: minimums.append(line)
        case .credit(let corrected, _, _, _, _):
            credits.append((line, corrected))
            guard let span = line.span, let index = places[corrected] else { return }
            charges[index].standing = charges[index].standing.flatMap { $0.subtracting([span]) }
            charges[index].left = try charges[index].left + line.amount
        case .percentOff, .amountOff, .tax, .given: break
        }
    }

    private mutating func take(_ amount: Money, of reference: LineReference) throws(MoneyFault) {
        guard let index = places[reference] else { return }
        let left = try charges[index].left - amount
        charges[index].left = left.isNegative ? .zero(left.currency) : left
    }

    /// The charge at that place, if it is one.
    func charge(at reference: LineReference) -> Charge? { places[reference].map { charges[$0] } }

    /// What stands of each price on each basis.
    func standing() -> [Key: StandingTime] {
        var spans: [Key: [Span]] = [:]
        for charge in charges {
            spans[Key(code: charge.line.code, basis: charge.basis), default: []] += charge.standing
        }
        return spans.mapValues { StandingTime($0) }
    }

    struct Key: Hashable {
        let code: String
        let basis: Explanation.Basis
    }
}

/// Billed time, so kept that what lies in a span is found without looking at all of it.
struct StandingTime {
    /// By their starts.
    private let spans: [Span]
    /// The longest of them reaches so many days.
    private let reach: Int

    init(_ spans: [Span]) {
        self.spans = spans.sorted { $0.start < $1.start }
        reach = spans.map { $0.start.date.days(until: $0.end.date) }.max() ?? 0
    }

    /// The spans that have time in common with that one.
    func overlapping(_ span: Span) -> ArraySlice<Span> {
        let earliest = span.start.date.adding(days: -reach)
        var (low, high) = (0, spans.count)
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].start.date < earliest { low = middle + 1 } else { high = middle }
        }
        return spans[low...].prefix { $0.start < span.end }
    }
}
