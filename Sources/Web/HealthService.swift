public import HTTPServer
internal import HTTPTypes
public import Observability

/// What an orchestrator and a monitor ask of a process: is it alive, can it work, what has it counted.
///
/// Its own listener, on loopback unless told otherwise: none of this is for customers.
public struct HealthService: Sendable {
    /// Nil: ready. Else the reason, in one line.
    public typealias Readiness = @Sendable () async -> String?

    /// What a refresh reads may cost the database more than a scrape is worth, and anybody may scrape at any rate.
    public static let refreshInterval = Duration.seconds(5)

    private let readiness: Readiness
    private let metrics: Metrics
    private let refresh: Refresh

    /// `refresh` brings gauges up to date before they are shown: one call at a time, and none within `refreshInterval` of
    /// the last one's end. When it throws, the gauges keep what they had, and a counter tells.
    public init(
        metrics: Metrics, readiness: @escaping Readiness, refresh: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.readiness = readiness
        self.metrics = metrics
        metrics.declare(
            "billwright_metrics_refresh_failures_total", .counter,
            help: "How often gauges could not be brought up to date; until the next success they are old.")
        let failures = metrics.counter("billwright_metrics_refresh_failures_total")
        self.refresh = Refresh(every: HealthService.refreshInterval) {
            do { try await refresh() } catch { failures.increment() }
        }
    }

    /// `GET /livez`, `/readyz`, `/metrics`.
    public var router: Router {
        var router = Router()
        router.on("GET", "/livez") { _, _ in .text("alive\n") }
        router.on("GET", "/readyz") { [readiness] _, _ in
            if let reason = await readiness() { return .text("not ready: \(reason)\n", status: 503) }
            return .text("ready\n")
        }
        router.on("GET", "/metrics") { [metrics, refresh] _, _ in
            await refresh.whenDue()
            return HTTPServerResponse(
                status: 200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"],
                body: Array(metrics.rendered().utf8))
        }
        return router
    }

    /// Starts listening.
    public func start(on settings: HTTPServer.Settings) throws -> HTTPServer {
        let router = router
        return try HTTPServer(settings) { request in await router.respond(to: request) }
    }
}
