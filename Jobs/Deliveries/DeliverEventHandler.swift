public import BillingPorts
internal import Dates
public import JobKit

/// Delivers one event to one endpoint: at least once, over three days if need be, and signed anew each time.
///
/// The receiver tells copies by the event's id. An endpoint that has taken nothing for three days is disabled, with the
/// reason where a person looks.
public struct DeliverEventHandler: JobHandler {
    // Failures of the other side are told in the delivery and are no failures of the job; those of ours are retried.
    public static let policy = JobPolicy(
        maxAttempts: 20, timeout: .seconds(60), backoff: Backoff(first: .seconds(2), longest: .seconds(900)))

    /// From its beginning, or from its replay.
    public static let patience = Duration.seconds(3 * 86_400)
    /// After the first try, the second, and so on; then the last again and again.
    private static let waits: [Duration] = [
        .seconds(15), .seconds(60), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
    ]

    private let post: any EventPost

    public init(post: any EventPost) { self.post = post }

    public func run(_ job: Job<DeliverEvent>, in context: BillingContext) async throws -> JobOutcome {
        let wanted = job.arguments
        let delivery = try await context.transaction { work in
            try await work.delivery(of: wanted.event, to: wanted.endpoint, seller: wanted.seller)
        }
        guard let delivery, delivery.state == .pending else { return context.complete() }
        if delivery.disabledWhy != nil { return try await context.complete { work in try await work.skip(delivery) } }
        let answer = await post.post(
            delivery.body, to: delivery.url, signedBy: delivery.secrets, now: context.now.seconds)
        if answer.isTaken {
            return try await context.complete { work in try await work.record(answer, of: delivery, as: .delivered) }
        }
        // Whoever is gone for good says so.
        if answer.status == 410 {
            return try await giveUp(delivery, answer, disabling: "it answered 410, gone", in: context)
        }
        let next = context.now + Self.wait(after: delivery.tries, event: delivery.event)
        guard next <= delivery.begunAt + Self.patience else {
            let isDead = delivery.failingSince.map { context.now - $0 >= Self.patience - .seconds(86_400 / 2) } ?? false
            let since = delivery.failingSince.map { "nothing was taken since \($0)" } ?? ""
            return try await giveUp(
                delivery, answer, disabling: isDead ? "\(since); last: \(answer.error ?? "")" : nil, in: context)
        }
        try await context.transaction { work in try await work.record(answer, of: delivery, as: .pending) }
        return .snoozed(until: next)
    }

    private func giveUp(
        _ delivery: OutboundDelivery, _ answer: DeliveryAnswer, disabling reason: String?, in context: BillingContext
    ) async throws -> JobOutcome {
        try await context.complete { work in
            try await work.record(answer, of: delivery, as: .failed)
            guard let reason else { return }
            try await work.disable(delivery.endpoint, of: delivery.seller, by: "deliveries", because: reason)
        }
    }

    /// A little less for each event, so that those that failed together do not come back together.
    private static func wait(after tries: Int, event: Int64) -> Duration {
        let wait = waits[min(tries, waits.count - 1)]
        return wait - wait * Int(event % 16) / 64
    }
}
