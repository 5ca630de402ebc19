/// Runs the jobs of one kind.
public protocol JobHandler<Work>: Sendable {
    associatedtype Arguments: JobArguments
    associatedtype Work: Sendable

    static var policy: JobPolicy { get }

    /// Does the job, or part of it. Called again after a crash at any point: work out what is left and do that.
    func run(_ job: Job<Arguments>, in context: JobContext<Work>) async throws -> JobOutcome

    /// Asks the counterpart what became of effects that an attempt before this one announced and did not settle, and settles
    /// them. Called before `run` for kinds that reconcile. A call of a lost worker may still be on its way: what the
    /// counterpart does not know yet is no proof until its time-out has passed.
    func reconcile(
        _ effects: [AnnouncedEffect], of job: Job<Arguments>, in context: JobContext<Work>
    ) async throws -> Reconciliation
}

extension JobHandler {
    /// Without a reconciler a person asks.
    public func reconcile(
        _ effects: [AnnouncedEffect], of job: Job<Arguments>, in context: JobContext<Work>
    ) async throws -> Reconciliation {
        let open = effects.map { "\($0.request.name) of \($0.request.scope)" }.joined(separator: ", ")
        return .end(.held(reason: "may have happened, and its kind has no reconciler: \(open)"))
    }
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
                enqueuedAt: claimed.enqueuedAt, run: claimed.run)
            if Handler.policy.whenLost == .reconcile {
                let open = try await context.unsettledEffects()
                if !open.isEmpty, case .end(let outcome) = try await handler.reconcile(open, of: job, in: context) {
                    return outcome
                }
            }
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
