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

    private(set) var charges: [Charge] = []
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
            charges.append(
                Charge(
                    reference: reference, line: line, basis: charge.basis, invoice: invoice, standing: [span],
                    left: left))
        case .usage: usage.append(line)
        case .minimum: minimums.append(line)
        case .credit(let corrected, _, _, _, _):
            credits.append((line, corrected))
            guard let span = line.span, let index = charges.firstIndex(where: { $0.reference == corrected }) else {
                return
            }
            charges[index].standing = charges[index].standing.flatMap { $0.subtracting([span]) }
            charges[index].left = try charges[index].left + line.amount
        case .percentOff, .amountOff, .tax, .given: break
        }
    }

    private mutating func take(_ amount: Money, of reference: LineReference) throws(MoneyFault) {
        guard let index = charges.firstIndex(where: { $0.reference == reference }) else { return }
        let left = try charges[index].left - amount
        charges[index].left = left.isNegative ? .zero(left.currency) : left
    }

    /// The last day of what was billed in advance.
    var horizon: LocalDate? { charges.compactMap { $0.line.span?.end.date }.max() }
}
