public import Billing
public import Dates
public import JobKit

// The arguments of every kind that somebody other than its handler enqueues. Each names things and carries none of them.

/// A customer and whose it is: the first columns of every key in the books.
public struct CustomerKey: Hashable, Sendable, Codable, CustomStringConvertible {
    public let seller: Seller.ID
    public let customer: Customer.ID

    public init(seller: Seller.ID, customer: Customer.ID) {
        self.seller = seller
        self.customer = customer
    }

    public var description: String { "\(seller)/\(customer)" }
}

/// Move a seller's subscriptions on to today and have what fell due invoiced. Enqueued by schedule.
public struct RenewSubscriptions: JobArguments {
    public static let kind: JobKind = "renew_subscriptions"
    public static let queue: QueueName = "renewals"
    public let seller: Seller.ID
    public var tenant: Int64? { seller.rawValue }
    /// A run still under way takes up whatever the next would find.
    public var uniqueKey: String? { "\(seller)" }

    public init(seller: Seller.ID) { self.seller = seller }
}

/// Invoice what a customer owes up to a date and has not been invoiced for. Enqueued by whatever makes something due;
/// a second one finds nothing.
public struct GenerateInvoice: JobArguments {
    public static let kind: JobKind = "generate_invoice"
    public static let queue: QueueName = "invoices"
    public let customer: CustomerKey
    /// Local to the customer; the date on the invoice.
    public let date: LocalDate
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, date: LocalDate) {
        self.customer = customer
        self.date = date
    }
}

/// Collect what an invoice still owes, one attempt. Enqueued when it is issued and when a payment method arrives.
public struct ChargeInvoice: JobArguments {
    public static let kind: JobKind = "charge_invoice"
    public static let queue: QueueName = "payments"
    public let customer: CustomerKey
    public let invoice: Invoice.ID
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, invoice: Invoice.ID) {
        self.customer = customer
        self.invoice = invoice
    }
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

/// Mail the receipt of a payment. Enqueued with the payment.
public struct SendReceipt: JobArguments {
    public static let kind: JobKind = "send_receipt"
    public static let queue: QueueName = "mail"
    public static let priority = JobPriority.background
    public let customer: CustomerKey
    public let payment: Payment.ID
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, payment: Payment.ID) {
        self.customer = customer
        self.payment = payment
    }
}
