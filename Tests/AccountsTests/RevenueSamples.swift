import Billing
import Dates
import Money

@testable import Accounts

// The pure domain that came before has values of the same names.
typealias Explanation = Accounts.Explanation
typealias Invoice = Accounts.Invoice
typealias InvoiceLine = Accounts.InvoiceLine
typealias Subscription = Accounts.Subscription

/// An account whose invoices, notes and subscriptions are put down as the tests need them.
struct Books {
    var account: Account

    init(zone: TimeZoneRules = .utc, sellerZone: TimeZoneRules = .utc, catalogue plans: [Plan] = []) {
        account = Account(
            code: "acme", currency: .usd, zone: zone, sellerZone: sellerZone,
            settings: BillingSettings(currency: .usd),
            catalogue: Catalogue(currency: .usd, plans: plans))
    }

    static func date(_ text: String) throws -> LocalDate { try LocalDate(parsing: text) }

    static func cents(_ cents: Int64) -> Money { Money(minorUnits: cents, .usd) }

    func span(_ start: String, _ end: String) throws -> Span {
        account.calendar.span(Period(start: try Self.date(start), end: try Self.date(end)))
    }

    /// Issues those lines at the midnight of a date; discounts and taxes have to be among them already.
    mutating func issue(_ date: String, _ lines: InvoiceLine...) throws { try issue(date, lines) }

    mutating func issue(_ date: String, _ lines: [InvoiceLine]) throws {
        let date = try Self.date(date)
        let zero = Money.zero(.usd)
        let subtotal = try Money.sum(lines.filter { $0.kind != .tax }.map(\.amount), in: .usd)
        let tax = try Money.sum(lines.filter { $0.kind == .tax }.map(\.amount), in: .usd)
        account.invoices.append(
            Invoice(
                number: "ACME-\(account.invoices.count + 1)", ordinal: account.invoices.count, date: date, due: date,
                issuedAt: account.calendar.midnight(date), lines: lines, subtotal: subtotal, tax: tax,
                total: try subtotal + tax, state: .open, creditApplied: zero, paid: zero, noted: zero, refunded: zero,
                chargedBack: zero, voidedOn: nil))
    }

    /// Takes net amounts off lines of an invoice.
    mutating func note(_ date: String, invoice: Int = 0, _ shares: [Int: Int64]) throws {
        let date = try Self.date(date)
        let subtotal = Self.cents(shares.values.reduce(0, +))
        account.notes.append(
            CreditNote(
                number: "ACME-CN-\(account.notes.count + 1)", invoice: invoice, date: date,
                issuedAt: account.calendar.midnight(date),
                shares: shares.sorted { $0.key < $1.key }.map {
                    CreditNote.Share(line: $0.key, net: Self.cents($0.value), taxes: [])
                }, subtotal: subtotal, tax: .zero(.usd), total: subtotal, credited: subtotal, refunded: .zero(.usd)))
    }

    mutating func void(_ invoice: Int, on date: String) throws {
        account.invoices[invoice].state = .void
        account.invoices[invoice].voidedOn = try Self.date(date)
    }

    func time(
        _ cents: Int64, _ start: String, _ end: String, timing: Price.Timing = .inAdvance, off: Int64 = 0,
        subscription: String = "s1"
    ) throws -> InvoiceLine {
        let basis = Explanation.Basis(
            plan: "p", interval: .month, model: .flat(amount: Self.cents(cents)), timing: timing, quantity: .one)
        return InvoiceLine(
            kind: .recurring, code: "base", subscription: subscription, span: try span(start, end), quantity: .one,
            amount: Self.cents(cents), explanation: .charge(Explanation.Charge(basis: basis, currency: .usd)),
            discounts: off == 0 ? [] : [InvoiceLine.DiscountShare(code: "off", amount: Self.cents(-off))])
    }

    /// Gives back time of a line.
    func credit(_ cents: Int64, _ start: String, _ end: String, of line: LineReference) throws -> InvoiceLine {
        InvoiceLine(
            kind: .credit, code: "base", subscription: "s1", span: try span(start, end), amount: Self.cents(-cents),
            explanation: .credit(
                of: line, net: Self.cents(cents), part: Fraction(1, of: 1), paid: nil, left: Self.cents(cents)))
    }

    func usage(
        _ cents: Int64, _ start: String, _ end: String, billed: Int64 = 0, every interval: BillingInterval = .month
    ) throws -> InvoiceLine {
        let basis = Explanation.Basis(
            plan: "p", interval: interval, model: .usage(metric: "orders", amount: 100, included: 0),
            timing: .inArrears, quantity: .one)
        return InvoiceLine(
            kind: .usage, code: "orders", subscription: "s1", span: try span(start, end), quantity: .one,
            amount: Self.cents(cents),
            explanation: .usage(Explanation.Charge(basis: basis, currency: .usd), billed: Self.cents(billed)))
    }

    func minimum(_ cents: Int64, _ start: String, _ end: String, billed: Int64 = 0) throws -> InvoiceLine {
        InvoiceLine(
            kind: .minimum, code: "p", subscription: "s1", span: try span(start, end), amount: Self.cents(cents),
            explanation: .minimum(Self.cents(cents), part: nil, lines: Self.cents(0), billed: Self.cents(billed)))
    }

    static func oneOff(_ code: String, _ cents: Int64, _ obligation: Obligation? = nil) -> InvoiceLine {
        InvoiceLine(
            kind: .oneTime, code: code, quantity: .one, amount: Self.cents(cents),
            explanation: .given(Self.cents(cents)), obligation: obligation)
    }

    static func setUp(_ cents: Int64) -> InvoiceLine {
        let basis = Explanation.Basis(
            plan: "p", interval: .month, model: .oneTime(amount: Self.cents(cents)), timing: .inAdvance, quantity: .one)
        return InvoiceLine(
            kind: .oneTime, code: "setup", subscription: "s1", quantity: .one, amount: Self.cents(cents),
            explanation: .charge(Explanation.Charge(basis: basis, currency: .usd)))
    }

    /// `2026-01`: cents recognized in it.
    func recognized() throws -> [String: Int64] { try byMonth(\.recognized) }

    /// `2026-01`: cents deferred at its end.
    func deferred() throws -> [String: Int64] { try byMonth(\.deferred) }

    private func byMonth(_ amount: KeyPath<Recognition.Month, Money>) throws -> [String: Int64] {
        Dictionary(
            uniqueKeysWithValues: try account.recognition().months.map {
                (String($0.month.description.prefix(7)), $0[keyPath: amount].minorUnits)
            })
    }
}
