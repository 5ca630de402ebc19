public import Billing
public import BillingPorts
public import Dates
internal import JSONText
internal import JobKit
internal import Postgres
internal import QueueStore

extension PostgresBooks {
    /// Writes down what these accounts' seller is told of, with a delivery and its job for each endpoint that wants it.
    func tell(_ accounts: [OpenAccount], of seller: Seller.ID) async throws {
        let drafts = try accounts.flatMap { try EventDraft.all($0) }
        guard !drafts.isEmpty else { return }
        let made = try await transaction.query(OutboxSQL.tell(drafts, of: seller, at: now))
            .decode(Int64.self, Int64.self)
        guard !made.isEmpty else { return }
        try await enqueue(
            made.map { event, endpoint in try NewJob(DeliverEvent(seller: seller, endpoint: endpoint, event: event)) })
    }

    public func delivery(
        of event: Int64, to endpoint: Int64, seller: Seller.ID
    ) async throws -> OutboundDelivery? {
        guard let row = try await transaction.query(OutboxSQL.delivery(of: event, to: endpoint, seller, at: now)).first
        else { return nil }
        let (
            reference, type, object, created, code, url, secrets, state, tries, begunAt, why, failingSince
        ) = try row.decode(
            String.self, String.self, String.self, Instant.self, String.self, String.self, [String].self, String.self,
            Int32.self, Instant.self, String?.self, Instant?.self)
        let body = OutboundBody(reference: reference, type: type, object: object, createdAt: created, seller: code)
        return OutboundDelivery(
            seller: seller, endpoint: endpoint, event: event, reference: reference, url: url, secrets: secrets,
            body: body.bytes,
            state: try Stored("outbound_deliveries", "\(seller)/\(event)").choice(OutboundDelivery.State.self, state),
            tries: Int(tries), begunAt: begunAt, disabledWhy: why, failingSince: failingSince)
    }

    public func record(
        _ answer: DeliveryAnswer, of delivery: OutboundDelivery, as state: OutboundDelivery.State
    ) async throws {
        try await transaction.query(OutboxSQL.record(answer, of: delivery, as: state, at: now))
            .require(1, "delivery of event \(delivery.event)")
        if answer.isTaken {
            guard delivery.failingSince != nil else { return }
            _ = try await transaction.query(OutboxSQL.succeeded(delivery))
        } else if delivery.failingSince == nil {
            _ = try await transaction.query(OutboxSQL.failing(delivery, at: now))
        }
    }

    public func skip(_ delivery: OutboundDelivery) async throws {
        _ = try await transaction.query(OutboxSQL.skip(delivery, at: now))
    }

    public func disable(
        _ endpoint: Int64, of seller: Seller.ID, by person: String, because reason: String
    ) async throws {
        _ = try await transaction.query(OutboxSQL.disable(endpoint, of: seller, by: person, because: reason, at: now))
    }
}

/// An event as it is sent: the same bytes at every try.
public struct OutboundBody: Sendable {
    public let bytes: [UInt8]

    /// `object`: JSON.
    public init(reference: String, type: String, object: String, createdAt: Instant, seller: String) {
        let head: JSONValue = [
            "id": .string(reference), "object": "event", "type": .string(type), "created": .integer(createdAt.seconds),
            "seller": .string(seller),
        ]
        bytes = Array("\(head.text().dropLast()),\"data\":{\"object\":\(object)}}".utf8)
    }
}

