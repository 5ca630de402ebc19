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
        var faults: [String] = []
        repeat {
            let (next, found) = try await context.transaction { work in
                let due = try await work.subscriptionsToRenew(
                    of: job.arguments.seller, by: latest, after: cursor, limit: RenewalsHandler.batch)
                var faults: [String] = []
                for subscription in due {
                    if let fault = try await renew(subscription, in: work) { faults.append(fault) }
                }
                return (due.count < RenewalsHandler.batch ? nil : due.last?.subscription.id, faults)
            }
            cursor = next
            faults += found
        } while cursor != nil
        guard !faults.isEmpty else { return context.complete() }
        // The others are done. These stay due, and every run says so until somebody has mended them.
        return .discarded(
            reason: "\(faults.count) subscriptions cannot be renewed: "
                + faults.prefix(RenewalsHandler.faultsNamed).joined(separator: "; "))
    }

    /// Enough to see what is wrong.
    private static let faultsNamed = 20

    /// Nil: done, or nothing to do. Else why this subscription cannot be renewed; nothing of it was written.
    private func renew(_ due: SubscriptionToRenew, in work: any BillingWork) async throws -> String? {
        let today: LocalDate
        let decision: Renewal.Decision
        do {
            today = try zones.rules(due.timeZone).localDate(of: work.now)
            // Tomorrow where the date line is crossed first, but not here yet.
            if let looked = due.lookedOn, looked >= today { return nil }
            decision = try Renewal.decide(
                for: due.subscription, plan: due.plan, today: today, since: due.lookedOn,
                hasPaymentMethod: due.hasPaymentMethod)
        } catch {
            return "subscription \(due.subscription.id) of customer \(due.customer): \(error)"
        }
        try await work.renew(due, decision, on: today)
        if decision.isBilled { try await work.enqueue(GenerateInvoice(customer: due.customer, date: today)) }
        return nil
    }
}
