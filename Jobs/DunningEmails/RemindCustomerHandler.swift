internal import Accounts
public import BillingPorts
internal import Dates
public import JobKit

/// Goes on with the reminders of what a customer has not paid, and suspends it when its grace is over.
public struct RemindCustomerHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 10, timeout: .seconds(60), whenExhausted: .hold)

    public init() {}

    public func run(_ job: Job<RemindCustomer>, in context: BillingContext) async throws -> JobOutcome {
        try await context.complete { work in
            var accounts = try await work.accounts([job.arguments.customer])
            for index in accounts.indices {
                try accounts[index].account.advance(to: work.now)
                try accounts[index].account.remind(at: work.now)
                try accounts[index].account.endGrace(at: work.now)
            }
            try await work.store(accounts)
            try await work.followUp(accounts)
        }
    }
}
