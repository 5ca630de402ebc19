internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Moves a seller's customers on to now, each in its own zone, and hands on whatever fell due.
///
/// Every batch commits by itself: a run that dies goes on behind what it has done, because a customer that was looked at
/// is not due any more.
public struct RenewalsHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 20, timeout: .seconds(600))

    public init() {}

    /// Customers of one transaction: enough to make the commit cheap, few enough to hold locks briefly.
    private static let batch = 100

    public func run(_ job: Job<RenewSubscriptions>, in context: BillingContext) async throws -> JobOutcome {
        var cursor: Customer.ID?
        var faults: [String] = []
        repeat {
            let (next, found) = try await context.transaction { [cursor] work in
                let due = try await work.customersDue(
                    of: job.arguments.seller, by: work.now, after: cursor, limit: RenewalsHandler.batch)
                let found = try await renew(due, in: work)
                return (due.count < RenewalsHandler.batch ? nil : due.last?.customer, found)
            }
            cursor = next
            faults += found
        } while cursor != nil
        guard !faults.isEmpty else { return context.complete() }
        // The others are done. These stay due, and every run says so until somebody has mended them.
        return .discarded(
            reason: "\(faults.count) customers cannot be moved on: "
                + faults.prefix(RenewalsHandler.faultsNamed).joined(separator: "; "))
    }

    /// Enough to see what is wrong.
    private static let faultsNamed = 20

    /// Why some of them cannot be moved on; nothing of those was written.
    private func renew(_ keys: [CustomerKey], in work: any BillingWork) async throws -> [String] {
        guard !keys.isEmpty else { return [] }
        let read = try await work.readableAccounts(keys)
        var faults = read.faults.map { "customer \($0.key): \($0.reason)" }
        var renewed: [OpenAccount] = []
        for var open in read.accounts {
            do {
                try open.account.advance(to: work.now)
                renewed.append(open)
            } catch {
                faults.append("customer \(open.key) (\(open.account.code)): \(error)")
            }
        }
        try await work.store(renewed)
        try await work.followUp(renewed)
        return faults
    }
}
