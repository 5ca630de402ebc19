internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Works out what a change in the middle of a period brings, and has it invoiced if it is to be invoiced now.
///
/// It stores no amounts: the lines of a change are what ought to be billed less what was, worked out anew by whoever
/// invoices. What waits for the next invoice is found there again.
public struct ProrationHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 10, timeout: .seconds(60), whenExhausted: .hold)

    public init() {}

    public func run(_ job: Job<ProrateChange>, in context: BillingContext) async throws -> JobOutcome {
        try await context.complete { work in
            var accounts = try await work.accounts([job.arguments.customer])
            for index in accounts.indices { try accounts[index].account.advance(to: work.now) }
            try await work.store(accounts)
            try await work.followUp(accounts)
        }
    }
}
