public import Accounts
public import Billing
public import Dates
public import JobKit

/// A transaction as billing handlers see it: the books and the queue, committed together.
public protocol BillingWork: JobWork, Books {}

/// A handler's context in which transactions are `BillingWork`.
public typealias BillingContext = JobContext<any BillingWork>

/// The books, inside one transaction. What it locks stays locked until that ends; customers are locked in the order of
/// their ids, before anything else of theirs.
public protocol Books:
    AccountBooks, OperationBooks, PaymentMethodBooks, MailBooks, DocumentBooks, GatewayEventBooks,
    PaymentPageBooks, OutboundBooks
{}

/// A customer and whose it is: the first columns of every key in the books.
public struct CustomerKey: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let seller: Seller.ID
    public let customer: Customer.ID

    public init(seller: Seller.ID, customer: Customer.ID) {
        self.seller = seller
        self.customer = customer
    }

    public var description: String { "\(seller)/\(customer)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.seller, left.customer) < (right.seller, right.customer)
    }
}

/// Customers' accounts, read whole and written back as what has changed.
public protocol AccountBooks: Sendable {
    /// Up to `limit` customers of a seller for whom something falls due by `instant`, in the order of their ids after
    /// `cursor`. Those another transaction has locked are left out.
    func customersDue(
        of seller: Seller.ID, by instant: Instant, after cursor: Customer.ID?, limit: Int
    ) async throws -> [CustomerKey]

    /// The accounts of these customers of one seller, locked, in the order of their ids; those that are not there are
    /// left out.
    func accounts(_ keys: [CustomerKey]) async throws -> [OpenAccount]

    /// Writes down what has changed in these accounts since they were read, when each must be looked at next, and a job
    /// for every mail that is to go out.
    func store(_ accounts: [OpenAccount]) async throws

    /// How a seller numbers its invoices.
    func numbering(of seller: Seller.ID) async throws -> InvoiceNumbering

    /// Takes so many numbers of the seller's own series and returns the first. The series stays locked until the
    /// transaction ends: call it last.
    func takeNumbers(_ count: Int, of seller: Seller.ID) async throws -> Int64

    /// Asks for invoices whose numbers run in the seller's own series, to be given by `FinaliseInvoices`.
    func requestInvoices(_ keys: [CustomerKey]) async throws

    /// Up to `limit` customers for whom that was asked, in the order of their ids; asked for no longer.
    func takeInvoiceRequests(of seller: Seller.ID, limit: Int) async throws -> [CustomerKey]
}

/// Operations, as they are asked for and written down.
public protocol OperationBooks: Sendable {
    /// What an operation of that customer must know of others. A coupon that it names stays locked until the transaction
    /// ends, so that its limit holds; so does the seller's series, if the operation issues an invoice of it.
    func surroundings(of operation: Operation, for customer: CustomerKey) async throws -> Surroundings

    /// Writes down what was done to a customer's account, by whom and why.
    func record(_ operation: Operation, of customer: CustomerKey, by actor: String, why reason: String) async throws
}

/// An account in the hands of whoever has locked it.
public struct OpenAccount: Sendable {
    public let key: CustomerKey
    public let profile: CustomerProfile
    public var account: Account
    /// As it was read.
    public let before: Account
    /// When it was to be looked at again, as it was read; `nil`: never.
    public let dueAt: Instant?

    public init(key: CustomerKey, profile: CustomerProfile, account: Account, dueAt: Instant? = nil) {
        self.key = key
        self.profile = profile
        self.account = account
        self.dueAt = dueAt
        before = account
    }
}

/// Who a customer is, beside its account.
public struct CustomerProfile: Hashable, Sendable {
    public let name: String
    public let sellerCode: String
    public let sellerName: String
    /// The payment gateway's id of it, once it has one.
    public let gatewayCustomer: String?
    /// What is charged, by the gateway's ids, once there is one.
    public let method: ActivePaymentMethod?

    /// Whether there is something at the gateway that can be charged.
    public var isChargeable: Bool { gatewayCustomer != nil && method != nil }

    public init(
        name: String, sellerCode: String, sellerName: String, gatewayCustomer: String?, method: ActivePaymentMethod?
    ) {
        self.name = name
        self.sellerCode = sellerCode
        self.sellerName = sellerName
        self.gatewayCustomer = gatewayCustomer
        self.method = method
    }
}

/// What is charged for a customer, by the gateway's ids.
public struct ActivePaymentMethod: Sendable, Hashable {
    public let id: PaymentMethod.ID
    public let reference: String

    public init(id: PaymentMethod.ID, reference: String) {
        self.id = id
        self.reference = reference
    }
}

/// Payment methods on their way to becoming chargeable.
public protocol PaymentMethodBooks: Sendable {
    /// A payment method, its customer locked; nil: no such method.
    func paymentMethod(_ id: PaymentMethod.ID, of customer: CustomerKey) async throws -> PaymentMethodRecord?

