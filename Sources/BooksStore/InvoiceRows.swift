internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money
internal import Postgres
internal import QueueStore

/// A row of `books.invoices`.
struct InvoiceRow {
    let place: Place
    let currency: Currency
    private let stored: Stored
    private let number: String
    private let date: LocalDate
    private let due: LocalDate
    private let issuedAt: Instant
    private let lineCount: Int
    private let subtotal: Money
    private let tax: Money
    private let progress: Invoice.Progress

    init(_ row: Row) throws {
        let (
            customer, ordinal, number, date, due, issuedAt, code, lineCount, subtotal, tax, state, credit, paid, noted,
            refunded, chargedBack, dunning, isWithdrawn, voidedOn
        ) = try row.decode(
            Customer.ID.self, Int.self, String.self, LocalDate.self, LocalDate.self, Instant.self, String.self,
            Int.self, Int64.self, Int64.self, String.self, Int64.self, Int64.self, Int64.self, Int64.self, Int64.self,
            PostgresJSON?.self, Bool.self, LocalDate?.self)
        place = Place(customer: customer, ordinal: ordinal)
        stored = Stored("invoices", place)
        let currency = try stored.currency(code)
        func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency) }
        self.currency = currency
        self.number = number
        self.date = try stored.date(date)
        self.due = try stored.date(due)
        self.issuedAt = issuedAt
        self.lineCount = lineCount
        self.subtotal = money(subtotal)
        self.tax = money(tax)
        let stored = stored
        let dunningCase = try dunning.map { json in
            try stored.reading(json) { (node) throws(JSONFault) in try DunningCase(reading: node) }
        }
        progress = Invoice.Progress(
            state: try stored.choice(InvoiceState.self, state), creditApplied: money(credit), paid: money(paid),
            noted: money(noted), refunded: money(refunded), chargedBack: money(chargedBack), dunning: dunningCase,
            isWithdrawn: isWithdrawn, voidedOn: try stored.date(voidedOn))
    }

    /// Throws unless those are all of its lines.
    func invoice(_ lines: [InvoiceLine]) throws(UnreadableRow) -> Invoice {
        guard lines.count == lineCount else { throw stored.fault("it has \(lines.count) lines of \(lineCount)") }
        return try stored.sum { () throws(MoneyFault) in
            try Invoice(
                ordinal: place.ordinal, number: number, date: date, due: due, issuedAt: issuedAt, lines: lines,
                subtotal: subtotal, tax: tax, progress: progress)
        }
    }
}

/// A row of `books.invoice_lines`.
enum LineRow {
    /// The line with its invoice's place. `subscription` says the code of a customer's subscription by its place.
    static func line(
        _ row: Row, _ currencies: [Place: Currency], subscription: (Customer.ID, Int) -> String?
    ) throws -> (Place, InvoiceLine) {
        let (
            customer, invoice, kind, code, ordinal, periodStart, periodEnd, quantity, factor, amount, explanation,
            extras
        ) = try row.decode(
            Customer.ID.self, Int.self, String.self, String.self, Int?.self, LocalDate?.self, LocalDate?.self,
            String?.self, String?.self, Int64.self, PostgresJSON.self, PostgresJSON.self)
        let place = Place(customer: customer, ordinal: invoice)
        let stored = Stored("invoice_lines", place)
        guard let currency = currencies[place] else { throw stored.fault("there is no such invoice") }
        let subscriptionCode = try ordinal.map { ordinal in
            guard let code = subscription(customer, ordinal) else { throw stored.fault("no subscription \(ordinal)") }
            return code
        }
        let kindRead = try stored.choice(InvoiceLine.Kind.self, kind)
        let period = try stored.period(periodStart, periodEnd)
        let exact = try quantity.map { try stored.number($0) }
        let part = try factor.map { try stored.fraction($0) }
        let reason = try stored.reading(explanation) { (node) throws(JSONFault) in
            try Explanation(reading: node, currency: currency)
        }
        let line = try stored.reading(extras) { (node) throws(JSONFault) in
            try InvoiceLine(
                reading: node, kind: kindRead, code: code, subscription: subscriptionCode, period: period,
                quantity: exact, factor: part, amount: Money(minorUnits: amount, currency), explanation: reason)
        }
        return (place, line)
    }
}

extension Stored {
    func number(_ text: String) throws(UnreadableRow) -> Rational {
        guard let number = Rational(exactText: text) else { throw fault("'\(text)' is no exact number") }
        return number
    }

    func fraction(_ text: String) throws(UnreadableRow) -> Fraction {
        guard let fraction = Fraction(parsing: text) else { throw fault("'\(text)' is no part of a whole") }
        return fraction
    }
}
