public import Billing
public import Dates
public import JobKit

// What a seller is told of by webhook.

/// Deliver one event to one endpoint. Enqueued with the event.
public struct DeliverEvent: JobArguments {
    public static let kind: JobKind = "deliver_event"
    public static let queue: QueueName = "deliveries"
    public static let priority = JobPriority.background
    public let seller: Seller.ID
    public let endpoint: Int64
    public let event: Int64
    public var tenant: Int64? { seller.rawValue }

    public init(seller: Seller.ID, endpoint: Int64, event: Int64) {
        self.seller = seller
        self.endpoint = endpoint
        self.event = event
    }
}

/// An event on its way to an endpoint, as it is stored.
public struct OutboundDelivery: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        case pending, delivered
        /// Given up after three days.
        case failed
        /// Its endpoint was disabled.
        case skipped
    }

    public let seller: Seller.ID
    public let endpoint: Int64
    public let event: Int64
    /// What the receiver knows the event by: the same for every try and every endpoint.
    public let reference: String
    public let url: String
    /// All that sign at the moment.
    public let secrets: [String]
    public let body: [UInt8]
    public let state: State
    public let tries: Int
    public let begunAt: Instant
    /// Nil: enabled.
    public let disabledWhy: String?
    public let failingSince: Instant?

    public init(
        seller: Seller.ID, endpoint: Int64, event: Int64, reference: String, url: String, secrets: [String],
        body: [UInt8], state: State, tries: Int, begunAt: Instant, disabledWhy: String?, failingSince: Instant?
    ) {
        self.seller = seller
        self.endpoint = endpoint
        self.event = event
        self.reference = reference
        self.url = url
        self.secrets = secrets
        self.body = body
        self.state = state
        self.tries = tries
        self.begunAt = begunAt
        self.disabledWhy = disabledWhy
        self.failingSince = failingSince
    }
}

/// How one try at a delivery went.
public struct DeliveryAnswer: Sendable, Hashable {
    /// Nil: there was no answer.
    public let status: Int?
    /// Why it does not count; nil: it was taken.
    public let error: String?

    public init(status: Int?, error: String?) {
        self.status = status
        self.error = error
    }

    public var isTaken: Bool { error == nil }
}

/// The way to sellers' endpoints.
public protocol EventPost: Sendable {
    /// Signs and sends one event. `now`: seconds since 1970, for the signature.
    func post(_ body: [UInt8], to url: String, signedBy secrets: [String], now: Int64) async -> DeliveryAnswer
}

/// Events that go out, and what became of them.
public protocol OutboundBooks: Sendable {
    /// A delivery with what it needs; nil: no such delivery.
    func delivery(of event: Int64, to endpoint: Int64, seller: Seller.ID) async throws -> OutboundDelivery?

    /// Writes down one try, and how it left the delivery. The endpoint is failing since the first failure after its last
    /// success.
    func record(_ answer: DeliveryAnswer, of delivery: OutboundDelivery, as state: OutboundDelivery.State) async throws

    /// Writes down that a delivery is not tried, its endpoint being disabled.
    func skip(_ delivery: OutboundDelivery) async throws

    /// Sends an endpoint nothing any more. Nothing changes if it is disabled already.
    func disable(_ endpoint: Int64, of seller: Seller.ID, by person: String, because reason: String) async throws
}
