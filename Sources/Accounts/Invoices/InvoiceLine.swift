public import Dates
public import Money

/// One amount on an invoice, the reason for it, and what was taken off or put on it elsewhere on the invoice.
public struct InvoiceLine: Hashable, Sendable {
    public let kind: Kind
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

        var order: Int {
            switch self {
            case .credit: 0
            case .proration: 1
            case .recurring: 2
            case .usage: 3
            case .oneTime: 4
            case .minimum: 5
            case .discount: 6
            case .tax: 7
            }
        }
    }

    /// The price's; a plan's for its minimum, a discount's, a tax rate's.
    public let code: String
    /// The subscription's code, where it is one's.
    public let subscription: String?
    /// The time that it bills or gives back, where it has one.
    public let span: Span?
    /// The dates that it shows.
    public let period: Period?
    /// Before what is included.
    public let quantity: Rational?
    /// The part of the cycle, or of the line given back, where it is not the whole.
    public let factor: Fraction?
    public let amount: Money
    public let explanation: Explanation
    /// For a one-off line: what it promises.
    public let obligation: Obligation?
    /// Its shares in the invoice's discount lines, zero or negative.
    public internal(set) var discounts: [DiscountShare]
    /// Its shares in the invoice's tax lines.
    public internal(set) var taxes: [TaxShare]

    public struct DiscountShare: Hashable, Sendable {
        public let code: String
        public let amount: Money

        public init(code: String, amount: Money) {
            self.code = code
            self.amount = amount
        }
    }

    public struct TaxShare: Hashable, Sendable {
        public let code: String
        public let percent: Rational
        public let amount: Money

        public init(code: String, percent: Rational, amount: Money) {
            self.code = code
            self.percent = percent
            self.amount = amount
        }
    }

    public init(
        kind: Kind, code: String, subscription: String? = nil, span: Span? = nil,
        period: Period? = nil, quantity: Rational? = nil, factor: Fraction? = nil, amount: Money,
        explanation: Explanation, obligation: Obligation? = nil, discounts: [DiscountShare] = [],
        taxes: [TaxShare] = []
    ) {
        self.kind = kind
        self.code = code
        self.subscription = subscription
        self.span = span
        self.period = period ?? span?.period
        self.quantity = quantity
        self.factor = factor
        self.amount = amount
        self.explanation = explanation
        self.obligation = obligation
        self.discounts = discounts
        self.taxes = taxes
    }

    /// What it comes to after its discounts, before tax. Throws `overflow`.
    public var net: Money {
        get throws(MoneyFault) {
            var net = amount
            for share in discounts { net = try net + share.amount }
            return net
        }
    }

    /// Whether it is an amount of its own, and not a discount or a tax on others.
    public var isCharge: Bool { kind != .discount && kind != .tax }
}

/// A line by its place: the customer's invoice and the line on it, both counted from 0.
public struct LineReference: Hashable, Comparable, Sendable {
    public let invoice: Int
    public let line: Int

    public init(invoice: Int, line: Int) {
        self.invoice = invoice
        self.line = line
    }

    public static func < (left: Self, right: Self) -> Bool { (left.invoice, left.line) < (right.invoice, right.line) }
}
