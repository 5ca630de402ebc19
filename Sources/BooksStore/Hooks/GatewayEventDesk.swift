public import Dates
internal import JobKit
public import Postgres
internal import QueueStore

/// What a person sees of the gateway's events, and does to them. Every act leaves a row: who, why, before, after.
public struct GatewayEventDesk: Sendable {
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    /// An event without its body.
    public struct Entry: Sendable, Hashable {
        public let id: Int64
        public let reference: String
        public let type: String
        public let isLive: Bool
        public let madeAt: Instant
        public let receivedAt: Instant
        /// `webhook` or `sweep`.
        public let source: String
        public let state: String
        public let note: String
        public let settledAt: Instant?
        public let seller: Int64?
        public let customer: Int64?
        public let job: Int64?
        public let bytes: Int
    }

    /// Which are meant. Every part narrows it.
    public struct Filter: Sendable {
        public var state: String?
        /// The beginning of the type: `charge.dispute`.
        public var type: String?
        public var source: String?
        public var since: Instant?
        /// Only those with a smaller id: the next page.
        public var before: Int64?
        public var limit = 50

        public init() {}

        var condition: SQL {
            var list: [SQL] = ["true"]
            if let state { list.append("state = \(state)") }
            if let type { list.append("starts_with(type, \(type))") }
            if let source { list.append("source = \(source)") }
            if let since { list.append("received_at >= \(since)") }
            if let before { list.append("id < \(before)") }
            return list.joined(separator: " AND ")
        }
    }

    /// What a person did.
    public struct Act: Sendable, Hashable {
        public let at: Instant
        public let person: String
        public let reason: String
        public let verb: String
        public let before: String?
        public let after: String?
    }

    public struct Replay: Sendable, Hashable {
        public let id: Int64
        /// The state it had.
        public let before: String
        /// The job that works it off; of a refusal the one that is at it.
        public let job: Int64?
        /// Why nothing was done, and what to do instead.
        public let refusal: String?
    }

    private static let columns: SQL = """
        id, reference, type, live, made_at, received_at, source, state, note, settled_at, about_seller, about_customer,
        job, octet_length(body)
        """

    /// Newest first.
    public func list(_ filter: Filter) async throws -> [Entry] {
        try await pool.query(
            """
            SELECT \(Self.columns) FROM books.gateway_events WHERE \(filter.condition)
             ORDER BY id DESC LIMIT \(filter.limit)
            """, deadline: .now + .seconds(60)
        ).map { row in try Entry(row) }
    }

    /// By our id, or the gateway's; nil: no such event.
    public func find(_ name: String) async throws -> (entry: Entry, body: [UInt8], acts: [Act])? {
        let isOurs: SQL = Int64(name).map { "id = \($0)" } ?? "reference = \(name)"
        guard
            let row = try await pool.query(
                "SELECT \(Self.columns) FROM books.gateway_events WHERE \(isOurs) ORDER BY id LIMIT 1"
            ).first
        else { return nil }
        let entry = try Entry(row)
        let body = try await pool.query("SELECT body FROM books.gateway_events WHERE id = \(entry.id)").only(
            [UInt8].self)
        return (entry, body, try await WebhookActs.of("event/\(entry.id)", pool))
    }

    /// Works an event off once more; nil: no such event.
    public func replay(_ id: Int64, by person: String, because reason: String) async throws -> Replay? {
        guard
            let row = try await pool.query(
                "SELECT before, made, refusal FROM books.replay_gateway_event(\(id), \(person), \(reason))"
            ).first
        else { return nil }
        let (before, job, refusal) = try row.decode(String.self, Int64?.self, String?.self)
        return Replay(id: id, before: before, job: job, refusal: refusal)
    }
}

enum WebhookActs {
    /// Oldest first.
    static func of(_ subject: String, _ pool: PostgresPool) async throws -> [GatewayEventDesk.Act] {
        try await pool.query(
            """
            SELECT at, by, why, verb, before, after FROM books.webhook_acts WHERE subject = \(subject)
             ORDER BY id LIMIT 100
            """
        ).decode(Instant.self, String.self, String.self, String.self, String?.self, String?.self).map {
            GatewayEventDesk.Act(at: $0.0, person: $0.1, reason: $0.2, verb: $0.3, before: $0.4, after: $0.5)
        }
    }
}

extension GatewayEventDesk.Entry {
    fileprivate init(_ row: Row) throws(PostgresError) {
        let values = try row.decode(
            Int64.self, String.self, String.self, Bool.self, Instant.self, Instant.self, String.self, String.self,
            String.self, Instant?.self, Int64?.self, Int64?.self, Int64?.self, Int32.self)
        self.init(
            id: values.0, reference: values.1, type: values.2, isLive: values.3, madeAt: values.4,
            receivedAt: values.5, source: values.6, state: values.7, note: values.8, settledAt: values.9,
            seller: values.10, customer: values.11, job: values.12, bytes: Int(values.13))
    }
}
