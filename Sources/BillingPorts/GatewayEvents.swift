public import Billing
public import Dates
public import JobKit
public import Money

// What a payment gateway tells by itself: stored raw as it came, and worked off by a job.

/// Do what an event of the gateway's asks for, once, whatever came before it. Enqueued with the event.
public struct ReactToGatewayEvent: JobArguments {
    public static let kind: JobKind = "react_to_gateway_event"
    public static let queue: QueueName = "webhooks"
    /// Its id in our store, not the gateway's.
    public let event: Int64

    // No tenant: an event does not say whose it is. What it is about does, once it has been found.
    public init(event: Int64) { self.event = event }
}

/// Look through the gateway's own list of events for those that never reached us. Enqueued by schedule.
public struct SweepGatewayEvents: JobArguments {
    public static let kind: JobKind = "sweep_gateway_events"
    public static let queue: QueueName = "webhooks"
    public static let priority = JobPriority.background
    public var uniqueKey: String? { "all" }

    public init() {}
}

/// An event on its way into our store.
public struct GatewayEventArrival: Sendable, Hashable {
    public let gateway: String
    /// The gateway's id of it.
    public let reference: String
    public let type: String
    public let isLive: Bool
    /// By the gateway's clock.
    public let madeAt: Instant
    public let body: [UInt8]
    /// Whether a job is to look at it.
    public let isActedOn: Bool

    public init(
        gateway: String, reference: String, type: String, isLive: Bool, madeAt: Instant, body: [UInt8], isActedOn: Bool
    ) {
        self.gateway = gateway
        self.reference = reference
        self.type = type
        self.isLive = isLive
        self.madeAt = madeAt
        self.body = body
        self.isActedOn = isActedOn
    }
}

/// A page of the gateway's list of events, the newest first.
public struct GatewayEventPage: Sendable, Hashable {
    public let events: [GatewayEventArrival]
    public let isLast: Bool

    public init(events: [GatewayEventArrival], isLast: Bool) {
        self.events = events
        self.isLast = isLast
    }
}

/// An event as it was stored.
public struct GatewayEventRecord: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        /// Its job has not been through.
        case stored
        /// The books are as it says.
        case done
        /// Not about anything of ours, or older than what the books say.
        case ignored
    }

    public let id: Int64
    /// The gateway's id of it, by which it is stored once.
    public let reference: String
    public let type: String
    public let state: State
    /// Exactly what was signed.
    public let body: [UInt8]

    public init(id: Int64, reference: String, type: String, state: State, body: [UInt8]) {
        self.id = id
        self.reference = reference
        self.type = type
        self.state = state
        self.body = body
    }
}

/// What an event is about. It names things; what has become of them is read at the gateway.
public enum GatewayNotice: Sendable, Hashable {
    /// A payment, as it was when the event was made.
    case payment(GatewayPayment)
    /// Something was paid back of a payment, or was to be and could not.
    case refunds(payment: String)
    /// A payment is disputed, or no longer.
    case disputes(payment: String)
    /// The card network has put new data behind a payment method.
    case methodRenewed(reference: String)
    case methodDetached(reference: String)
    /// A customer has saved one at the gateway's own form.
    case methodGiven(reference: String, customer: String)
    case customerDeleted(reference: String)
    /// Nothing that we act on.
    case other
}

/// A payment as the gateway has it.
public struct GatewayPayment: Sendable, Hashable {
    public let reference: String
    /// The key of our attempt, from its metadata; nil: none of ours.
    public let attempt: String?
    public let amount: Money
    public let outcome: ChargeOutcome

    public init(reference: String, attempt: String?, amount: Money, outcome: ChargeOutcome) {
        self.reference = reference
        self.attempt = attempt
        self.amount = amount
        self.outcome = outcome
    }
}

/// A refund as the gateway has it.
public struct GatewayRefund: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable { case underWay, succeeded, failed }

    public let reference: String
    /// The key that we sent with it, from its metadata; nil: somebody made it at the gateway.
    public let key: String?
    public let amount: Money
    public let state: State
    /// In the gateway's words why it failed.
    public let failure: String?

    public init(reference: String, key: String?, amount: Money, state: State, failure: String?) {
        self.reference = reference
        self.key = key
        self.amount = amount
        self.state = state
        self.failure = failure
    }
}

/// A dispute as the gateway has it.
public struct GatewayDispute: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        /// The bank only asks; no money has moved.
        case inquiry
        /// The money is with the bank.
        case withdrawn
        /// It stays there.
        case lost
        /// It has come back.
        case won
    }

    public let reference: String
    public let amount: Money
    public let state: State
    public let reason: String

    public init(reference: String, amount: Money, state: State, reason: String) {
        self.reference = reference
        self.amount = amount
        self.state = state
        self.reason = reason
    }
}

