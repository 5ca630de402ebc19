internal import Billing
internal import Dates
public import Money

/// Lines that are to become one invoice of a customer, with discounts and taxes, and what they add up to.
public struct DraftInvoice: Hashable, Sendable {
    /// In the order of the invoice.
    public let lines: [InvoiceLine]
    /// The sum of the lines before tax.
    public let subtotal: Money
    public let tax: Money
    public let total: Money

    /// Works out discounts and taxes of those charges, which stand in the order of the invoice.
    init(_ charges: [InvoiceLine], for account: Account, on date: LocalDate) throws(MoneyFault) {
        var discounts = Discounts(account, lines: charges, on: date)
        try discounts.takePlanDiscounts()
        try discounts.takeCoupons()
        var lines = discounts.lines
        let taxLines = try Self.tax(&lines, for: account)
        self.lines = lines + discounts.discounts + taxLines
        subtotal = try Money.sum((lines + discounts.discounts).map(\.amount), in: account.currency)
        tax = try Money.sum(taxLines.map(\.amount), in: account.currency)
        total = try subtotal + tax
    }

    /// Taxes every line at the customer's rates, one that gives back at those of the line that it corrects, and returns
    /// a line for each rate.
    private static func tax(
        _ lines: inout [InvoiceLine], for account: Account
    ) throws(MoneyFault) -> [InvoiceLine] {
        var nets: [(code: String, percent: Rational, nets: [Money])] = account.settings.taxRates.map {
            ($0.code, $0.percent, [])
        }
        for index in lines.indices {
            let net = try lines[index].net
            for (code, percent) in account.rates(of: lines[index]) {
                lines[index].taxes.append(
                    InvoiceLine.TaxShare(code: code, percent: percent, amount: try Explanation.tax(percent, on: net)))
                if let rate = nets.firstIndex(where: { $0.code == code && $0.percent == percent }) {
                    nets[rate].nets.append(net)
                } else {
                    nets.append((code, percent, [net]))
                }
            }
        }
        var taxes: [InvoiceLine] = []
        for rate in nets where !rate.nets.isEmpty {
            let explanation = Explanation.tax(rate.percent, of: rate.nets)
            let amount = try explanation.evaluate()
            guard !amount.isZero else { continue }
            taxes.append(InvoiceLine(kind: .tax, code: rate.code, amount: amount, explanation: explanation))
        }
        return taxes
    }
}

extension Account {
    /// The rates that a new line of this customer bears.
    var taxRates: [TaxRate] { isTaxExempt ? [] : settings.taxRates.filter { $0.applies(to: address) } }

    fileprivate func rates(of line: InvoiceLine) -> [(code: String, percent: Rational)] {
        if case .credit(let corrected, _, _, _, _) = line.explanation {
            return invoices[corrected.invoice].lines[corrected.line].taxes.map { ($0.code, $0.percent) }
        }
        return taxRates.map { ($0.code, $0.percent) }
    }
}
