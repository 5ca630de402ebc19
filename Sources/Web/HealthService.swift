public import HTTPServer
internal import HTTPTypes
public import Observability

/// What an orchestrator and a monitor ask of a process: is it alive, can it work, what has it counted.
///
/// Its own listener, on loopback unless told otherwise: none of this is for customers.
public struct HealthService: Sendable {
    /// Nil: ready. Else the reason, in one line.
    public typealias Readiness = @Sendable () async -> String?

    private let readiness: Readiness
    private let metrics: Metrics
    private let refresh: @Sendable () async -> Void

    /// `refresh` brings gauges up to date before they are shown.
    public init(
        metrics: Metrics, readiness: @escaping Readiness, refresh: @escaping @Sendable () async -> Void = {}
    ) {
        self.metrics = metrics
        self.readiness = readiness
        self.refresh = refresh
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
            await refresh()
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
