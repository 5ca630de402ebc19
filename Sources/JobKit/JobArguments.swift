public import Dates
internal import FoundationEssentials

/// What one job is about: a small versioned value, stored as JSON.
///
/// Whoever enqueues needs only this type; the handler that runs it lives elsewhere and is never imported.
public protocol JobArguments: Codable, Sendable {
    static var kind: JobKind { get }
    /// Raised whenever stored arguments of the old shape could be misread. A worker claims no version newer than its own.
    static var version: Int { get }
    static var queue: QueueName { get }
    static var priority: JobPriority { get }
    /// On whose behalf the job runs. Its transactions see this tenant's rows only; nil sees every tenant's.
    var tenant: Int64? { get }
    /// While a live job of this kind has the same key, enqueueing another does nothing.
    var uniqueKey: String? { get }
    /// For how long after it is enqueued the key is kept, also when the job has ended before; nil: while the job lives.
    var uniqueWindow: Duration? { get }
    /// Jobs of a queue with the same key run one at a time, by priority and then in the order they were enqueued.
    var serialKey: String? { get }
}

extension JobArguments {
    public static var version: Int { 1 }
    public static var queue: QueueName { .standard }
    public static var priority: JobPriority { .normal }
    public var tenant: Int64? { nil }
    public var uniqueKey: String? { nil }
    public var uniqueWindow: Duration? { nil }
    public var serialKey: String? { nil }
}

/// A job about to be enqueued: its arguments already encoded, so that what is stored cannot differ from what was checked.
public struct NewJob: Hashable, Sendable {
    /// Arguments name things; they do not carry them. Larger ones slow every claim of their queue.
    public static let argumentLimit = 64 * 1024

    public let kind: JobKind
    public let version: Int
    public let queue: QueueName
    public let priority: JobPriority
    public let tenant: Int64?
    public let uniqueKey: String?
    public let uniqueWindow: Duration?
    public let serialKey: String?
    /// UTF-8 JSON, an object with sorted keys.
    public let arguments: [UInt8]
    /// When it may first run; nil: at once.
    public let dueAt: Instant?
    /// A W3C traceparent, so that a trace can be followed from whoever enqueued it.
    public let trace: String?
    public private(set) var run: RunID?

    /// Encodes `arguments`. Throws `JobArgumentsTooLarge`, or what `Encodable` threw.
    public init<Arguments: JobArguments>(
        _ arguments: Arguments, dueAt: Instant? = nil, priority: JobPriority = Arguments.priority, trace: String? = nil
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let encoded = try encoder.encode(arguments)
        guard encoded.count <= NewJob.argumentLimit else {
            throw JobArgumentsTooLarge(kind: Arguments.kind, bytes: encoded.count)
        }
        self.kind = Arguments.kind
        self.version = Arguments.version
        self.queue = Arguments.queue
        self.priority = priority
        self.tenant = arguments.tenant
        self.uniqueKey = arguments.uniqueKey
        self.uniqueWindow = arguments.uniqueWindow
        self.serialKey = arguments.serialKey
        self.trace = trace
        self.arguments = Array(encoded)
        self.dueAt = dueAt
    }

    /// The same, counted in `run`; nil: in none.
    public func `in`(_ run: RunID?) -> NewJob {
        var job = self
        job.run = run
        return job
    }

    /// A job as a store kept it, for enqueueing it once more; due at once.
    public init(
        stored kind: JobKind, version: Int, queue: QueueName, priority: JobPriority, tenant: Int64?,
        uniqueKey: String?, uniqueWindow: Duration?, serialKey: String?, arguments: [UInt8]
    ) {
        self.kind = kind
        self.version = version
        self.queue = queue
        self.priority = priority
        self.tenant = tenant
        self.uniqueKey = uniqueKey
        self.uniqueWindow = uniqueWindow
        self.serialKey = serialKey
        trace = nil
        self.arguments = arguments
        dueAt = nil
    }
}

/// Arguments over `NewJob.argumentLimit`: store the data and enqueue its id.
public struct JobArgumentsTooLarge: Error, CustomStringConvertible {
    public let kind: JobKind
    public let bytes: Int

    public var description: String {
        "arguments of \(kind) are \(bytes) bytes, over the limit of \(NewJob.argumentLimit): store the data, enqueue its id"
    }
}

/// A transaction of a job that enqueues more than one may: nothing of it was committed.
public struct TooManyJobs: Error, CustomStringConvertible {
    public let limit: Int

    public init(limit: Int) { self.limit = limit }

    public var description: String {
        "one transaction of a job may enqueue \(limit) jobs: commit them in steps, or enqueue one job that goes on"
    }
}

/// Stored arguments that this program's type cannot read. Retried, in case a newer program is being rolled out, then discarded.
public struct UndecodableArguments: Error, CustomStringConvertible {
    public let kind: JobKind
    public let version: Int
    public let reason: String

    public var description: String { "arguments of \(kind) version \(version) do not decode: \(reason)" }
}

extension ClaimedJob {
    func decode<Arguments: JobArguments>(_: Arguments.Type) throws(UndecodableArguments) -> Arguments {
        do {
            return try JSONDecoder().decode(Arguments.self, from: Data(arguments))
        } catch {
            throw UndecodableArguments(kind: kind, version: version, reason: String(describing: error))
        }
    }
}
