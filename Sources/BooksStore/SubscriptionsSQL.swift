internal import Billing
internal import BillingPorts
internal import Dates
internal import Postgres

/// Every statement about subscriptions.
enum SubscriptionsSQL {
    /// What `StoredSubscription` reads, of `subscription` and its `plan`.
    private static let columns: SQL = """
        subscription.subscription_id, subscription.customer_id, subscription.state, subscription.starts_on,
        subscription.trial_ends_on, subscription.ends_on, subscription.end_cause, subscription.blocked_from,
        subscription.billing_day, subscription.quantities, plan.plan_id, plan.currency, plan.definition
        """

    /// One pass over the index of what waits, in the order of ids. A row that somebody has locked is being looked at.
    /// NO KEY UPDATE: issuing an invoice, whose lines name the subscription, neither waits for us nor is waited for.
    static func toRenew(of seller: Seller.ID, by date: LocalDate, after cursor: Subscription.ID?, limit: Int) -> SQL {
        """
        SELECT \(columns), customer.time_zone, subscription.looked_on, method.given IS NOT NULL
          FROM books.subscriptions AS subscription
          JOIN books.customers AS customer USING (seller_id, customer_id)
          JOIN books.plans AS plan USING (seller_id, plan_id)
          LEFT JOIN LATERAL (
               -- One that is on its way to the gateway has been given: a trial does not end for want of it.
               SELECT true AS given FROM books.payment_methods AS given
                WHERE (given.seller_id, given.customer_id) = (subscription.seller_id, subscription.customer_id)
                  AND given.state IN ('pending', 'active')
                LIMIT 1) AS method ON true
         WHERE subscription.seller_id = \(seller) AND subscription.next_action_on <= \(date)
           AND subscription.subscription_id > \(cursor ?? Subscription.ID(0))
         ORDER BY subscription.subscription_id
         LIMIT \(limit)
           FOR NO KEY UPDATE OF subscription SKIP LOCKED
        """
    }

    static func all(of key: CustomerKey) -> SQL {
        """
        SELECT \(columns)
          FROM books.subscriptions AS subscription
          JOIN books.plans AS plan USING (seller_id, plan_id)
         WHERE subscription.seller_id = \(key.seller) AND subscription.customer_id = \(key.customer)
         ORDER BY subscription.subscription_id
        """
    }

    static func renew(_ read: SubscriptionToRenew, _ decision: Renewal.Decision, on today: LocalDate) -> SQL {
        let decided = decision.subscription
        return """
            UPDATE books.subscriptions
               SET state = \(decided.state.rawValue), ends_on = \(decided.end?.date),
                   end_cause = \(decided.end?.cause.rawValue), looked_on = \(today),
                   next_action_on = \(decision.nextActionOn)
             WHERE seller_id = \(read.customer.seller) AND customer_id = \(read.customer.customer)
               AND subscription_id = \(decided.id) AND state = \(read.subscription.state.rawValue)
            """
    }

    static func record(
        _ moves: [Renewal.DatedMove], of subscription: Subscription.ID, _ key: CustomerKey, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.subscription_transitions
               (seller_id, customer_id, subscription_id, from_state, to_state, cause, effective_on, at)
        SELECT \(key.seller), \(key.customer), \(subscription), from_state, to_state, cause, effective_on, \(now)
          FROM unnest(\(moves.map(\.move.from.rawValue)), \(moves.map(\.move.to.rawValue)),
                      \(moves.map(\.move.cause.rawValue)), \(moves.map(\.date)))
               WITH ORDINALITY AS moved(from_state, to_state, cause, effective_on, place)
         ORDER BY place
        """
    }
}
