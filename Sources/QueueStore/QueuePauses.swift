public import Dates
public import JobKit
public import Postgres

/// Which queues and kinds are claimed from, and who stopped those that are not. What runs already goes on.
public struct QueuePauses: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public enum Subject: Hashable, Sendable {
        case queue(String)
        case kind(String)
        case run(RunID)
        /// Every queue, also those that are not known yet.
        case everything
    }

    public struct Pause: Sendable {
        public let subject: Subject
        public let at: Instant
        public let person: String
        public let reason: String
    }

    /// A queue that a worker serves or claims have met.
    public struct Queue: Sendable {
        public let name: String
        public let workers: Int
        public let kinds: [String]
    }

    /// False: it was paused already.
    public func pause(_ subject: Subject, by person: String, because reason: String, now: Instant) async throws -> Bool
    {
        try await pool.query(
            "SELECT queue.pause(\(subject.scope), \(subject.name), \(person), \(reason), \(now))"
        ).only(Bool.self)
    }

    /// Wakes the workers concerned, so that they claim at once. False: it was not paused.
    public func resume(_ subject: Subject, by person: String, because reason: String, now: Instant) async throws -> Bool
    {
        try await pool.query(
            "SELECT queue.resume(\(subject.scope), \(subject.name), \(person), \(reason), \(now))"
        ).only(Bool.self)
    }

    /// By name, at most `limit`.
    public func queues(limit: Int) async throws -> [Queue] {
        try await pool.query(OperationSQL.queues(limit: limit)).decode(String.self, Int64.self, [String].self)
            .map { Queue(name: $0.0, workers: Int($0.1), kinds: $0.2) }
    }

    /// At most `limit`, everything's first.
    public func list(limit: Int) async throws -> [Pause] {
        try await pool.query(OperationSQL.pauses(limit: limit))
            .decode(String.self, String.self, Instant.self, String.self, String.self)
            .map { Pause(subject: Subject(scope: $0.0, name: $0.1), at: $0.2, person: $0.3, reason: $0.4) }
    }
}

extension QueuePauses.Subject {
    static let all = "*"

    init(scope: String, name: String) {
        self =
            switch (scope, Int64(name)) {
            case ("kind", _): .kind(name)
            case ("run", let id?): .run(RunID(id))
            default: name == Self.all ? .everything : .queue(name)
            }
    }

    var scope: String {
        switch self {
        case .queue, .everything: "queue"
        case .kind: "kind"
        case .run: "run"
        }
    }

    var name: String {
        switch self {
        case .queue(let name), .kind(let name): name
        case .run(let id): "\(id)"
        case .everything: Self.all
        }
    }
}
