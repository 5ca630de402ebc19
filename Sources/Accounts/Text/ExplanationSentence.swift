internal import Billing
public import Money

/// An explanation as a person can follow it with a pocket calculator: `49.00 x (7 - 2) x 10/30 = 81.67`.
extension Explanation {
    /// In major units. `number` gives the number of the customer's invoice at a place counted from 0. Throws `overflow`
    /// where the amount itself does.
    public func sentence(number: (Int) -> String) throws(MoneyFault) -> String {
        switch self {
        case .charge(let charge): return try charge.sentence()
        case .usage(let charge, let billed): return try charge.sentence() + less(billed)
        case .credit(let reference, let net, let part, let paid, let left):
            return try credit("line \(reference.line + 1) of \(number(reference.invoice))", net, part, paid, left)
        case .minimum(let minimum, let part, let lines, let billed):
            var working = Working(minimum)
            if let part { try working.take(part) }
            let lacking = try working.amount - lines
            return try "minimum " + working.equation + "; the lines come to \(lines.decimal), so "
                + (lacking.isPositive ? lacking.decimal : "nothing") + " is lacking" + less(billed)
        case .percentOff(let percent, let base, _):
            let exact = try Rational(base.minorUnits) * percent / 100
            return "\(percent)% off \(base.decimal) = \(try evaluate().decimal)"
                + (exact.isWhole ? "" : Working.rounded)
        case .amountOff(let amount, let base, _):
            let isCapped = amount.minorUnits > base.minorUnits
            return amount.decimal
                + (isCapped ? " off, but no more than the \(base.decimal) left" : " off \(base.decimal)")
                + " = \(try evaluate().decimal)"
        case .tax(let percent, let nets): return try tax(percent, nets)
        case .given(let amount): return "\(amount.decimal) as given"
        }
    }

    private func less(_ billed: Money) throws(MoneyFault) -> String {
        billed.isZero ? "" : "; less \(billed.decimal) billed before = \(try evaluate().decimal)"
    }

    private func credit(
        _ line: String, _ net: Money, _ part: Fraction, _ paid: Fraction?, _ left: Money
    ) throws(MoneyFault) -> String {
        var working = Working(net)
        try working.take(part)
        if let paid { try working.take(paid) }
        let isCapped = try working.amount.minorUnits > left.minorUnits
        return try working.equation + (isCapped ? ", but no more than the \(left.decimal) left," : "")
            + " is given back of \(line)" + (paid.map { ", of which \($0) was paid" } ?? "")
    }

    private func tax(_ percent: Rational, _ nets: [Money]) throws(MoneyFault) -> String {
        let exact = try nets.map { (net) throws(MoneyFault) in try Rational(net.minorUnits) * percent / 100 }
        let isRounded = exact.contains { !$0.isWhole }
        let terms = nets.map { "\(percent)% x \($0.decimal)" }.joined(separator: " + ")
        let total = try evaluate().decimal
        guard nets.count > 1 else { return "\(terms) = \(total)" + (isRounded ? Working.rounded : "") }
        let taxes = try nets.map { (net) throws(MoneyFault) in try Self.tax(percent, on: net).decimal }
        return "\(terms) = \(taxes.joined(separator: " + ")) = \(total)"
            + (isRounded ? " (each rounded half away from zero)" : "")
    }
}

/// A calculation in major units as it is written down, and what it comes to.
private struct Working {
    private var text: String
    private var isSum = false
    /// Minor units, unrounded.
    private var exact: Rational
    private let currency: Currency
    /// What a person may wonder about beside the figures.
    private let notes: String

    static let rounded = " (rounded half away from zero)"

    init(_ amount: Money) {
        self.init(terms: [amount.decimal], exact: Rational(amount.minorUnits), currency: amount.currency)
    }

    init(terms: [String], exact: Rational, currency: Currency, notes: String = "") {
        text = terms.joined(separator: " + ")
        isSum = terms.count > 1
        self.exact = exact
        self.currency = currency
        self.notes = notes
    }

    mutating func take(_ part: Fraction) throws(MoneyFault) {
        text = (isSum ? "(\(text))" : text) + " x \(part)"
        isSum = false
        exact = try exact * part.value
    }

    var amount: Money { get throws(MoneyFault) { try Money.rounding(minorUnits: exact, in: currency) } }

    var equation: String {
        get throws(MoneyFault) {
            let amount = try amount.decimal
            return text + (text == amount ? "" : " = \(amount)") + (exact.isWhole ? "" : Self.rounded) + notes
        }
    }
}

extension Explanation.Charge {
    fileprivate func sentence() throws(MoneyFault) -> String {
        let share = if let allowances { try allowances.value } else { Rational.one }
        let cost = try basis.model.cost(of: basis.quantity, events: events, allowances: share, in: currency)
        let (terms, notes) = try terms(share)
        var working = Working(terms: terms, exact: cost, currency: currency, notes: notes)
        if let part { try working.take(part) }
        let equation = try working.equation
        switch basis.model {
        case .flat where part == nil: return equation + " for a whole cycle (\(basis.interval))"
        case .oneTime: return equation + " once"
        default: return equation
        }
    }

    /// What is added up to the cost of a whole cycle.
    private func terms(_ share: Rational) throws(MoneyFault) -> (terms: [String], notes: String) {
        switch basis.model {
        case .flat(let amount), .oneTime(let amount): return ([amount.decimal], "")
        case .perUnit(_, let amount, let included), .usage(_, let amount, let included):
            let (count, _, note) = try counted(over: included, share)
            return (["\(major(amount)) x \(count)"], note)
        case .graduated, .volume:
            var terms: [String] = []
            for (tier, part) in try basis.model.parts(of: basis.quantity, allowances: share) {
                if part != .zero { terms.append("\(major(tier.unitAmount)) x \(part)") }
                if tier.flatAmount != .zero { terms.append(major(tier.flatAmount)) }
            }
            return (terms.isEmpty ? [major(.zero)] : terms, "")
        case .package(_, let size, let amount, let included):
            let (count, value, note) = try counted(over: included, share)
            let packages = try (value / size).negated.floor.magnitude
            return (["\(major(amount)) x \(packages)"], "; packages of \(size) for \(count)" + note)
        case .percentage(_, let percent, let fixed):
            let share = "\(basis.quantity) x \(percent)%"
            return (fixed == .zero ? [share] : [share, "\(major(fixed)) x \(events)"], "")
        }
    }

    /// What of the quantity is over what is included.
    private func counted(
        over included: Rational, _ share: Rational
    ) throws(MoneyFault) -> (text: String, value: Rational, note: String) {
        let quantity = basis.quantity
        let over = try quantity - included * share
        let allowance = "\(included)" + (allowances.map { " x \($0)" } ?? "")
        if over.isNegative {
            return ("0", .zero, "; \(quantity) is less than \(included == .zero ? "0" : "the \(allowance) included")")
        }
        return included == .zero ? ("\(quantity)", over, "") : ("(\(quantity) - \(allowance))", over, "")
    }

    /// With the currency's decimals, or with more where a price is finer.
    private func major(_ minorUnits: Rational) -> String {
        if minorUnits.isWhole, let whole = Int64(exactly: minorUnits.numerator) {
            return Money(minorUnits: whole, currency).decimal
        }
        return (try? minorUnits / Rational(currency.minorUnitsPerMajor))?.description ?? "\(minorUnits) minor units"
    }
}
