internal import Accounts
public import Dates
internal import JSONText
public import Money

/// An invoice as a simulation shows it.
public struct InvoiceResult: Hashable, Sendable {
    /// The customer's id.
    public var customer: String
    public var number: String
    public var date: LocalDate
    public var due: LocalDate
    /// `open`, `paid`, `void` or `uncollectible`.
    public var status: String
    public var subtotal: Int64
    public var tax: Int64
    public var total: Int64
    public var creditApplied: Int64
    public var paid: Int64
    public var dueAmount: Int64
    public var lines: [Line]

    public struct Line: Hashable, Sendable {
        public var code: String
        /// The subscription's id.
        public var subscription: String?
        public var period: Period?
        /// Before what is included.
        public var quantity: Rational?
        /// The part of a cycle, as `14/31`: not reduced.
        public var factor: String?
        public var amount: Int64
        public var kind: String

        public init(
            code: String, subscription: String? = nil, period: Period? = nil, quantity: Rational? = nil,
            factor: String? = nil, amount: Int64, kind: String
        ) {
            self.code = code
            self.subscription = subscription
            self.period = period
            self.quantity = quantity
            self.factor = factor
            self.amount = amount
            self.kind = kind
        }
    }

    public init(
        customer: String, number: String, date: LocalDate, due: LocalDate, status: String, subtotal: Int64,
        tax: Int64, total: Int64, creditApplied: Int64, paid: Int64, dueAmount: Int64, lines: [Line]
    ) {
        self.customer = customer
        self.number = number
        self.date = date
        self.due = due
        self.status = status
        self.subtotal = subtotal
        self.tax = tax
        self.total = total
        self.creditApplied = creditApplied
        self.paid = paid
        self.dueAmount = dueAmount
        self.lines = lines
    }

    func json() -> JSONValue {
        [
            "customer": .string(customer), "number": .string(number), "date": .text(date), "due": .text(due),
            "status": .string(status), "subtotal": .integer(subtotal), "tax": .integer(tax), "total": .integer(total),
            "credit_applied": .integer(creditApplied), "paid": .integer(paid), "due_amount": .integer(dueAmount),
            "lines": .array(lines.map { $0.json() }),
        ]
    }
}

extension InvoiceResult.Line {
    func json() -> JSONValue {
        .present([
            "code": .string(code), "subscription": subscription.map { .string($0) },
            "period": period.map { .period($0) }, "quantity": quantity.map { .text($0) },
            "factor": factor.map { .string($0) }, "amount": .integer(amount), "kind": .string(kind),
        ])
    }
}

/// A credit note as a simulation shows it.
public struct CreditNoteResult: Hashable, Sendable {
    /// The customer's id.
    public var customer: String
    public var number: String
    /// The number of the invoice of which it gives back.
    public var invoice: String
    public var date: LocalDate
    public var subtotal: Int64
    public var tax: Int64
    public var total: Int64
    /// What became credit of the customer's.
    public var credited: Int64
    /// What was paid out.
    public var refunded: Int64

    public init(
        customer: String, number: String, invoice: String, date: LocalDate, subtotal: Int64, tax: Int64, total: Int64,
        credited: Int64, refunded: Int64
    ) {
        self.customer = customer
        self.number = number
        self.invoice = invoice
        self.date = date
        self.subtotal = subtotal
        self.tax = tax
        self.total = total
        self.credited = credited
        self.refunded = refunded
    }

    func json() -> JSONValue {
        [
            "customer": .string(customer), "number": .string(number), "invoice": .string(invoice), "date": .text(date),
            "subtotal": .integer(subtotal), "tax": .integer(tax), "total": .integer(total),
            "credited": .integer(credited), "refunded": .integer(refunded),
        ]
    }
}
