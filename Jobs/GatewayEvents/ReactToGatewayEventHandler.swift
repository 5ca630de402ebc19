internal import Accounts
internal import Billing
public import BillingPorts
public import JobKit

/// Brings the books to where an event of the gateway's says they should be; whatever came before it, however often it
/// comes, and in whatever order.
///
/// An event only says where to look. What is booked is what the gateway says now, and only what takes the books further.
public struct ReactToGatewayEventHandler: JobHandler {
    // Held when it keeps failing: what it stands for may be money that the books do not have. It takes no calls of the
    // gateway's rate: most events tell what the books know, and ask nothing.
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold)

    let news: any GatewayNews

    public init(news: any GatewayNews) { self.news = news }

    public func run(_ job: Job<ReactToGatewayEvent>, in context: BillingContext) async throws -> JobOutcome {
        let event = try await context.transaction { work in try await work.gatewayEvent(job.arguments.event) }
        guard let event, event.state == .stored else { return context.complete() }
        let notice: GatewayNotice
        do { notice = try news.notice(in: event.body) } catch {
            return .held(reason: "event \(event.reference), \(event.type), cannot be understood: \(error)")
        }
        do {
            switch notice {
            case .payment(let payment): return try await follow(payment, of: event, in: context)
            case .refunds(let payment): return try await followRefunds(of: payment, event, in: context)
            case .disputes(let payment): return try await followDisputes(about: payment, event, in: context)
            case .methodRenewed(let method): return try await renew(method, event, in: context)
            case .methodDetached(let method): return try await detach(method, event, in: context)
            case .methodGiven(let method, let customer):
                return try await take(method, of: customer, event, in: context)
            case .customerDeleted(let customer): return try await forget(customer, event, in: context)
            case .other: return try await ignore(event, "not acted on", in: context)
            }
        } catch let fault as OperationFault {
            // The gateway has done what our rules refuse to book. Nothing of it is booked.
            return .held(reason: "event \(event.reference), \(event.type): the books refuse it: \(fault)")
        } catch let doubt as Doubt {
            return .held(reason: "event \(event.reference), \(event.type): \(doubt.reason)")
        }
    }

    /// What the gateway says and the books know cannot both be: a person decides, and the books stay as they are.
    struct Doubt: Error { let reason: String }

    func ignore(
        _ event: GatewayEventRecord, _ note: String, about customer: CustomerKey? = nil, in context: BillingContext
    ) async throws -> JobOutcome {
        try await context.complete { work in
            try await work.settle(event, as: .ignored, note: note, about: customer)
        }
    }

    /// What the gateway has; nil: nothing any more. Throws `GatewayUnavailable`, to be asked again, and `Doubt`.
    func found<Found>(_ lookup: GatewayLookup<Found>) throws -> Found? {
        switch lookup {
        case .found(let found): found
        case .gone: nil
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        case .unreadable(let reason): throw Doubt(reason: reason)
        }
    }
}
