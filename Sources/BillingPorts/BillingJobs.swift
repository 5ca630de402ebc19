public import Billing
public import JobKit

// The arguments of every kind that somebody other than its handler enqueues. Each names things and carries none of them.

/// Move a seller's customers on to now: starts, trial ends, changes that waited for a period to end, terms; and hand on
/// whatever fell due. Enqueued by schedule.
public struct RenewSubscriptions: JobArguments {
    public static let kind: JobKind = "renew_subscriptions"
    public static let queue: QueueName = "renewals"
    public let seller: Seller.ID
    public var tenant: Int64? { seller.rawValue }
    /// A run still under way takes up whatever the next would find.
    public var uniqueKey: String? { "\(seller)" }

    public init(seller: Seller.ID) { self.seller = seller }
}

/// A subscription was changed in the middle of a period: work out what that changes, and have it invoiced if it is to be
/// invoiced now. Enqueued with the change.
public struct ProrateChange: JobArguments {
    public static let kind: JobKind = "prorate_change"
    public static let queue: QueueName = "invoices"
    public let customer: CustomerKey
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey) { self.customer = customer }
}

/// Invoice what these customers of one seller owe. A second one finds nothing.
public struct GenerateInvoices: JobArguments {
    public static let kind: JobKind = "generate_invoices"
    public static let queue: QueueName = "invoices"
    public let seller: Seller.ID
    public let customers: [Customer.ID]
    public var tenant: Int64? { seller.rawValue }

    public init(seller: Seller.ID, customers: [Customer.ID]) {
        self.seller = seller
        self.customers = customers
    }

    public var keys: [CustomerKey] { customers.map { CustomerKey(seller: seller, customer: $0) } }
}

/// Issue, in one series for the whole seller, the invoices that were asked for.
public struct FinaliseInvoices: JobArguments {
    public static let kind: JobKind = "finalise_invoices"
    public static let queue: QueueName = "numbering"
    public let seller: Seller.ID
    public var tenant: Int64? { seller.rawValue }
    public var serialKey: String? { "\(seller)" }

    public init(seller: Seller.ID) { self.seller = seller }
}

/// Collect what customers of one seller owe and are to be charged for now: first charges, retries, questions about charges
/// that nobody answered.
public struct CollectPayments: JobArguments {
    public static let kind: JobKind = "collect_payments"
    public static let queue: QueueName = "payments"
    /// Customers of one job: enough to make its commits cheap; as many charges wait to be asked about when its worker dies.
    public static let most = 20
    public let seller: Seller.ID
    public let customers: [Customer.ID]
    public var tenant: Int64? { seller.rawValue }

    public init(customer: CustomerKey) { self.init(seller: customer.seller, customers: [customer.customer]) }

    /// At most `most` customers.
    public init(seller: Seller.ID, customers: [Customer.ID]) {
        precondition(!customers.isEmpty && customers.count <= Self.most, "a job for nobody, or for too many")
        self.seller = seller
        self.customers = customers
    }

    public var keys: [CustomerKey] { customers.map { CustomerKey(seller: seller, customer: $0) } }
}

/// Go on with the reminders of what a customer has not paid, and end its grace when that is over.
public struct RemindCustomer: JobArguments {
    public static let kind: JobKind = "remind_customer"
    public static let queue: QueueName = "dunning"
    public let customer: CustomerKey
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey) { self.customer = customer }
}

/// Make a tokenised payment method chargeable at the gateway. Enqueued when a customer gives one.
public struct RegisterPaymentMethod: JobArguments {
    public static let kind: JobKind = "register_payment_method"
    public static let queue: QueueName = "payments"
    public let customer: CustomerKey
    public let method: PaymentMethod.ID
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, method: PaymentMethod.ID) {
        self.customer = customer
        self.method = method
    }
}

/// Send mails of one seller that were written down. Enqueued with them.
public struct SendMail: JobArguments {
    public static let kind: JobKind = "send_mail"
    public static let queue: QueueName = "mail"
    public static let priority = JobPriority.background
    /// Mails of one job: as many may be sent once more when its worker dies.
    public static let most = 20
    public let mails: [MailKey]
    public var tenant: Int64? { mails[0].customer.seller.rawValue }

    public init(customer: CustomerKey, mail: Int) { self.init([MailKey(customer: customer, mail: mail)]) }

    /// Of one seller, at most `most`.
    public init(_ mails: [MailKey]) {
        precondition(!mails.isEmpty && mails.count <= Self.most, "a job for no mail, or for too many")
        precondition(mails.allSatisfy { $0.customer.seller == mails[0].customer.seller }, "mails of several sellers")
        self.mails = mails
    }
}

/// Which mail.
public struct MailKey: Hashable, Sendable, Codable {
    public let customer: CustomerKey
    /// Its place among the customer's, counted from 0.
    public let mail: Int

    public init(customer: CustomerKey, mail: Int) {
        self.customer = customer
        self.mail = mail
    }
}
