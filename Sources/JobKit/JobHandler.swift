/// Runs the jobs of one kind.
public protocol JobHandler<Work>: Sendable {
    associatedtype Arguments: JobArguments
    associatedtype Work: Sendable

    static var policy: JobPolicy { get }

    /// Does the job, or part of it. Called again after a crash at any point: work out what is left and do that.
    func run(_ job: Job<Arguments>, in context: JobContext<Work>) async throws -> JobOutcome
}

/// One kind and the handler behind it, its argument type erased.
public struct JobRegistration<Work: Sendable>: Sendable {
    public let kind: JobKind
    public let version: Int
    public let queue: QueueName
    public let priority: JobPriority
    public let policy: JobPolicy
    private let body: @Sendable (ClaimedJob, JobContext<Work>) async throws -> JobOutcome

    public init<Handler: JobHandler>(_ handler: Handler) where Handler.Work == Work {
        kind = Handler.Arguments.kind
        version = Handler.Arguments.version
        queue = Handler.Arguments.queue
        priority = Handler.Arguments.priority
        policy = Handler.policy
        body = { claimed, context in
            let arguments = try claimed.decode(Handler.Arguments.self)
            let job = Job(
                id: claimed.id, lineage: claimed.lineage, attempt: claimed.attempt, arguments: arguments,
                enqueuedAt: claimed.enqueuedAt)
            return try await handler.run(job, in: context)
        }
    }

    public func run(_ job: ClaimedJob, in context: JobContext<Work>) async throws -> JobOutcome {
        try await body(job, context)
    }
}

/// Every kind a worker knows. It claims no other.
public struct JobRegistry<Work: Sendable>: Sendable {
    private let byKind: [JobKind: JobRegistration<Work>]

    public init(@JobRegistryBuilder<Work> _ list: () -> [JobRegistration<Work>]) {
        byKind = Dictionary(list().map { ($0.kind, $0) }) { _, second in
            preconditionFailure("two handlers for \(second.kind)")
        }
    }

    public subscript(kind: JobKind) -> JobRegistration<Work>? { byKind[kind] }

    /// In the order of their names.
    public var registrations: [JobRegistration<Work>] { byKind.values.sorted { $0.kind.name < $1.kind.name } }
    public var queues: Set<QueueName> { Set(byKind.values.map(\.queue)) }
}

@resultBuilder public enum JobRegistryBuilder<Work: Sendable> {
    public static func buildExpression<Handler: JobHandler>(_ handler: Handler) -> JobRegistration<Work>
    where Handler.Work == Work { JobRegistration(handler) }

    public static func buildBlock(_ registrations: JobRegistration<Work>...) -> [JobRegistration<Work>] {
        registrations
    }
}