/// Every statement about events that go out.
enum OutboxSQL {
    /// What nobody wants is not written down. Returns each delivery's event and endpoint.
    static func tell(_ drafts: [EventDraft], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        WITH endpoints AS MATERIALIZED (
            SELECT endpoint_id, types FROM books.webhook_endpoints WHERE seller_id = \(seller) AND state = 'enabled'
        ), told AS (
            INSERT INTO books.outbound_events (seller_id, type, customer_id, object, created_at)
            SELECT \(seller), given.type, given.customer_id, given.object, \(now)
              FROM unnest(\(drafts.map(\.type)), \(drafts.map(\.customer)), \(drafts.map { $0.object.text() }))
                   WITH ORDINALITY AS given(type, customer_id, object, place)
             WHERE EXISTS (SELECT FROM endpoints WHERE \(isWanted("given.type")))
             ORDER BY given.place
            RETURNING event_id, type
        )
        INSERT INTO books.outbound_deliveries (seller_id, event_id, endpoint_id, begun_at)
        SELECT \(seller), told.event_id, endpoints.endpoint_id, \(now)
          FROM told JOIN endpoints ON \(isWanted("told.type"))
        RETURNING event_id, endpoint_id
        """
    }

    /// By name, by all of a family, or everything.
    private static func isWanted(_ type: SQL) -> SQL {
        "types && ARRAY['*', \(type), split_part(\(type), '.', 1) || '.*']"
    }

    static func delivery(of event: Int64, to endpoint: Int64, _ seller: Seller.ID, at now: Instant) -> SQL {
        """
        SELECT event.reference, event.type, event.object, event.created_at, seller.code, endpoint.url,
               array_remove(ARRAY[endpoint.secret, CASE WHEN endpoint.old_until > \(now) THEN endpoint.old_secret END],
                            NULL),
               delivery.state, delivery.tries, delivery.begun_at, endpoint.disabled_why, endpoint.failing_since
          FROM books.outbound_deliveries AS delivery
          JOIN books.outbound_events AS event USING (seller_id, event_id)
          JOIN books.webhook_endpoints AS endpoint USING (seller_id, endpoint_id)
          JOIN books.sellers AS seller USING (seller_id)
         WHERE delivery.seller_id = \(seller) AND delivery.event_id = \(event) AND delivery.endpoint_id = \(endpoint)
        """
    }

    static func record(
        _ answer: DeliveryAnswer, of delivery: OutboundDelivery, as state: OutboundDelivery.State, at now: Instant
    ) -> SQL {
        """
        UPDATE books.outbound_deliveries
           SET state = \(state.rawValue), tries = tries + 1, last_status = \(answer.status.map { Int32($0) }),
               last_error = \(answer.error), settled_at = \(state == .pending ? nil : now)
         WHERE seller_id = \(delivery.seller) AND event_id = \(delivery.event) AND endpoint_id = \(delivery.endpoint)
        """
    }

    static func skip(_ delivery: OutboundDelivery, at now: Instant) -> SQL {
        """
        UPDATE books.outbound_deliveries SET state = 'skipped', settled_at = \(now)
         WHERE seller_id = \(delivery.seller) AND event_id = \(delivery.event) AND endpoint_id = \(delivery.endpoint)
           AND state = 'pending'
        """
    }

    static func succeeded(_ delivery: OutboundDelivery) -> SQL {
        """
        UPDATE books.webhook_endpoints SET failing_since = NULL
         WHERE seller_id = \(delivery.seller) AND endpoint_id = \(delivery.endpoint) AND failing_since IS NOT NULL
        """
    }

    static func failing(_ delivery: OutboundDelivery, at now: Instant) -> SQL {
        """
        UPDATE books.webhook_endpoints SET failing_since = \(now)
         WHERE seller_id = \(delivery.seller) AND endpoint_id = \(delivery.endpoint) AND failing_since IS NULL
        """
    }

    static func disable(
        _ endpoint: Int64, of seller: Seller.ID, by person: String, because reason: String, at now: Instant
    ) -> SQL {
        """
        WITH disabled AS (
            UPDATE books.webhook_endpoints SET state = 'disabled', disabled_why = \(reason)
             WHERE seller_id = \(seller) AND endpoint_id = \(endpoint) AND state = 'enabled'
            RETURNING endpoint_id
        )
        INSERT INTO books.webhook_acts (at, by, why, verb, subject, before, after)
        SELECT \(now), \(person), \(reason), 'disable', 'endpoint/' || endpoint_id, 'enabled', 'disabled' FROM disabled
        """
    }
}
