internal import Dates
internal import FoundationEssentials
internal import HTTPClient
internal import JobKit
internal import Postgres
internal import QueueStore

/// A job that has to happen once outside: what charging a customer is to the queue.
struct BenchEffect: JobArguments {
    static let kind: JobKind = "bench_effect"
    static let queue: QueueName = "bench"
    var number: Int
    var uniqueKey: String? { "\(number)" }
}

/// A job that has to be booked once inside, by the transaction that completes it.
struct BenchBooking: JobArguments {
    static let kind: JobKind = "bench_booking"
    static let queue: QueueName = "bench"
    var number: Int
    /// Waits at the conductor's gate before it books.
    var isGated = false
    var uniqueKey: String? { "\(number)" }
}

extension JobPolicy {
    /// Faults are the point here: they may not use up what a job is allowed.
    fileprivate static let bench = JobPolicy(
        maxAttempts: 200, timeout: .seconds(120), backoff: Backoff(first: .milliseconds(50), longest: .seconds(2)),
        whenExhausted: .hold)
}

/// Announces, calls, settles; and asks before it calls again. The shape of every handler that moves money.
struct BenchEffectHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy.bench

    let counterpart: CounterpartClient
    let reconcileAfter: Duration
    /// False removes the protection: it calls under a key that nobody has written down.
    let announces: Bool

    func run(_ job: Job<BenchEffect>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        guard announces else {
            try await counterpart.act(IdempotencyKey(UUID().uuidString), for: job.id)
            return context.complete()
        }
        let standing = try await context.transaction { work in
            try await work.announce(
                EffectRequest(scope: "bench/\(job.lineage)", name: "effect", fingerprint: "\(job.arguments.number)"))
        }
        switch standing {
        case .settled: return context.complete()
        case .new(let effect): return try await call(effect, for: job.id, in: context, how: "called")
        case .unresolved(let effect):
            let answerable = effect.announcedAt + reconcileAfter
            if context.now < answerable { return .snoozed(until: answerable) }
            guard try await counterpart.knows(effect.key) else {
                return try await call(effect, for: job.id, in: context, how: "called again")
            }
            return try await settle(effect, in: context, how: "asked")
        }
    }

    private func call(
        _ effect: Effect, for job: JobID, in context: JobContext<PostgresWork>, how: String
    ) async throws -> JobOutcome {
        do {
            try await counterpart.act(effect.key, for: job)
        } catch let error as HTTPError where error.mayHaveReachedServer && effect.state == .intended {
            try await context.transaction { work in
                try await work.settle(effect, as: .unknown, result: Array(#"{"how":"no answer"}"#.utf8))
            }
            throw error
        }
        return try await settle(effect, in: context, how: how)
    }

    /// Keeps how it was found out and what was known before: the report counts these.
    private func settle(
        _ effect: Effect, in context: JobContext<PostgresWork>, how: String
    ) async throws -> JobOutcome {
        let result = #"{"how":"\#(how)","was":"\#(effect.state.rawValue)"}"#
        return try await context.complete { work in
            try await work.settle(effect, as: .confirmed, result: Array(result.utf8))
        }
    }
}

/// Takes a moment, then books and completes in one transaction. Nothing in the table keeps a second booking out: only
/// the fence does.
struct BenchBookingHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy.bench

    let gate: GateClient?

    func run(_ job: Job<BenchBooking>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        if job.arguments.isGated {
            try await gate?.pass(job.id)
        } else {
            try await Task.sleep(for: .milliseconds(5 + job.arguments.number % 20))
        }
        return try await context.complete { work in
            _ = try await work.transaction.query(
                "INSERT INTO bench.bookings (job, attempt) VALUES (\(job.id.number), \(Int32(job.attempt)))")
        }
    }
}
