public import Billing
public import Dates
public import Money

/// An issued invoice: its content never changes, only what has become of it.
public struct Invoice: Hashable, Sendable {
    public let number: String
    /// Counted from 0 in the order in which the customer's were issued.
    public let ordinal: Int
    /// Local to the customer.
    public let date: LocalDate
    public let due: LocalDate
    public let issuedAt: Instant
    public internal(set) var lines: [InvoiceLine]
    /// The sum of the lines before tax.
    public let subtotal: Money
    public let tax: Money
    public let total: Money
    public internal(set) var state: InvoiceState
    /// Of the customer's credit.
    public internal(set) var creditApplied: Money
    public internal(set) var paid: Money
    /// What credit notes took off what was due.
    public internal(set) var noted: Money
    /// What payments of it were paid back with credit notes.
    public internal(set) var refunded: Money
    /// What was charged back and not won again; part of neither `paid` nor `refunded`.
    public internal(set) var chargedBack: Money
    /// Since it could not be collected, if that is so.
    public internal(set) var dunning: DunningCase?
    /// Whether what it bills never began: then its lines do not count as billed.
    public internal(set) var isWithdrawn = false
    /// When it was taken back, for recognition.
    public internal(set) var voidedOn: LocalDate?

    /// What is left to pay.
    public var amountDue: Money {
        get throws(MoneyFault) {
            guard state == .open else { return .zero(total.currency) }
            let left = try total - creditApplied - paid - noted
            return left.isNegative ? .zero(total.currency) : left
        }
    }

    /// The lines with their places.
    public var references: some Sequence<(LineReference, InvoiceLine)> {
        lines.enumerated().lazy.map { [ordinal] in (LineReference(invoice: ordinal, line: $0), $1) }
    }
}

/// A document that gives back part of an issued invoice.
public struct CreditNote: Hashable, Sendable {
    public let number: String
    public let invoice: Int
    public let date: LocalDate
    public let issuedAt: Instant
    /// What it takes off each line before tax, positive.
    public let shares: [Share]
    public let subtotal: Money
    public let tax: Money
    public let total: Money
    /// What became the customer's credit, and what was paid back; the rest lowered what was due.
    public let credited: Money
    public let refunded: Money

    public struct Share: Hashable, Sendable {
        public let line: Int
        public let net: Money
        public let taxes: [InvoiceLine.TaxShare]

        public init(line: Int, net: Money, taxes: [InvoiceLine.TaxShare]) {
            self.line = line
            self.net = net
            self.taxes = taxes
        }
    }
}
