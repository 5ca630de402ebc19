internal import Dates
internal import FoundationEssentials
internal import Glibc
internal import JobKit
internal import Postgres
internal import QueueStore

/// What no handler should do, done on purpose. One kind, so that those who do nothing share a lane with those who do.
struct Misdeed: JobArguments {
    enum Deed: String, Codable {
        /// Nothing wrong: waits for `file`, if it names one, and ends.
        case none
        /// Waits for `file`, then takes its process down.
        case trap
        /// Listens to no cancellation, waits for `file`, then enqueues one and completes.
        case dawdle
        /// Enqueues in one transaction what a million jobs would be.
        case million
        /// Enqueues three thousand in steps of a thousand.
        case stream
        case hugeArguments
        case longError
        case longResult
        /// Writes to standard output without an end of line.
        case print
    }

    static let kind: JobKind = "bench_misdeed"
    static let queue: QueueName = "bench"
    var deed: Deed
    var file: String?
}

struct MisdeedHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy(
        maxAttempts: 2, timeout: .seconds(120),
        backoff: Backoff(first: .milliseconds(100), longest: .milliseconds(100)))

    /// What is far too much, in bytes.
    private static let huge = 50_000_000

    func run(_ job: Job<Misdeed>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        let file = job.arguments.file
        switch job.arguments.deed {
        case .none:
            try await Self.wait(for: file)
            // Long enough for a neighbour's trap to strike it.
            try await Task.sleep(for: .milliseconds(200))
        case .trap:
            try await Self.wait(for: file)
            // Long enough for a worker to take others beside it, if it does.
            try await Task.sleep(for: .milliseconds(100))
            preconditionFailure("a handler that traps")
        case .dawdle:
            return try await Task {
                try await Self.wait(for: file)
                return try await context.complete { work in try await work.enqueue(Misdeed(deed: .none)) }
            }.value
        case .million:
            return try await context.complete { work in
                for _ in 1...1000 { try await work.enqueue(try Self.thousand(work.now)) }
            }
        case .stream:
            for _ in 1...3 {
                try await context.transaction { work in try await work.enqueue(try Self.thousand(work.now)) }
            }
        case .hugeArguments:
            let text = String(repeating: "x", count: Self.huge)
            return try await context.complete { work in try await work.enqueue(Misdeed(deed: .none, file: text)) }
        case .longError: throw LongError()
        case .longResult:
            let request = EffectRequest(scope: "bench/\(job.id)", name: "misdeed", fingerprint: "")
            guard case .new(let effect) = try await context.transaction({ try await $0.announce(request) }) else {
                break
            }
            let result = "\"\(String(repeating: "x", count: Self.huge))\""
            return try await context.complete { work in
                try await work.settle(effect, as: .confirmed, result: Array(result.utf8))
            }
        case .print: Self.write(Self.huge)
        }
        return context.complete()
    }

    /// A thousand that will not run while anybody looks.
    private static func thousand(_ now: Instant) throws -> [NewJob] {
        try (1...1000).map { _ in try NewJob(Misdeed(deed: .none), dueAt: now + .seconds(3600)) }
    }

    private static func wait(for file: String?) async throws {
        guard let file else { return }
        while !FileManager.default.fileExists(atPath: file) { try await Task.sleep(for: .milliseconds(10)) }
    }

    private static func write(_ count: Int) {
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
        var rest = count
        while rest > 0 {
            let written = unsafe Glibc.write(STDOUT_FILENO, piece, min(rest, piece.count))
            guard written > 0 else { return }
            rest -= written
        }
    }

    private struct LongError: Error, CustomStringConvertible {
        var description: String { String(repeating: "x", count: MisdeedHandler.huge) }
    }
}

/// Blocks its thread for good.
struct Hang: JobArguments {
    static let kind: JobKind = "bench_hang"
    static let queue: QueueName = "bench"
}

struct HangHandler: JobHandler {
    typealias Work = PostgresWork
    static let policy = JobPolicy(maxAttempts: 1, timeout: .seconds(1))

    func run(_ job: Job<Hang>, in context: JobContext<PostgresWork>) async throws -> JobOutcome {
        while true { usleep(100_000) }
    }
}
