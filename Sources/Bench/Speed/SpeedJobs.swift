internal import Dates
internal import FoundationEssentials
internal import JobKit
internal import Postgres
internal import QueueStore

/// Nothing to do: what is left is the queue's own work. About a hundred bytes of arguments.
struct Noop: JobArguments {
    static let kind: JobKind = "bench_noop"
    static let queue: QueueName = "speed"
    var number: Int
    var note: String
    var key: String?
    var serialKey: String? { key }
}

/// One domain write, committed with the job's completion.
struct Booked: JobArguments {
    static let kind: JobKind = "bench_booked"
    static let queue: QueueName = "speed"
    var number: Int
}

/// Tells when its handler began.
struct Pickup: JobArguments {
    static let kind: JobKind = "bench_pickup"
    static let queue: QueueName = "speed"
    var number: Int
}

struct NoopHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy()

    func run(_ job: Job<Noop>, in context: JobContext<PostgresWork>) async throws -> JobOutcome { context.complete() }
}

struct BookedHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy()

    func run(_ job: Job<Booked>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        try await context.complete { work in
            _ = try await work.transaction.query(
                "INSERT INTO bench.bookings (job, attempt) VALUES (\(job.id.number), \(Int32(job.attempt)))")
        }
    }
}

struct PickupHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy()

    func run(_ job: Job<Pickup>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        let began = Instant.hostClock
        return try await context.complete { work in
            _ = try await work.transaction.query(
                "INSERT INTO bench.pickups (number, began) VALUES (\(Int64(job.arguments.number)), \(began))")
        }
    }
}

extension Instant {
    /// Both ends of a pickup are read on one host.
    static var hostClock: Instant { Instant(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000)) }
}
