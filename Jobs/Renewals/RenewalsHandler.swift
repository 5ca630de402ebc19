internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Moves a seller's subscriptions on to today, each in its customer's own zone, and has what fell due invoiced.
///
/// Every batch commits by itself: a run that dies goes on behind what it has done, because a subscription that was
/// looked at today is not due for a look any more.
public struct RenewalsHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 20, timeout: .seconds(600))
    private let zones: any TimeZones

    public init(zones: any TimeZones) { self.zones = zones }

    /// Subscriptions of one transaction: enough to make the commit cheap, few enough to hold locks briefly.
    private static let batch = 200

    public func run(_ job: Job<RenewSubscriptions>, in context: BillingContext) async throws -> JobOutcome {
        // Somewhere it is already tomorrow: UTC+14 is the farthest zone there is.
        let latest = TimeZoneRules.utc.localDate(of: context.now + .seconds(14 * 3600))
        var cursor: Subscription.ID?
        repeat {
            cursor = try await context.transaction { work in
                let due = try await work.subscriptionsToRenew(
                    of: job.arguments.seller, by: latest, after: cursor, limit: RenewalsHandler.batch)
                for subscription in due { try await renew(subscription, in: work) }
                return due.count < RenewalsHandler.batch ? nil : due.last?.subscription.id
            }
        } while cursor != nil
        return try await context.complete()
    }

    private func renew(_ due: SubscriptionToRenew, in work: any BillingWork) async throws {
        let today = try zones.rules(due.timeZone).localDate(of: work.now)
        // Tomorrow where the date line is crossed first, but not here yet.
        if let looked = due.lookedOn, looked >= today { return }
        let decision = try Renewal.decide(
            for: due.subscription, plan: due.plan, today: today, since: due.lookedOn,
            hasPaymentMethod: due.hasPaymentMethod)
        try await work.renew(due, decision, on: today)
        if decision.isBilled { try await work.enqueue(GenerateInvoice(customer: due.customer, date: today)) }
    }
}
