public import Billing
internal import BillingPorts
public import Dates
internal import JobKit
public import Postgres
public import QueueStore

/// A seller's endpoints as a person sees and changes them. Every change leaves a row: who, why, before, after.
public struct EndpointDesk: Sendable {
    private let store: PostgresJobStore<PostgresBooks>
    private let pool: PostgresPool
    private let seller: Seller.ID
    private let now: Instant

    public init(_ store: PostgresJobStore<PostgresBooks>, _ pool: PostgresPool, of seller: Seller.ID, now: Instant) {
        self.store = store
        self.pool = pool
        self.seller = seller
        self.now = now
    }

    public struct Endpoint: Sendable, Hashable {
        public let id: Int64
        public let url: String
        public let types: [String]
        public let state: String
        public let disabledWhy: String?
        public let failingSince: Instant?
        /// Until when the secret before the last signs as well.
        public let oldSecretUntil: Instant?
        public let createdAt: Instant
        /// By state.
        public let deliveries: [String: Int]
    }

    public struct Delivery: Sendable, Hashable {
        public let event: Int64
        public let reference: String
        public let type: String
        public let state: String
        public let tries: Int
        public let createdAt: Instant
        public let lastStatus: Int?
        public let lastError: String?
    }

    /// How long the old secret goes on signing when it is replaced.
    public static let rotation = Duration.seconds(24 * 3600)

    public func add(_ url: String, types: [String], secret: String, by person: String, because reason: String)
        async throws -> Int64
    {
        try await changing { transaction in
            let id = try await transaction.query(
                """
                INSERT INTO books.webhook_endpoints (seller_id, url, types, secret, created_at)
                VALUES (\(seller), \(url), \(types), \(secret), \(now)) RETURNING endpoint_id
                """
            ).only(Int64.self)
            try await note("add", id, nil, url, person, reason, transaction)
            return id
        }
    }

    public func list() async throws -> [Endpoint] {
        try await reading { transaction in
            try await transaction.query(
                """
                SELECT endpoint_id, url, types, state, disabled_why, failing_since,
                       CASE WHEN old_until > \(now) THEN old_until END, created_at,
                       ARRAY(SELECT state FROM books.outbound_deliveries AS d
                              WHERE d.endpoint_id = e.endpoint_id GROUP BY state ORDER BY state),
                       ARRAY(SELECT count(*) FROM books.outbound_deliveries AS d
                              WHERE d.endpoint_id = e.endpoint_id GROUP BY state ORDER BY state)
                  FROM books.webhook_endpoints AS e WHERE seller_id = \(seller) ORDER BY endpoint_id
                """
            ).map { row in try Endpoint(row) }
        }
    }

    /// With its newest deliveries and what was done to it; nil: no such endpoint.
    public func find(_ id: Int64, limit: Int) async throws -> (Endpoint, [Delivery], [GatewayEventDesk.Act])? {
        guard let endpoint = try await list().first(where: { $0.id == id }) else { return nil }
        let deliveries = try await reading { transaction in
            try await transaction.query(
                """
                SELECT event.event_id, event.reference, event.type, delivery.state, delivery.tries, event.created_at,
                       delivery.last_status, delivery.last_error
                  FROM books.outbound_deliveries AS delivery JOIN books.outbound_events AS event
                       USING (seller_id, event_id)
                 WHERE delivery.seller_id = \(seller) AND delivery.endpoint_id = \(id)
                 ORDER BY event.event_id DESC LIMIT \(limit)
                """
            ).map { row in try Delivery(row) }
        }
        return (endpoint, deliveries, try await WebhookActs.of("endpoint/\(id)", pool))
    }

    /// False: there is no such endpoint, or it is so already.
    public func set(enabled: Bool, _ id: Int64, by person: String, because reason: String) async throws -> Bool {
        try await changing { transaction in
            let why: String? = enabled ? nil : reason
            let (from, to) = enabled ? ("disabled", "enabled") : ("enabled", "disabled")
            let changed =
                try await transaction.query(
                    """
                    UPDATE books.webhook_endpoints
                       SET state = \(to), disabled_why = \(why), failing_since = NULL
                     WHERE seller_id = \(seller) AND endpoint_id = \(id) AND state = \(from)
                    """
                ).affectedRows == 1
            guard changed else { return false }
            try await note(enabled ? "enable" : "disable", id, from, to, person, reason, transaction)
            return true
        }
    }

    /// From now on the new secret signs, and the old one beside it for a day. False: no such endpoint.
    public func rotate(_ id: Int64, to secret: String, by person: String, because reason: String) async throws -> Bool {
        try await changing { transaction in
            let changed =
                try await transaction.query(
                    """
                    UPDATE books.webhook_endpoints
                       SET old_secret = secret, old_until = \(now + Self.rotation), secret = \(secret)
                     WHERE seller_id = \(seller) AND endpoint_id = \(id)
                    """
                ).affectedRows == 1
            if changed { try await note("rotate", id, nil, nil, person, reason, transaction) }
            return changed
        }
    }

