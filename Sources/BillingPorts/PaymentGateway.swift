public import Dates
public import JobKit
public import Money

/// A payment service. Its answers are values, "no answer" among them: nothing here throws for what the other side did.
public protocol PaymentGateway: Sendable {
    /// Makes the customer known there. Repeating it with the same key gives the same customer.
    func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome

    /// Attaches a tokenised payment method to a customer made before, for charges while the customer is away.
    /// The reference answered is what a charge names.
    func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome

    /// Charges once. Repeating it with the same key never charges twice at a gateway that honours keys; callers still
    /// ask `findCharge` first when an earlier call may have arrived.
    func charge(_ request: ChargeRequest) async -> ChargeOutcome

    /// Asks what became of a charge that may have arrived, by the attempt's id in its metadata.
    func findCharge(_ request: ChargeRequest) async -> ChargeSearch
}

/// Who a customer is to the payment gateway.
public struct GatewayCustomer: Sendable, Hashable {
    public let name: String
    public let email: String
    /// Ours, kept there as metadata: seller and customer code.
    public let metadata: [String: String]

    public init(name: String, email: String, metadata: [String: String]) {
        self.name = name
        self.email = email
        self.metadata = metadata
    }
}

/// One charge of a stored payment method, the customer being away.
public struct ChargeRequest: Sendable, Hashable {
    public let key: IdempotencyKey
    public let amount: Money
    /// The gateway's ids.
    public let customer: String
    public let paymentMethod: String
    /// Unique to the payment attempt within this installation; found again by `findCharge`.
    public let attempt: String
    /// Shown to operators at the gateway: the invoice's number.
    public let invoice: String
    /// When the charge was announced: a search begins a little before.
    public let announcedAt: Instant

    public init(
        key: IdempotencyKey, amount: Money, customer: String, paymentMethod: String, attempt: String, invoice: String,
        announcedAt: Instant
    ) {
        self.key = key
        self.amount = amount
        self.customer = customer
        self.paymentMethod = paymentMethod
        self.attempt = attempt
        self.invoice = invoice
        self.announcedAt = announcedAt
    }
}

/// How setting something up at the gateway went. No money moves, so an unavailable gateway is simply asked again.
public enum SetupOutcome: Sendable, Hashable {
    /// Done; the gateway's id.
    case done(reference: String)
    /// The gateway will not: the card was declined, the token is used up.
    case refused(code: String, message: String)
    /// Our side is wrong: key, parameters. Trying again changes nothing.
    case misconfigured(reason: String)
    case unavailable(reason: String)
}

/// How a charge went.
public enum ChargeOutcome: Sendable, Hashable {
    case succeeded(reference: String)
    /// Under way, as bank debits are for days: neither charged again nor dunned until it ends.
    case processing(reference: String)
    /// The customer must confirm in person (3-D Secure).
    case requiresAction(reference: String?)
    case declined(code: String, advice: String?, reference: String?)
    /// Certainly never processed: refused connection, rate limit. The same attempt may be sent again.
    case notProcessed(reason: String)
    /// No answer. The money may have moved; only the gateway knows.
    case unknown(reason: String)
    /// Our side is wrong: key, parameters, mode. No charge of this kind can work until it is put right.
    case misconfigured(reason: String)
}

/// What the gateway remembers of a charge.
public enum ChargeSearch: Sendable, Hashable {
    case found(ChargeOutcome)
    /// It has no such charge.
    case notFound
    case unavailable(reason: String)
}

/// The gateway did not take the request. What a handler throws, to be tried again.
public struct GatewayUnavailable: Error, CustomStringConvertible {
    public let reason: String

    public init(reason: String) { self.reason = reason }

    public var description: String { "the payment gateway is unavailable: \(reason)" }
}
