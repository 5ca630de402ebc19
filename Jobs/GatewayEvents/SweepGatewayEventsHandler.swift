public import BillingPorts
internal import Dates
public import JobKit

/// Finds the events that never reached us in the gateway's own list, and has them worked off as if they had come.
///
/// Those that did come are known by their ids, so a sweep over what was swept before finds nothing.
public struct SweepGatewayEventsHandler: JobHandler {
    // The next tick begins where this one did.
    public static let policy = JobPolicy(
        maxAttempts: 3, timeout: .seconds(600), backoff: Backoff(first: .seconds(10), longest: .seconds(60)),
        gateway: "payments", callsPerAttempt: 4)

    /// Gone through again each time: events are listed a little after they were made.
    private static let overlap = Duration.seconds(3600)
    /// The first time; whatever is older has been given up by the gateway as well.
    private static let firstReach = Duration.seconds(3 * 86_400)
    /// The gateway keeps no more.
    private static let longestReach = Duration.seconds(30 * 86_400)
    /// Of up to a hundred events each. Whoever has more events in the time than that needs another way to catch up.
    private static let pageLimit = 2000

    private let gateway: String
    private let news: any GatewayNews

    public init(gateway: String, news: any GatewayNews) {
        self.gateway = gateway
        self.news = news
    }

    public func run(_ job: Job<SweepGatewayEvents>, in context: BillingContext) async throws -> JobOutcome {
        let swept = try await context.transaction { work in try await work.swept(gateway) }
        let from =
            swept.map { max($0 - Self.overlap, context.now - Self.longestReach) } ?? context.now - Self.firstReach
        var last: String?
        for _ in 0..<Self.pageLimit {
            switch await news.events(since: from, after: last) {
            case .gone: return context.complete()
            case .unavailable(let reason): throw GatewayUnavailable(reason: reason)
            case .unreadable(let reason): return .discarded(reason: reason)
            case .found(let page):
                if !page.events.isEmpty {
                    _ = try await context.transaction { work in try await work.take(page.events) }
                }
                guard !page.isLast, let next = page.events.last?.reference else {
                    return try await context.complete { work in
                        try await work.recordSweep(of: gateway, to: context.now)
                    }
                }
                last = next
            }
        }
        return .discarded(reason: "more than \(Self.pageLimit) pages of events since \(from)")
    }
}
