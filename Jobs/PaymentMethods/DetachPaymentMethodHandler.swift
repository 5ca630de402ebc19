public import BillingPorts
public import JobKit

/// Has the gateway let go of a payment method that is removed from the books already.
///
/// Nothing is charged with it meanwhile, and letting go twice is letting go once, so an unanswered call is repeated.
public struct DetachPaymentMethodHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 12, timeout: .seconds(180), backoff: Backoff(first: .seconds(2), longest: .seconds(900)),
        whenExhausted: .hold, gateway: "payments")

    private let gateway: any SetupGateway

    public init(gateway: any SetupGateway) { self.gateway = gateway }

    public func run(_ job: Job<DetachPaymentMethod>, in context: BillingContext) async throws -> JobOutcome {
        let reference = job.arguments.reference
        switch await gateway.detach(reference, key: IdempotencyKey("detach \(job.lineage) \(reference)")) {
        // Refused: it is nobody's any more.
        case .done, .refused: return context.complete()
        case .misconfigured(let reason): return .held(reason: "the gateway refuses our requests: \(reason)")
        case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
        }
    }
}
