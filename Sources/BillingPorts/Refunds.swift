internal import Accounts
internal import Billing
public import JobKit
public import Money

// What goes back to customers by the gateway.

/// Send what the books pay back to where it was paid from. Enqueued with the refund.
public struct RefundPayment: JobArguments {
    public static let kind: JobKind = "refund_payment"
    public static let queue: QueueName = "payments"
    public let customer: CustomerKey
    /// The refund's place among the customer's attempts.
    public let attempt: Int
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, attempt: Int) {
        self.customer = customer
        self.attempt = attempt
    }
}

/// Part of one charge, to be paid back.
public struct RefundRequest: Sendable, Hashable {
    public let key: IdempotencyKey
    /// The gateway's id of the charge.
    public let payment: String
    public let amount: Money
    /// Shown to operators at the gateway: the invoice's number.
    public let invoice: String

    public init(key: IdempotencyKey, payment: String, amount: Money, invoice: String) {
        self.key = key
        self.payment = payment
        self.amount = amount
        self.invoice = invoice
    }
}

/// How a refund went.
public enum RefundOutcome: Sendable, Hashable {
    /// The gateway has it. It may still fail, days later.
    case made(GatewayRefund)
    /// The gateway will not: it was paid back already, or is disputed.
    case refused(code: String, message: String)
    /// Certainly never processed. It may be sent again.
    case notProcessed(reason: String)
    /// No answer. Only the gateway knows.
    case unknown(reason: String)
    /// Our side is wrong.
    case misconfigured(reason: String)
}

/// A payment service that pays back.
public protocol RefundGateway: Sendable {
    /// Pays back once. Repeating it with the same key never pays twice; callers still ask first when a call may have
    /// arrived.
    func refund(_ request: RefundRequest) async -> RefundOutcome

    /// All refunds of a charge, with the keys that we sent, the oldest first.
    func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]>
}

/// A payment service that saves what is charged later.
public protocol SetupGateway: Sendable {
    /// Begins saving a payment method that the customer enters at the gateway's own form. The gateway tells when it is
    /// done.
    func beginSetup(ofCustomer reference: String, key: IdempotencyKey) async -> GatewayLookup<GatewayForm>

    /// Lets go of a payment method, for good.
    func detach(_ method: String, key: IdempotencyKey) async -> SetupOutcome
}

/// What a page of ours needs to show the gateway's own form to one customer. The secret is for that page alone: it is
/// neither stored nor logged.
public struct GatewayForm: Sendable, Hashable, CustomStringConvertible {
    public let reference: String
    public let clientSecret: String
    /// In the gateway's words, such as `requires_action`.
    public let status: String

    public init(reference: String, clientSecret: String, status: String) {
        self.reference = reference
        self.clientSecret = clientSecret
        self.status = status
    }

    public var description: String { "\(reference) \(status)" }
}

/// Let go of a payment method at the gateway. Enqueued when it was removed from the books.
public struct DetachPaymentMethod: JobArguments {
    public static let kind: JobKind = "detach_payment_method"
    public static let queue: QueueName = "payments"
    public let customer: CustomerKey
    /// The gateway's id of it.
    public let reference: String
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, reference: String) {
        self.customer = customer
        self.reference = reference
    }
}

extension BillingWork {
    /// The customer pays with that method no more: it is charged no more from this moment, and the gateway lets go of it.
    /// False: it was removed before.
    public func removePaymentMethod(known reference: String, of customer: CustomerKey) async throws -> Bool {
        guard let (owner, method) = try await paymentMethod(known: reference), owner == customer,
            var open = try await accounts([customer]).first
        else { return false }
        try await remove(method, of: customer)
        open.account.losePaymentMethod()
        try await store([open])
        try await enqueue(DetachPaymentMethod(customer: customer, reference: reference))
        try await followUp(try await accounts([customer]))
        return true
    }
}