    /// Stores a token of the gateway's that a customer has given, to be registered there by `RegisterPaymentMethod`.
    func addPaymentMethod(_ token: String, of customer: CustomerKey) async throws -> PaymentMethod.ID

    /// Stores the gateway's id of a customer.
    func recordGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws

    /// Makes a method the one that is charged, in place of any other.
    func activate(_ method: PaymentMethod.ID, of customer: CustomerKey, reference: String) async throws

    /// The gateway will not have it.
    func refuse(_ method: PaymentMethod.ID, of customer: CustomerKey, reason: String) async throws
}

/// A payment method as it was given to us: a token of the gateway's.
public struct PaymentMethodRecord: Sendable {
    public enum State: String, CaseIterable, Sendable { case pending, active, refused, removed }

    public let id: PaymentMethod.ID
    public let customer: CustomerKey
    public let customerCode: String
    public let customerName: String
    public let customerEmail: String?
    public let sellerCode: String
    public let gatewayCustomer: String?
    /// How often the gateway has lost the customer: each time it is made known there anew.
    public let gatewayLosses: Int
    public let token: String
    public let state: State

    public init(
        id: PaymentMethod.ID, customer: CustomerKey, customerCode: String, customerName: String,
        customerEmail: String?, sellerCode: String, gatewayCustomer: String?, gatewayLosses: Int = 0, token: String,
        state: State
    ) {
        self.id = id
        self.customer = customer
        self.customerCode = customerCode
        self.customerName = customerName
        self.customerEmail = customerEmail
        self.sellerCode = sellerCode
        self.gatewayCustomer = gatewayCustomer
        self.gatewayLosses = gatewayLosses
        self.token = token
        self.state = state
    }
}

/// Mails: written down with what they are about, sent by a job of their own.
public protocol MailBooks: Sendable {
    /// A mail by its place among its customer's, counted from 0, with what it tells; nil: no such mail.
    func mail(_ ordinal: Int, of customer: CustomerKey) async throws -> MailRecord?

    /// Stores what became of a mail that was tried; one that is still to be sent keeps its state.
    func settle(_ mail: MailRecord, as state: MailRecord.State, reply: String) async throws

    /// Nothing is written to that address any more, until somebody lifts the mark.
    func markBounced(_ address: String, of seller: Seller.ID, by actor: String, why reason: String) async throws
}

/// A mail as stored, and what it can tell.
public struct MailRecord: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        case intended, sent, refused, unknown
        /// Not sent: mail to its address came back before.
        case suppressed
        /// Sent, and came back.
        case bounced
    }

    public let customer: CustomerKey
    /// Its place among the customer's, counted from 0.
    public let ordinal: Int
    public let template: Mail.Template
    /// An invoice's number, a subscription's or metric's code.
    public let subject: String
    public let at: Instant
    /// Random, made when the mail was stored: the local part of its Message-ID.
    public let messageID: String
    public let state: State
    /// How often it was tried, as far as a try's end was written down.
    public let tries: Int
    public let recipient: String
    /// Whether mail to that address has come back, and nobody has lifted the mark.
    public let isBounced: Bool
    public let customerName: String
    public let customerCode: String
    public let sellerName: String
    public let sellerCode: String
    /// The customer's, then the seller's, as far as they are known: `de`, `de-AT`.
    public let languages: [String]
    /// IANA name of the customer's zone.
    public let timeZone: String
    /// Of what it is about, if it is about one.
    public let invoice: InvoiceFacts?
    public let subscription: SubscriptionFacts?
    public let note: NoteFacts?

    public init(
        customer: CustomerKey, ordinal: Int, template: Mail.Template, subject: String, at: Instant,
        messageID: String, state: State, tries: Int = 0, recipient: String, isBounced: Bool = false,
        customerName: String, customerCode: String, sellerName: String, sellerCode: String, languages: [String],
        timeZone: String, invoice: InvoiceFacts? = nil, subscription: SubscriptionFacts? = nil, note: NoteFacts? = nil
    ) {
        self.customer = customer
        self.ordinal = ordinal
        self.template = template
        self.subject = subject
        self.at = at
        self.messageID = messageID
        self.state = state
        self.tries = tries
        self.recipient = recipient
        self.isBounced = isBounced
        self.customerName = customerName
        self.customerCode = customerCode
        self.sellerName = sellerName
        self.sellerCode = sellerCode
        self.languages = languages
        self.timeZone = timeZone
        self.invoice = invoice
        self.subscription = subscription
        self.note = note
    }
}

/// Time-zone rules by IANA name, read from the host's database.
public protocol TimeZones: Sendable {
    /// Throws for a name the host does not know.
    func rules(_ name: String) throws -> TimeZoneRules
}
