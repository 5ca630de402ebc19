public import Dates
public import Postgres
internal import QueueStore

/// Where the gateway's events are kept, each once for ever, with the job that works it off.
public struct GatewayInbox: Sendable {
    /// An event on its way in, verified.
    public struct Arrival: Sendable {
        public let gateway: String
        public let reference: String
        public let type: String
        public let isLive: Bool
        public let madeAt: Instant
        public let body: [UInt8]
        /// Whether a job is to look at it.
        public let isActedOn: Bool

        public init(
            gateway: String, reference: String, type: String, isLive: Bool, madeAt: Instant, body: [UInt8],
            isActedOn: Bool
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

    private let pool: PostgresPool

    /// The web process's role is enough.
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// Stores an event and enqueues its job, in one statement that is one transaction. False: it was there already.
    ///
    /// The sender is waiting: past `deadline` it is told to come again.
    public func take(_ arrival: Arrival, deadline: ContinuousClock.Instant) async throws -> Bool {
        try await pool.query(InboxSQL.take(arrival, from: "webhook"), deadline: deadline).only(Int64?.self) != nil
    }
}

/// Every statement about stored events.
enum InboxSQL {
    static func take(_ arrival: GatewayInbox.Arrival, from source: String) -> SQL {
        """
        SELECT books.take_gateway_event(
               \(arrival.gateway), \(arrival.reference), \(arrival.type), \(arrival.isLive), \(arrival.madeAt),
               \(source), \(arrival.body), \(arrival.isActedOn))
        """
    }

    static func event(_ id: Int64) -> SQL {
        "SELECT reference, type, state, body FROM books.gateway_events WHERE id = \(id)"
    }

    static func settle(_ id: Int64, as state: String, note: String, seller: Int64?, customer: Int64?, at now: Instant)
        -> SQL
    {
        """
        UPDATE books.gateway_events
           SET state = \(state), note = \(note), settled_at = \(now), about_seller = \(seller),
               about_customer = \(customer)
         WHERE id = \(id)
        """
    }
}
