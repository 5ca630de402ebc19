public import Billing
public import BillingPorts
public import Dates
internal import Postgres
public import QueueStore

extension PostgresWork: SubscriptionBooks {
    public func subscriptionsToRenew(
        of seller: Seller.ID, by date: LocalDate, after cursor: Subscription.ID?, limit: Int
    ) async throws -> [SubscriptionToRenew] {
        let rows = try await transaction.query(
            SubscriptionsSQL.toRenew(of: seller, by: date, after: cursor, limit: limit))
        var plans = PlanReader()
        return try rows.map { row in
            let (
                id, customer, state, start, trialEnd, end, cause, blocked, billingDay, quantities, planID, currency,
                definition, timeZone, lookedOn, hasPaymentMethod
            ) = try row.decode(
                Subscription.ID.self, Customer.ID.self, String.self, LocalDate.self, LocalDate?.self, LocalDate?.self,
                String?.self, LocalDate?.self, Int32?.self, PostgresJSON.self, Plan.ID.self, String.self,
                PostgresJSON.self, String.self, LocalDate?.self, Bool.self)
            let stored = StoredSubscription(
                id: id, customer: customer, state: state, start: start, trialEnd: trialEnd, end: end, endCause: cause,
                blockedFrom: blocked, billingDay: billingDay, quantities: quantities)
            return SubscriptionToRenew(
                customer: CustomerKey(seller: seller, customer: customer), subscription: try stored.subscription(),
                plan: try plans.plan(planID, definition, currency: currency), timeZone: timeZone,
                lookedOn: try stored.row.date(lookedOn), hasPaymentMethod: hasPaymentMethod)
        }
    }

    public func renew(
        _ subscription: SubscriptionToRenew, _ decision: Renewal.Decision, on today: LocalDate
    ) async throws {
        let key = subscription.customer
        let id = subscription.subscription.id
        precondition(decision.subscription.id == id, "a decision about another subscription")
        var statements = [SubscriptionsSQL.renew(subscription, decision, on: today)]
        if !decision.moves.isEmpty {
            statements.append(SubscriptionsSQL.record(decision.moves, of: id, key, at: now))
        }
        try await transaction.pipeline(statements)[0].requireOne("subscription \(id)")
    }
}

/// A row of `books.subscriptions` before anything in it was checked.
struct StoredSubscription {
    let id: Subscription.ID
    let customer: Customer.ID
    let state: String
    let start: LocalDate
    let trialEnd: LocalDate?
    let end: LocalDate?
    let endCause: String?
    let blockedFrom: LocalDate?
    let billingDay: Int32?
    let quantities: PostgresJSON

    var row: Stored { Stored("subscriptions", id) }

    func subscription() throws(UnreadableRow) -> Subscription {
        var ending: Subscription.End?
        if let end, let endCause {
            ending = Subscription.End(try row.date(end), try row.choice(SubscriptionState.Cause.self, endCause))
        }
        return Subscription(
            id: id, customer: customer, start: try row.date(start), trialEnd: try row.date(trialEnd),
            billingDay: billingDay.map(Int.init), quantities: try row.quantities(quantities),
            state: try row.choice(SubscriptionState.self, state), end: ending,
            blockedFrom: try row.date(blockedFrom))
    }
}

/// Reads each plan version once, however many subscriptions of one answer are on it.
struct PlanReader {
    private var plans: [Plan.ID: Plan] = [:]

    mutating func plan(
        _ id: Plan.ID, _ definition: PostgresJSON, currency: String
    ) throws(UnreadableRow) -> Plan {
        if let plan = plans[id] { return plan }
        let plan = try Stored("plans", id).plan(definition, currency: currency)
        plans[id] = plan
        return plan
    }
}
