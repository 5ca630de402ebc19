public import Dates
public import JobKit
public import Postgres

/// Heartbeats and rescue, on connections kept apart from handlers' so that a full pool never looks like a dead worker.
public struct PostgresRoster: WorkerRoster {
    private let control: PostgresPool

    public init(control: PostgresPool) { self.control = control }

    public func register(_ worker: WorkerDescription) async throws {
        let statements: [SQL] = [
            "SELECT queue.require_home()", RosterSQL.register(worker.kinds), RosterSQL.register(worker),
        ]
        do {
            _ = try await control.withConnection { connection in try await connection.pipeline(statements) }
        } catch { throw RestoredElsewhere(error) ?? error }
    }

    public func beat(_ worker: WorkerID) async throws -> Heartbeat {
        // Short of the time in which a worker must give itself up: a beat that hangs is a beat that failed.
        let (isRegistered, time) = try await control.query(
            RosterSQL.beat(worker), deadline: .now + .seconds(5)
        ).only(Bool.self, Instant.self)
        return Heartbeat(isRegistered: isRegistered, databaseTime: time)
    }

    public func rescueLost(expiry: Duration, budget: Int, now: Instant) async throws -> Rescue {
        let statement = RosterSQL.rescue(expirySeconds: Int(expiry.components.seconds), budget: budget, now: now)
        let found = try await control.query(statement).decode(Int64.self, String.self, Bool.self)
        return Rescue(
            requeued: found.filter { !$0.2 }.map { JobID($0.0) }, held: found.filter(\.2).map { JobID($0.0) },
            queues: Set(found.map { QueueName($0.1) }))
    }

    public func retire(_ worker: WorkerID) async throws {
        _ = try await control.query(RosterSQL.retire(worker))
    }
}
