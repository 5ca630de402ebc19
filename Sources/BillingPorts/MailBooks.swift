public import Billing
public import Dates
public import Money

/// Mails: one a step, whatever is retried.
public protocol MailBooks: Sendable {
    /// What a receipt tells of a payment; nil: no such payment.
    func receipt(of payment: Payment.ID, for customer: CustomerKey) async throws -> ReceiptFacts?

    /// The mail of this template about this thing: stored now, or found as an earlier attempt stored it.
    func mail(
        _ template: String, about reference: String, to recipient: String, for customer: CustomerKey
    ) async throws -> MailRecord

    /// Stores what became of a mail.
    func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws
}

/// What a receipt tells.
public struct ReceiptFacts: Sendable {
    public let customer: CustomerRecord
    public let invoiceNumber: String
    public let amount: Money
    /// In the customer's zone it was this day.
    public let receivedAt: Instant
    /// What the invoice still owes.
    public let amountDue: Money

    public init(
        customer: CustomerRecord, invoiceNumber: String, amount: Money, receivedAt: Instant, amountDue: Money
    ) {
        self.customer = customer
        self.invoiceNumber = invoiceNumber
        self.amount = amount
        self.receivedAt = receivedAt
        self.amountDue = amountDue
    }
}

/// A mail as stored.
public struct MailRecord: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        case intended, sent, refused, unknown
    }

    public let id: Int64
    public let customer: CustomerKey
    /// Random, made when the mail was stored: the local part of its Message-ID.
    public let messageID: String
    public let state: State

    public init(id: Int64, customer: CustomerKey, messageID: String, state: State) {
        self.id = id
        self.customer = customer
        self.messageID = messageID
        self.state = state
    }
}

/// Time-zone rules by IANA name, read from the host's database.
public protocol TimeZones: Sendable {
    /// Throws for a name the host does not know.
    func rules(_ name: String) throws -> TimeZoneRules
}
