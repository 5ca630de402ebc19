public import Dates
public import Money

/// One amount on an invoice and the reason for it.
public struct InvoiceLine: Hashable, Sendable {
    /// Also the order of lines on an invoice. Stored by its raw value.
    public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
        /// Time of an earlier line that is given back.
        case credit
        /// Part of a cycle.
        case proration
        /// A whole cycle.
        case recurring
        case usage
        case oneTime = "one_time"
        case minimum, discount, tax
    }

    /// What makes a line the same line: it is billed once, whatever happens how often.
    public struct Key: Hashable, Sendable {
        public let subscription: Subscription.ID
        public let price: String
        public let start: LocalDate
        public let kind: Kind

        public init(subscription: Subscription.ID, price: String, start: LocalDate, kind: Kind) {
            self.subscription = subscription
            self.price = price
            self.start = start
            self.kind = kind
        }
    }

    public let key: Key
    public let period: Period
    /// The day on which it falls due to be invoiced.
    public let dueOn: LocalDate
    /// Before what is included.
    public let quantity: Rational
    /// The part of the cycle, where it is not a whole one.
    public let factor: DayFraction?
    public let amount: Money
    public let explanation: Explanation

    /// A line as it was stored; new ones come from `Invoicing` alone.
    public init(
        key: Key, period: Period, dueOn: LocalDate, quantity: Rational, factor: DayFraction?, amount: Money,
        explanation: Explanation
    ) {
        self.key = key
        self.period = period
        self.dueOn = dueOn
        self.quantity = quantity
        self.factor = factor
        self.amount = amount
        self.explanation = explanation
    }

    public var kind: Kind { key.kind }
    public var subscription: Subscription.ID { key.subscription }
    /// The price's.
    public var code: String { key.price }
}

/// A line that has been billed, as far as the reconciliation compares it.
public struct ExistingLine: Hashable, Sendable {
    public let key: InvoiceLine.Key
    public let period: Period
    public let amount: Money
    /// The number of its invoice, for messages.
    public let invoice: String

    public init(key: InvoiceLine.Key, period: Period, amount: Money, invoice: String) {
        self.key = key
        self.period = period
        self.amount = amount
        self.invoice = invoice
    }

    /// A line as it stands on an invoice.
    public init(_ line: InvoiceLine, invoice: String) {
        self.init(key: line.key, period: line.period, amount: line.amount, invoice: invoice)
    }
}
