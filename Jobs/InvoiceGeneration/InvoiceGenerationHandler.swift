internal import Billing
public import BillingPorts
internal import Dates
public import JobKit

/// Issues what a customer owes up to a date and has not been invoiced for: once, whatever asks and how often.
///
/// Everything happens in one transaction: the customer is locked, desired lines less existing ones are worked out, the
/// invoice is issued under the next number, booked, and its collection enqueued.
public struct InvoiceGenerationHandler: JobHandler {
    public static let policy = JobPolicy(maxAttempts: 10, timeout: .seconds(60), whenExhausted: .hold)
    private let zones: any TimeZones

    public init(zones: any TimeZones) { self.zones = zones }

    public func run(_ job: Job<GenerateInvoice>, in context: BillingContext) async throws -> JobOutcome {
        do {
            return try await context.complete { work in
                guard let account = try await work.accountToInvoice(job.arguments.customer) else { return }
                try await invoice(account, upTo: job.arguments.date, in: work)
            }
        } catch let fault as BillingFault {
            // Its history contradicts itself: a person must look at this customer, the others go on.
            return .held(reason: "customer \(job.arguments.customer): \(fault)")
        }
    }

    private func invoice(
        _ account: AccountToInvoice, upTo date: LocalDate, in work: any BillingWork
    ) async throws {
        let lines = try Invoicing.linesDue(for: account.account, existing: account.lines, upTo: date)
        guard !lines.isEmpty else { return }
        let draft = try DraftInvoice(
            customer: account.customer.key.customer, currency: account.customer.currency, lines: lines)
        let issued = try await work.issue(draft, for: account, on: date)
        guard issued.state == .open else { return }
        let due = try zones.rules(account.customer.timeZone).instant(of: issued.invoice.due)
        try await work.enqueue(
            ChargeInvoice(customer: account.customer.key, invoice: issued.id), dueAt: max(due, work.now))
    }
}
