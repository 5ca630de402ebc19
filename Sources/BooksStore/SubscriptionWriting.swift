internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money
internal import Postgres

/// Subscriptions, and what customers hand in for them.
extension StoreSQL {
    private func contents(_ rows: [Owned<Subscription>]) throws -> [PostgresJSON] {
        try rows.map { row in
            let json = try row.value.json { plan in
                guard let id = planID(plan) else { preconditionFailure("plan \(plan.code) has no id") }
                return id
            }
            return PostgresJSON(json.text())
        }
    }

    func storeSubscriptions() throws -> Writing {
        let rows = changes.subscriptions
        let subscriptions = rows.map(\.value)
        return Writing(
            "a subscription", rows: rows.count,
            """
            INSERT INTO books.subscriptions
                   (seller_id, customer_id, ordinal, code, state, plan, starts_on, ends_on, cancelled_at, content)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(subscriptions.map(\.code)),
                   \(subscriptions.map(\.state.rawValue)), \(subscriptions.map(\.plan.code)),
                   \(subscriptions.map(\.start)), \(subscriptions.map { $0.end?.date }),
                   \(subscriptions.map { $0.cancellations.last?.at }), \(try contents(rows)))
                ON CONFLICT (seller_id, customer_id, ordinal) DO UPDATE
               SET state = excluded.state, plan = excluded.plan, ends_on = excluded.ends_on,
                   cancelled_at = excluded.cancelled_at, content = excluded.content
            """)
    }

    func insertTransitions() -> Writing {
        let rows = changes.transitions
        let transitions = rows.map(\.value.1)
        return Writing(
            "a transition", rows: rows.count,
            """
            INSERT INTO books.subscription_transitions
                   (seller_id, customer_id, subscription, ordinal, to_state, cause, at)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.value.subscription)), \(rows.map(\.ordinal)),
                   \(transitions.map(\.to.rawValue)), \(transitions.map(\.cause.rawValue)), \(transitions.map(\.at)))
            """)
    }

    func insertCoupons() throws -> Writing {
        let rows = changes.coupons
        let uses = rows.map(\.value.use)
        let definitions = try uses.map { PostgresJSON(try $0.coupon.json().text()) }
        return Writing(
            "a coupon's use", rows: rows.count,
            """
            INSERT INTO books.coupon_uses
                   (seller_id, customer_id, ordinal, code, currency, definition, subscription, used_on)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(uses.map(\.coupon.code)),
                   \(rows.map(\.value.currency.code)), \(definitions), \(uses.map(\.subscription)), \(uses.map(\.date)))
            """)
    }

    /// One whose id was counted already is left out, and then too few rows were written.
    func insertUsage() -> Writing {
        let rows = changes.usage
        let (usage, events) = (rows.map(\.value), rows.map(\.value.event))
        return Writing(
            "a usage event", rows: rows.count,
            """
            INSERT INTO books.usage_events
                   (seller_id, customer_id, ordinal, event_id, metric, quantity, properties, given_at, at, counted_on)
            SELECT \(seller), * FROM unnest(
                   \(rows.map(\.customer)), \(rows.map(\.ordinal)), \(events.map(\.id)), \(events.map(\.metric)),
                   \(events.map(\.quantity.exactText)), \(events.map { PostgresJSON($0.propertiesJSON.text()) }),
                   \(events.map(\.time)), \(usage.map(\.time)), \(usage.map(\.date)))
                ON CONFLICT (event_id, customer_id, seller_id) DO NOTHING
            """)
    }
}
