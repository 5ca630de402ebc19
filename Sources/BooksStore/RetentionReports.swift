internal import Accounts
public import Billing
internal import BillingPorts
public import Dates
internal import JobKit
public import Money
internal import Postgres
internal import QueueStore

/// Who went and why, what trials came to, and what coupons were used for: each of a seller as a whole, from one snapshot.
extension BooksInspection {
    /// The cancellations for one reason.
    public struct CancellationCount: Hashable, Sendable {
        /// `nil`: none was given.
        public let reason: String?
        /// Those that stand, and what a month of them came to.
        public let count: Int
        public let lost: Money
        /// Those that were withdrawn before they acted; and of these, those that took what was offered.
        public let withdrawn: Int
        public let tookOffer: Int
    }

    /// The trials of one plan that began in a time, and what has become of each by now.
    public struct TrialCount: Hashable, Sendable {
        /// The plan that was tried first.
        public let plan: String
        public let started: Int
        /// Those that somebody approved more days for.
        public let extended: Int
        /// Those that became subscriptions that are paid for; ended for want of something to pay with; were cancelled.
        public let converted: Int
        public let expired: Int
        public let cancelled: Int

        public var running: Int { started - converted - expired - cancelled }

        /// Of those that are over, in tenths of a percent; `nil` while none is.
        public var conversionPermille: Int? {
            let over = started - running
            return over == 0 ? nil : converted * 1000 / over
        }
    }

    /// How often a coupon was handed in, and what it has taken off invoices that stand.
    public struct CouponCount: Hashable, Sendable {
        public let code: String
        /// As it is handed out now; `nil`: not any more.
        public let coupon: Coupon?
        public let used: Int
        /// A currency each, in the order of their codes.
        public let given: [Money]
    }

    /// Of those asked for from `since` on and before `until`; the most frequent reason first.
    public func cancellations(
        of seller: Seller.ID, since: Instant?, until: Instant?
    ) async throws -> [CancellationCount] {
        try await read(seller) { transaction in
            try await transaction.query(RetentionSQL.cancellations(of: seller, since: since, until: until))
                .decode(String?.self, String.self, Int.self, Int64.self, Int.self, Int.self)
                .map { reason, currency, count, lost, withdrawn, tookOffer in
                    CancellationCount(
                        reason: reason, count: count, lost: try Stored("sellers", seller).money(lost, currency),
                        withdrawn: withdrawn, tookOffer: tookOffer)
                }
        }
    }

    /// Of those that began from `since` on and before `until`, in the order of the plans' codes.
    public func trials(of seller: Seller.ID, since: Instant?, until: Instant?) async throws -> [TrialCount] {
        try await read(seller) { transaction in
            try await transaction.query(RetentionSQL.trials(of: seller, since: since, until: until))
                .decode(String.self, Int.self, Int.self, Int.self, Int.self, Int.self)
                .map { plan, started, extended, converted, expired, cancelled in
                    TrialCount(
                        plan: plan, started: started, extended: extended, converted: converted, expired: expired,
                        cancelled: cancelled)
                }
        }
    }

    /// Those of the catalogue in its order, then those that are no longer in it.
    public func coupons(of seller: Seller.ID) async throws -> [CouponCount] {
        try await read(seller) { transaction in
            let answers = try await transaction.pipeline([
                AccountSQL.seller(seller), RetentionSQL.couponUses(of: seller), RetentionSQL.discounts(of: seller),
            ])
            let stored = try StoredSeller(answers[0].only(), id: seller)
            let coupons = try await reader(seller, transaction).catalogue(stored).coupons
            let used = Dictionary(try answers[1].decode(String.self, Int.self).map { ($0.0, $0.1) }) { first, _ in first
            }
            var given: [String: [Money]] = [:]
            for (code, currency, amount) in try answers[2].decode(String.self, String.self, Int64.self) {
                given[code, default: []].append(try Stored("sellers", seller).money(amount, currency))
            }
            let known = Set(coupons.map(\.code))
            return coupons.map {
                CouponCount(code: $0.code, coupon: $0, used: used[$0.code] ?? 0, given: given[$0.code] ?? [])
            }
                + used.keys.filter { !known.contains($0) }.sorted().map {
                    CouponCount(code: $0, coupon: nil, used: used[$0] ?? 0, given: given[$0] ?? [])
                }
        }
    }
}

