internal import Commands
internal import HTTPServer
internal import Observability
internal import QueueStore
internal import Runtime

/// A process that works until it is told to stop: connected, its health served, its signals heard.
struct Service: Sendable {
    let composition: Composition
    let drain: Drain
    let log: Log

    /// Runs `body` and returns the exit status. Every setting is read before the database is waited for.
    static func run(
        _ arguments: Arguments, as name: String, connections: Int, _ body: (Service) async throws -> Void
    ) async throws -> Int32 {
        let log = try arguments.log(name)
        let health = try arguments.listenSettings("--health")
        let configuration = try arguments.database(application: name)
        let wait = try arguments.duration("--database-wait")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let connected = try await drain.unlessStopped {
            try await Composition.connect(configuration, connections: connections, wait: wait, log: log)
        }
        guard let composition = connected else { return 0 }
        let listener = try composition.serveHealth(on: health)
        if let listener, let health { Terminal.print("listening on http://\(health.address):\(listener.port)") }
        try await body(Service(composition: composition, drain: drain, log: log))
        log.info("stopped")
        await listener?.stop()
        await composition.close()
        return 0
    }

    /// Until told to stop, in turns with all other processes.
    func keepHouse() async {
        await Housekeeper(
            house: PostgresHousekeeping(pool: composition.pool), clock: composition.clock, log: log,
            metrics: composition.metrics
        ).run(until: drain)
    }
}
