internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Issues what customers owe and have not been invoiced for: once, whatever asks and how often.
///
/// Everything happens in one transaction: the customers are locked, what ought to be billed less what was is worked out,
/// the invoices are issued under each one's next number, booked, and their collection enqueued. A customer who cannot be
/// billed is set aside in a job of its own, held with the reason; the others go on.
public struct InvoiceGenerationHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 10, timeout: .seconds(60), whenExhausted: .hold)

    public init() {}

    public func run(_ job: Job<GenerateInvoices>, in context: BillingContext) async throws -> JobOutcome {
        do {
            return try await context.complete { work in
                var batch = try await InvoiceBatch(job.arguments.keys, of: work)
                batch.draft()
                if job.arguments.customers.count == 1, let refusal = batch.refusals.first { throw refusal }
                for refusal in batch.refusals {
                    try await work.enqueue(
                        GenerateInvoices(seller: job.arguments.seller, customers: [refusal.customer.customer]))
                }
                switch try await work.numbering(of: job.arguments.seller).scheme {
                case .customer:
                    try batch.issue { _, account in account.nextNumber }
                    try await work.store(batch.accounts)
                    try await work.followUp(batch.accounts)
                case .seller:
                    // One who was set aside while the series was numbered: he goes back to where its numbers are given.
                    try await work.requestInvoices(of: batch.accounts.map(\.key))
                }
            }
        } catch let refusal as CannotBill {
            // A person must look at this customer.
            return .held(reason: refusal.description)
        }
    }
}

/// Issues, in order of date and customer, the invoices that were asked for of a seller who numbers them in one series.
///
/// The series is locked last and briefly, for a batch of invoices that have been worked out; a transaction that is rolled
/// back gives its numbers back.
public struct FinaliseInvoicesHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 20, timeout: .seconds(300), whenExhausted: .hold)

    public init() {}

    /// Invoices of one transaction.
    private static let batch = 200

    public func run(_ job: Job<FinaliseInvoices>, in context: BillingContext) async throws -> JobOutcome {
        var isDone = false
        while !isDone {
            isDone = try await context.transaction { work in
                let keys = try await work.takeInvoiceRequests(of: job.arguments.seller, limit: Self.batch)
                guard !keys.isEmpty else { return true }
                try await finalise(keys, of: job.arguments.seller, in: work)
                return keys.count < Self.batch
            }
        }
        return context.complete()
    }

    private func finalise(_ keys: [CustomerKey], of seller: Seller.ID, in work: any BillingWork) async throws {
        var batch = try await InvoiceBatch(keys, of: work)
        batch.draft()
        for refusal in batch.refusals {
            try await work.enqueue(GenerateInvoices(seller: seller, customers: [refusal.customer.customer]))
        }
        let numbering = try await work.numbering(of: seller)
        let first = batch.count == 0 ? 0 : try await work.takeNumbers(batch.count, of: seller)
        try batch.issue { place, account in numbering.number(first + Int64(place), customer: account.code) }
        try await work.store(batch.accounts)
        try await work.followUp(batch.accounts)
    }
}