/// What the gateway answers to a question about one thing.
public enum GatewayLookup<Found: Sendable & Hashable>: Sendable, Hashable {
    case found(Found)
    /// There is none, or no longer.
    case gone
    case unavailable(reason: String)
    /// It answered, and what it says cannot be read or cannot be.
    case unreadable(reason: String)
}

/// The gateway's side of what it tells by itself: what an event says, and how things stand now.
public protocol GatewayNews: Sendable {
    /// What an event is about. Throws for what is no event of this gateway's.
    func notice(in body: [UInt8]) throws(GatewayEventFault) -> GatewayNotice

    func payment(_ reference: String) async -> GatewayLookup<GatewayPayment>
    /// All refunds of a payment, the oldest first.
    func refunds(of payment: String) async -> GatewayLookup<[GatewayRefund]>
    /// All disputes about a payment, the oldest first.
    func disputes(about payment: String) async -> GatewayLookup<[GatewayDispute]>
    /// The customer to whom a payment method belongs; gone: to nobody.
    func owner(ofMethod reference: String) async -> GatewayLookup<String>
    /// Whether a customer is there: found with its own reference, or gone.
    func customer(_ reference: String) async -> GatewayLookup<String>
    /// A page of the events made since then that we act on, the newest first; `after` is the last of the page before.
    func events(since: Instant, after last: String?) async -> GatewayLookup<GatewayEventPage>
}

/// An event that cannot be understood.
public struct GatewayEventFault: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Events, and what is found by the gateway's ids.
public protocol GatewayEventBooks: Sendable {
    /// Stores events that are not there yet, each with its job. How many those were.
    func take(_ events: [GatewayEventArrival]) async throws -> Int

    /// Up to when the list of a gateway's events has been gone through; nil: never.
    func swept(_ gateway: String) async throws -> Instant?

    /// It has been gone through up to then; never back.
    func recordSweep(of gateway: String, to instant: Instant) async throws

    /// A stored event; nil: no such event.
    func gatewayEvent(_ id: Int64) async throws -> GatewayEventRecord?

    /// Writes down what became of an event, with a word why, and about whom it was.
    func settle(
        _ event: GatewayEventRecord, as state: GatewayEventRecord.State, note: String, about customer: CustomerKey?
    ) async throws

    /// The effect that was announced under a key; nil: none of ours.
    func effect(under key: IdempotencyKey) async throws -> AnnouncedEffect?

    /// The payment attempt that the gateway knows by a reference.
    func attempt(known reference: String) async throws -> AttemptPlace?

    /// The payment method that the gateway knows by a reference, if it is not removed.
    func paymentMethod(known reference: String) async throws -> (CustomerKey, PaymentMethod.ID)?

    /// Whether a payment method was given to us, under the gateway's id as its token, whatever became of it.
    func isGiven(_ token: String, by customer: CustomerKey) async throws -> Bool

    /// The customer that the gateway knows by a reference.
    func customer(known reference: String) async throws -> CustomerKey?

    /// A method is charged no more.
    func remove(_ method: PaymentMethod.ID, of customer: CustomerKey) async throws

    /// The gateway knows the customer no longer: all its methods are removed, and the next one makes it known anew.
    func forgetGatewayCustomer(_ reference: String, of customer: CustomerKey) async throws

    /// What has been booked of a customer's disputes, by the gateway's ids of them.
    func disputes(of customer: CustomerKey) async throws -> [DisputeRecord]

    /// Writes down what has been booked of a dispute.
    func record(_ dispute: DisputeRecord, of customer: CustomerKey) async throws
}

/// One of a customer's payment attempts.
public struct AttemptPlace: Sendable, Hashable {
    public let customer: CustomerKey
    /// Among the customer's attempts, from 0.
    public let place: Int

    public init(customer: CustomerKey, place: Int) {
        self.customer = customer
        self.place = place
    }

    private static let scope = "payment_attempt"

    /// The scope of the effects that belong to it.
    public var effectScope: String { "\(Self.scope)/\(customer)/\(place)" }

    /// Nil: the scope of something else.
    public init?(effectScope: String) {
        let parts = effectScope.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == Self.scope, let seller = Int64(parts[1]), let customer = Int64(parts[2]),
            let place = Int(parts[3])
        else { return nil }
        self.init(
            customer: CustomerKey(seller: Seller.ID(seller), customer: Customer.ID(customer)), place: place)
    }
}

/// A dispute as far as it is booked.
public struct DisputeRecord: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable {
        /// The payment has been taken back in the books.
        case booked
        /// Lost for good.
        case lost
        /// The payment stands again.
        case reversed
    }

    public let reference: String
    public let attempt: Int
    public let invoice: Int
    public let amount: Money
    public let reason: String
    public let state: State

    public init(reference: String, attempt: Int, invoice: Int, amount: Money, reason: String, state: State) {
        self.reference = reference
        self.attempt = attempt
        self.invoice = invoice
        self.amount = amount
        self.reason = reason
        self.state = state
    }
}
