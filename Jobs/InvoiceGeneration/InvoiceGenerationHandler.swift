internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Issues what customers owe and have not been invoiced for: once, whatever asks and how often.
///
/// Everything happens in one transaction: the customers are locked, what ought to be billed less what was is worked out,
/// the invoices are issued under each one's next number, booked, and their collection enqueued. Numbers of the seller's
/// own series are left to `FinaliseInvoices`, but of a customer who was set aside. A customer who cannot be billed, or whom a brake parks, is set aside in a
/// job of its own, held with the reason; the others go on. What a run's job enqueues is the run's too.
public struct InvoiceGenerationHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 10, timeout: .seconds(60), whenExhausted: .hold)

    public init() {}

    /// Attempts at a whole batch: what fails longer is the fault of one of its customers, and they are tried one by one.
    static let attemptsTogether = 3

    public func run(_ job: Job<GenerateInvoices>, in context: BillingContext) async throws -> JobOutcome {
        let isAlone = job.arguments.customers.count == 1
        if !isAlone, job.attempt > Self.attemptsTogether {
            return try await context.complete { work in try await work.bill(apart: job.arguments.keys, in: job.run) }
        }
        do {
            return try await context.complete { work in
                var batch = try await InvoiceBatch(job.arguments.keys, of: work)
                batch.draft()
                if isAlone, let refusal = batch.refusals.first { throw refusal }
                try await work.setAside(batch.refusals, in: job.run)
                let numbering = try await work.numbering(of: job.arguments.seller)
                switch numbering.scheme {
                case .customer: try batch.issue { _, account in account.nextNumber }
                case .seller where isAlone && batch.count == 1:
                    // Whoever is alone was set aside, perhaps by the finalisation itself: nothing goes back there.
                    let number = try await work.takeNumbers(1, of: job.arguments.seller)
                    try batch.issue { _, account in numbering.number(number, customer: account.code) }
                case .seller: break
                }
                try await work.store(batch.accounts)
                try await work.followUp(batch.accounts, in: job.run)
            }
        } catch let refusal as CannotBill {
            if refusal.cause == .parked { try await park(job, in: context) }
            return .held(reason: refusal.description)
        }
    }

    /// Writes down that the customer is parked; this job is the one that is held for it.
    private func park(_ job: Job<GenerateInvoices>, in context: BillingContext) async throws {
        try await context.transaction { work in
            var batch = try await InvoiceBatch(job.arguments.keys, of: work)
            batch.draft()
            try await work.store(batch.accounts)
            try await work.followUp(batch.accounts, in: job.run)
        }
    }
}

/// Issues, in order of date and customer, the invoices that were asked for of a seller who numbers them in one series.
///
/// The series is locked last and briefly, for a batch of invoices that have been worked out; a transaction that is rolled
/// back gives its numbers back. Where a batch fails again and again, they are issued one by one, and who still fails is set
/// aside.
public struct FinaliseInvoicesHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 20, timeout: .seconds(300), whenExhausted: .hold)

    public init() {}

    /// Invoices of one transaction.
    private static let batch = 200

    public func run(_ job: Job<FinaliseInvoices>, in context: BillingContext) async throws -> JobOutcome {
        let isOneByOne = job.attempt > InvoiceGenerationHandler.attemptsTogether
        let limit = isOneByOne ? 1 : Self.batch
        var isDone = false
        while !isDone {
            do {
                isDone = try await context.transaction { work in
                    let keys = try await work.takeInvoiceRequests(of: job.arguments.seller, limit: limit)
                    guard !keys.isEmpty else { return true }
                    try await finalise(keys, of: job, in: work)
                    return keys.count < limit
                }
            } catch {
                guard isOneByOne else { throw error }
                try Task.checkCancellation()
                // If the database is away, or the job somebody else's by now, this fails as well.
                try await context.transaction { work in
                    let keys = try await work.takeInvoiceRequests(of: job.arguments.seller, limit: 1)
                    try await work.bill(apart: keys, in: job.run)
                }
            }
        }
        return context.complete()
    }

    private func finalise(
        _ keys: [CustomerKey], of job: Job<FinaliseInvoices>, in work: any BillingWork
    ) async throws {
        let seller = job.arguments.seller
        var batch = try await InvoiceBatch(keys, of: work)
        batch.draft()
        try await work.setAside(batch.refusals, in: job.run)
        let numbering = try await work.numbering(of: seller)
        let first = batch.count == 0 ? 0 : try await work.takeNumbers(batch.count, of: seller)
        try batch.issue { place, account in numbering.number(first + Int64(place), customer: account.code) }
        try await work.store(batch.accounts)
        try await work.followUp(batch.accounts, in: job.run)
    }
}

extension BillingWork {
    /// A job for each of them alone.
    fileprivate func bill(apart keys: [CustomerKey], in run: RunID?) async throws {
        guard !keys.isEmpty else { return }
        try await enqueue(
            keys.map { try NewJob(GenerateInvoices(seller: $0.seller, customers: [$0.customer])).in(run) })
    }

    /// A job for each of them alone, which is held with the reason when it runs. Whoever was parked before has one,
    /// unless a run is to tell of them.
    fileprivate func setAside(_ refusals: [CannotBill], in run: RunID?) async throws {
        let apart = refusals.filter { $0.cause != .parkedBefore || run != nil }
        guard !apart.isEmpty else { return }
        try await bill(apart: apart.map(\.customer), in: run)
    }
}
