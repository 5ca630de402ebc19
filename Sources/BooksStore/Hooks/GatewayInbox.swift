public import BillingPorts
internal import Dates
public import Postgres
internal import QueueStore

/// Where the gateway's events are kept, each once for ever, with the job that works it off.
public struct GatewayInbox: Sendable {
    private let pool: PostgresPool

    /// The web process's role is enough.
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// Stores an event and enqueues its job, in one statement that is one transaction. False: it was there already.
    ///
    /// The sender is waiting: past `deadline` it is told to come again.
    public func take(_ arrival: GatewayEventArrival, deadline: ContinuousClock.Instant) async throws -> Bool {
        try await pool.query(InboxSQL.take(arrival, from: "webhook"), deadline: deadline).only(Int64?.self) != nil
    }
}

/// Every statement about stored events.
enum InboxSQL {
    static func take(_ arrival: GatewayEventArrival, from source: String) -> SQL {
        """
        SELECT books.take_gateway_event(
               \(arrival.gateway), \(arrival.reference), \(arrival.type), \(arrival.isLive), \(arrival.madeAt),
               \(source), \(arrival.body), \(arrival.isActedOn))
        """
    }

    /// How many of them were new.
    static func take(_ arrivals: [GatewayEventArrival], from source: String) -> SQL {
        """
        SELECT count(books.take_gateway_event(
                     given.gateway, given.reference, given.type, given.live, given.made_at, \(source), given.body,
                     given.acted_on))
          FROM unnest(\(arrivals.map(\.gateway)), \(arrivals.map(\.reference)), \(arrivals.map(\.type)),
                      \(arrivals.map(\.isLive)), \(arrivals.map(\.madeAt)), \(arrivals.map(\.body)),
                      \(arrivals.map(\.isActedOn)))
               AS given(gateway, reference, type, live, made_at, body, acted_on)
        """
    }

    static func swept(_ gateway: String) -> SQL {
        "SELECT swept_to FROM books.gateway_sweeps WHERE gateway = \(gateway)"
    }

    static func recordSweep(of gateway: String, to instant: Instant) -> SQL {
        """
        INSERT INTO books.gateway_sweeps AS known (gateway, swept_to) VALUES (\(gateway), \(instant))
            ON CONFLICT (gateway) DO UPDATE SET swept_to = greatest(known.swept_to, excluded.swept_to)
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