    /// All that sign for it at the moment, for a test; nil: no such endpoint.
    public func signing(_ id: Int64) async throws -> (url: String, secrets: [String])? {
        try await reading { transaction in
            try await transaction.query(
                """
                SELECT url, array_remove(ARRAY[secret, CASE WHEN old_until > \(now) THEN old_secret END], NULL)
                  FROM books.webhook_endpoints WHERE seller_id = \(seller) AND endpoint_id = \(id)
                """
            ).decode(String.self, [String].self).first.map { ($0.0, $0.1) }
        }
    }

    /// Delivers again: one event by its reference, or all since then that are in a state. Those under way are left alone.
    /// How many; nil: no such endpoint.
    public func replay(
        _ id: Int64, reference: String?, state: String?, since: Instant?, limit: Int, by person: String,
        because reason: String
    ) async throws -> Int? {
        guard try await list().contains(where: { $0.id == id }) else { return nil }
        return try await store.transaction(tenant: .one(seller.rawValue), now: now) { work in
            var conditions: [SQL] = ["delivery.state <> 'pending'"]
            if let reference { conditions.append("event.reference = \(reference)") }
            if let state { conditions.append("delivery.state = \(state)") }
            if let since { conditions.append("event.created_at >= \(since)") }
            let events = try await work.transaction.query(
                """
                WITH chosen AS (
                    SELECT delivery.event_id FROM books.outbound_deliveries AS delivery
                      JOIN books.outbound_events AS event USING (seller_id, event_id)
                     WHERE delivery.seller_id = \(seller) AND delivery.endpoint_id = \(id)
                       AND \(conditions.joined(separator: " AND "))
                     ORDER BY delivery.event_id LIMIT \(limit) FOR UPDATE OF delivery
                )
                UPDATE books.outbound_deliveries AS delivery
                   SET state = 'pending', tries = 0, begun_at = \(now), settled_at = NULL
                  FROM chosen
                 WHERE delivery.seller_id = \(seller) AND delivery.endpoint_id = \(id)
                   AND delivery.event_id = chosen.event_id
                RETURNING delivery.event_id
                """
            ).decode(Int64.self)
            guard !events.isEmpty else { return 0 }
            try await note("replay", id, nil, "\(events.count) events", person, reason, work.transaction)
            try await work.enqueue(
                events.sorted().map { try NewJob(DeliverEvent(seller: seller, endpoint: id, event: $0)) })
            return events.count
        }
    }

    /// The database's clock, by which signatures are dated.
    public func time() async throws -> Instant {
        try await pool.query("SELECT clock_timestamp()").only(Instant.self)
    }

    private func note(
        _ verb: String, _ id: Int64, _ before: String?, _ after: String?, _ person: String, _ reason: String,
        _ transaction: Transaction
    ) async throws {
        let subject = "endpoint/\(id)"
        _ = try await transaction.query(
            """
            INSERT INTO books.webhook_acts (at, by, why, verb, subject, before, after)
            VALUES (\(now), \(person), \(reason), \(verb), \(subject), \(before), \(after))
            """)
    }

    private func changing<Value: Sendable>(_ body: (Transaction) async throws -> Value) async throws -> Value {
        try await pool.transaction(settings: [.tenant(.one(seller.rawValue))], body: body)
    }

    private func reading<Value: Sendable>(_ body: (Transaction) async throws -> Value) async throws -> Value {
        try await pool.transaction(settings: [.tenant(.one(seller.rawValue))], readOnly: true, body: body)
    }
}

extension EndpointDesk.Endpoint {
    fileprivate init(_ row: Row) throws(PostgresError) {
        let (id, url, types, state, why, failing, old, created, states, counts) = try row.decode(
            Int64.self, String.self, [String].self, String.self, String?.self, Instant?.self, Instant?.self,
            Instant.self, [String].self, [Int64].self)
        self.init(
            id: id, url: url, types: types, state: state, disabledWhy: why, failingSince: failing, oldSecretUntil: old,
            createdAt: created,
            deliveries: Dictionary(zip(states, counts.map { Int($0) })) { first, _ in first })
    }
}

extension EndpointDesk.Delivery {
    fileprivate init(_ row: Row) throws(PostgresError) {
        let (event, reference, type, state, tries, created, status, error) = try row.decode(
            Int64.self, String.self, String.self, String.self, Int32.self, Instant.self, Int32?.self, String?.self)
        self.init(
            event: event, reference: reference, type: type, state: state, tries: Int(tries), createdAt: created,
            lastStatus: status.map { Int($0) }, lastError: error)
    }
}
