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

/// Collect what a customer owes and is to be charged for now: first charges, retries, questions about charges that
/// nobody answered.
public struct CollectPayments: JobArguments {
    public static let kind: JobKind = "collect_payments"
    public static let queue: QueueName = "payments"
    public let customer: CustomerKey
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey) { self.customer = customer }
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

/// Send a mail that was written down. Enqueued with it.
public struct SendMail: JobArguments {
    public static let kind: JobKind = "send_mail"
    public static let queue: QueueName = "mail"
    public static let priority = JobPriority.background
    public let customer: CustomerKey
    /// Its place among the customer's.
    public let mail: Int
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, mail: Int) {
        self.customer = customer
        self.mail = mail
    }
}
