public import Accounts
internal import Billing
public import BillingPorts
public import Dates
internal import JobKit
internal import Postgres
internal import QueueStore

/// What a customer is told in the seller's application.
public struct Notice: Hashable, Sendable {
    /// Its place among what was written to the customer.
    public let ordinal: Int
    public let template: Mail.Template
    /// An invoice's or credit note's number, a subscription's or metric's code.
    public let subject: String
    public let at: Instant
    /// `nil`: not yet.
    public let seenAt: Instant?
}

extension WebBooks {
    /// A customer's notices, the newest first, those before `place`; those that nobody has seen only, where that is asked.
    public func notices(
        of customer: CustomerKey, before place: Int? = nil, onlyUnseen: Bool = false, limit: Int
    ) async throws -> [Notice] {
        try await inspection.read(customer.seller) { transaction in
            try await transaction.query(
                NoticeSQL.list(of: customer, before: place, onlyUnseen: onlyUnseen, limit: limit)
            ).decode(Int.self, String.self, String.self, Instant.self, Instant?.self).map {
                ordinal, template, subject, at, seenAt in
                let stored = Stored("mails", "\(customer)/\(ordinal)")
                return Notice(
                    ordinal: ordinal, template: try stored.choice(Mail.Template.self, template), subject: subject,
                    at: at, seenAt: seenAt)
            }
        }
    }

    /// The customer has seen it; the first time counts.
    public func see(_ notice: Int, of customer: CustomerKey, at now: Instant) async throws {
        try await pool.transaction(settings: [.tenant(.one(customer.seller.rawValue))]) { transaction in
            _ = try await transaction.query(NoticeSQL.see(notice, of: customer, at: now))
        }
    }
}

private enum NoticeSQL {
    static func list(of key: CustomerKey, before place: Int?, onlyUnseen: Bool, limit: Int) -> SQL {
        let unseen: SQL = onlyUnseen ? "AND seen_at IS NULL" : ""
        return """
            SELECT notice, template, subject, at, seen_at FROM books.notices
             WHERE seller_id = \(key.seller) AND customer_id = \(key.customer) AND notice < \(place ?? Int(Int32.max)) \(unseen)
             ORDER BY notice DESC
             LIMIT \(limit)
            """
    }

    static func see(_ notice: Int, of key: CustomerKey, at now: Instant) -> SQL {
        """
        INSERT INTO books.notices_seen (seller_id, customer_id, mail, seen_at)
        VALUES (\(key.seller), \(key.customer), \(notice), \(now)) ON CONFLICT DO NOTHING
        """
    }
}
