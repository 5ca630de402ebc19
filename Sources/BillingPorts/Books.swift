public import Billing
public import Dates
public import JobKit
public import Money

/// A transaction as billing handlers see it: the books and the queue, committed together.
public protocol BillingWork: JobWork, Books {}

/// A handler's context in which transactions are `BillingWork`.
public typealias BillingContext = JobContext<any BillingWork>

/// The books, inside one transaction. What it locks stays locked until that ends; locks are taken customer first.
public protocol Books: SubscriptionBooks, InvoiceBooks, PaymentBooks, MailBooks {}

/// Subscriptions and the passing of time.
public protocol SubscriptionBooks: Sendable {
    /// Up to `limit` subscriptions of a seller that somebody must look at by `date`, locked, in the order of their ids
    /// after `cursor`. Those another transaction has locked are left out.
    func subscriptionsToRenew(
        of seller: Seller.ID, by date: LocalDate, after cursor: Subscription.ID?, limit: Int
    ) async throws -> [SubscriptionToRenew]

    /// Stores what was decided on `today`, its moves with their causes, and when to look next.
    func renew(_ subscription: SubscriptionToRenew, _ decision: Renewal.Decision, on today: LocalDate) async throws
}

/// A subscription that is due for a look.
public struct SubscriptionToRenew: Sendable {
    public let customer: CustomerKey
    public let subscription: Subscription
    public let plan: Plan
    /// The customer's, by IANA name.
    public let timeZone: String
    /// The day of the last look, in the customer's zone.
    public let lookedOn: LocalDate?
    public let hasPaymentMethod: Bool

    public init(
        customer: CustomerKey, subscription: Subscription, plan: Plan, timeZone: String, lookedOn: LocalDate?,
        hasPaymentMethod: Bool
    ) {
        self.customer = customer
        self.subscription = subscription
        self.plan = plan
        self.timeZone = timeZone
        self.lookedOn = lookedOn
        self.hasPaymentMethod = hasPaymentMethod
    }
}

/// Invoices, from reconciliation to the ledger.
public protocol InvoiceBooks: Sendable {
    /// The customer, locked, with everything that invoicing reads; nil: no such customer.
    func accountToInvoice(_ customer: CustomerKey) async throws -> AccountToInvoice?

    /// Gives the next number of the customer's series, without gaps, and issues the draft under it: invoice, lines and
    /// journal entry. Call it last; the series stays locked until the transaction ends.
    func issue(_ draft: DraftInvoice, for account: AccountToInvoice, on date: LocalDate) async throws -> IssuedInvoice
}

/// What invoicing reads of a customer.
public struct AccountToInvoice: Sendable {
    public let customer: CustomerRecord
    public let account: BillingAccount
    /// Every line ever billed to it.
    public let lines: [ExistingLine]

    public init(customer: CustomerRecord, account: BillingAccount, lines: [ExistingLine]) {
        self.customer = customer
        self.account = account
        self.lines = lines
    }
}

/// An invoice as it was stored.
public struct IssuedInvoice: Sendable {
    public let id: Invoice.ID
    public let invoice: Invoice
    /// `open`, or `paid` when there was nothing to pay.
    public let state: InvoiceState

    public init(id: Invoice.ID, invoice: Invoice, state: InvoiceState) {
        self.id = id
        self.invoice = invoice
        self.state = state
    }
}

/// A customer and what its seller has settled for it.
public struct CustomerRecord: Sendable, Hashable {
    public let key: CustomerKey
    public let code: String
    public let name: String
    public let email: String
    public let currency: Currency
    public let timeZone: String
    /// The payment gateway's id of it, once it has one.
    public let gatewayCustomer: String?
    public let sellerCode: String
    public let sellerName: String
    public let invoices: InvoiceSettings

    public init(
        key: CustomerKey, code: String, name: String, email: String, currency: Currency, timeZone: String,
        gatewayCustomer: String?, sellerCode: String, sellerName: String, invoices: InvoiceSettings
    ) {
        self.key = key
        self.code = code
        self.name = name
        self.email = email
        self.currency = currency
        self.timeZone = timeZone
        self.gatewayCustomer = gatewayCustomer
        self.sellerCode = sellerCode
        self.sellerName = sellerName
        self.invoices = invoices
    }
}
