public import Billing
public import Dates
public import JobKit
public import Money

// How a customer pays in person: our own page enqueues, a job talks to the gateway, and the customer is sent to a page of
// the gateway's. No card number comes near us.

/// What a customer wants who came by a payment link.
public enum PaymentWish: String, Codable, Sendable, CaseIterable {
    /// To give a card, and pay by it.
    case card
    /// To pay by what we have.
    case charge
    /// To answer the bank's question about a charge.
    case confirm
}

/// Do what a customer asked for on the page of an invoice. Enqueued by that page, once for each form it made.
public struct OpenPaymentPage: JobArguments {
    public static let kind: JobKind = "open_payment_page"
    public static let queue: QueueName = "payments"
    public static let priority = JobPriority.urgent
    public let customer: CustomerKey
    /// Its place among the customer's.
    public let invoice: Int
    public let wish: PaymentWish
    /// Of the form that was sent.
    public let key: String
    public var tenant: Int64? { customer.seller.rawValue }
    public var uniqueKey: String? { key }

    public init(customer: CustomerKey, invoice: Int, wish: PaymentWish, key: String) {
        self.customer = customer
        self.invoice = invoice
        self.wish = wish
        self.key = key
    }
}

/// See what a customer did on a page of the gateway's. Enqueued when the customer comes back, and for later if not.
public struct FinishPaymentPage: JobArguments {
    public static let kind: JobKind = "finish_payment_page"
    public static let queue: QueueName = "payments"
    public static let priority = JobPriority.urgent
    public let customer: CustomerKey
    public let key: String
    public var tenant: Int64? { customer.seller.rawValue }

    public init(customer: CustomerKey, key: String) {
        self.customer = customer
        self.key = key
    }
}

/// A wish as it is written down.
public struct PaymentPage: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Written down; the gateway is being asked.
        case asked
        /// The gateway has a page for it.
        case open
        /// Nothing more comes of it by itself.
        case done
        case failed
    }

    public let customer: CustomerKey
    public let key: String
    public let invoice: Int
    public let wish: PaymentWish
    public var state: State
    /// Of the gateway's page.
    public var address: String?
    /// The gateway's id of it, or of the charge.
    public var reference: String?
    /// The place of the attempt that it is about.
    public var attempt: Int?
    /// The card that was given.
    public var method: PaymentMethod.ID?
    public let createdAt: Instant
    public var changedAt: Instant

    public init(
        customer: CustomerKey, key: String, invoice: Int, wish: PaymentWish, state: State = .asked,
        address: String? = nil, reference: String? = nil, attempt: Int? = nil, method: PaymentMethod.ID? = nil,
        createdAt: Instant, changedAt: Instant
    ) {
        self.customer = customer
        self.key = key
        self.invoice = invoice
        self.wish = wish
        self.state = state
        self.address = address
        self.reference = reference
        self.attempt = attempt
        self.method = method
        self.createdAt = createdAt
        self.changedAt = changedAt
    }
}

/// Wishes, in the transactions of the jobs that fulfil them.
public protocol PaymentPageBooks: Sendable {
    /// A customer's, by its form's key; `nil`: not written down yet.
    func paymentPage(_ key: String, of customer: CustomerKey) async throws -> PaymentPage?

    /// Writes it down, or what has become of it.
    func store(_ page: PaymentPage) async throws
}

/// Pages of a payment service on which a customer acts in person. Answers are values, as the gateway's.
public protocol HostedPages: Sendable {
    /// Makes a page on which a customer gives a card; no money moves. `mark` comes back with the card, so that it cannot be
    /// taken for another invoice's. `returnTo`: where the customer goes then.
    func openCardPage(
        customer: String?, currency: Currency, mark: String, returnTo: String, key: IdempotencyKey
    ) async -> CardPageOutcome

    /// What the customer gave on it.
    func cardGiven(on reference: String, mark: String) async -> GivenCard

    /// Charges while the customer is there to answer its bank.
    func chargeInPerson(_ request: ChargeRequest, returnTo: String) async -> InPersonOutcome

    /// Makes sure that a charge which waits for the customer never happens; says what became of it.
    func abandon(_ request: ChargeRequest, reference: String, key: IdempotencyKey) async -> ChargeOutcome
}

public enum CardPageOutcome: Sendable, Hashable {
    case open(address: String, reference: String)
    case misconfigured(reason: String)
    case unavailable(reason: String)
}

public enum GivenCard: Sendable, Hashable {
    /// The gateway's id of it.
    case card(String)
    case notYet
    /// It never will be: the page is too old, or another's.
    case never(reason: String)
    case unavailable(reason: String)
}

public enum InPersonOutcome: Sendable, Hashable {
    /// The customer is to answer the bank there.
    case asks(address: String, reference: String)
    /// Decided without asking.
    case ended(ChargeOutcome)
}