/// The statements of these reports.
enum RetentionSQL {
    static func cancellations(of seller: Seller.ID, since: Instant?, until: Instant?) -> SQL {
        """
        SELECT item.value ->> 'reason', customer.currency, count(*) FILTER (WHERE NOT item.value ? 'withdrawn_at'),
               coalesce(sum((item.value ->> 'monthly_value')::bigint)
                        FILTER (WHERE NOT item.value ? 'withdrawn_at'), 0)::bigint,
               count(*) FILTER (WHERE item.value ? 'withdrawn_at'), count(*) FILTER (WHERE item.value ? 'took_offer')
          FROM books.subscriptions AS subscription
          JOIN books.customers AS customer USING (seller_id, customer_id)
         CROSS JOIN LATERAL jsonb_array_elements(subscription.content -> 'cancellations') AS item
         WHERE subscription.seller_id = \(seller) AND subscription.cancelled_at IS NOT NULL
           AND (\(since)::timestamptz IS NULL OR subscription.cancelled_at >= \(since))
           AND (\(since)::timestamptz IS NULL OR (item.value ->> 'at')::timestamptz >= \(since))
           AND (\(until)::timestamptz IS NULL OR (item.value ->> 'at')::timestamptz < \(until))
         GROUP BY item.value ->> 'reason', customer.currency
         ORDER BY 3 DESC, 1, 2
        """
    }

    /// A trial begins with a transition, and is over with the next of its subscription.
    static func trials(of seller: Seller.ID, since: Instant?, until: Instant?) -> SQL {
        """
        SELECT plan.code, count(*),
               count(*) FILTER (WHERE EXISTS (
                     SELECT FROM books.operations AS operation
                      WHERE (operation.seller_id, operation.customer_id) = (began.seller_id, began.customer_id)
                        AND operation.operation ->> 'do' = 'extend_trial'
                        AND operation.operation ->> 'subscription' = subscription.code)),
               count(*) FILTER (WHERE next.cause = 'trial_ended'), count(*) FILTER (WHERE next.cause = 'trial_unpaid'),
               count(*) FILTER (WHERE next.cause = 'cancelled')
          FROM books.subscription_transitions AS began
          JOIN books.subscriptions AS subscription
            ON (subscription.seller_id, subscription.customer_id, subscription.ordinal)
               = (began.seller_id, began.customer_id, began.subscription)
          JOIN books.sold_plans AS plan
            ON (plan.seller_id, plan.plan_id)
               = (subscription.seller_id, (subscription.content #>> '{changes,0,change,plan}')::bigint)
          LEFT JOIN books.subscription_transitions AS next
            ON (next.seller_id, next.customer_id, next.subscription, next.ordinal)
               = (began.seller_id, began.customer_id, began.subscription, began.ordinal + 1)
         WHERE began.seller_id = \(seller) AND began.to_state = 'trialing'
           AND (\(since)::timestamptz IS NULL OR began.at >= \(since))
           AND (\(until)::timestamptz IS NULL OR began.at < \(until))
         GROUP BY plan.code
         ORDER BY plan.code
        """
    }

    static func couponUses(of seller: Seller.ID) -> SQL {
        "SELECT code, count(*) FROM books.coupon_uses WHERE seller_id = \(seller) GROUP BY code"
    }

    /// A plan's own discounts name no use of a coupon.
    static func discounts(of seller: Seller.ID) -> SQL {
        """
        SELECT line.code, invoice.currency, -sum(line.amount)::bigint
          FROM books.invoice_lines AS line
          JOIN books.invoices AS invoice
            ON (invoice.seller_id, invoice.customer_id, invoice.ordinal)
               = (line.seller_id, line.customer_id, line.invoice)
         WHERE line.seller_id = \(seller) AND line.kind = 'discount' AND invoice.state <> 'void'
           AND coalesce(line.explanation #> '{percent_off,use}', line.explanation #> '{amount_off,use}') IS NOT NULL
         GROUP BY line.code, invoice.currency
         ORDER BY line.code, invoice.currency
        """
    }
}
