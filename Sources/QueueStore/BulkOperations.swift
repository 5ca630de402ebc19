public import Dates
internal import Postgres

/// Acts on all jobs that match, up to a cap: looked at first, then done in batches, each job as if alone.
extension QueueOperations {
    /// The most jobs one act may touch; more is a decision to be taken again.
    public static let hardCap = 10_000
    /// Jobs of one transaction: few enough that claims of their lanes wait no longer than a blink.
    static let batch = 100
    /// A search nobody has an index for gives up here rather than keep an old snapshot open.
    private static let patience = Duration.seconds(60)

    /// What an act would touch. Nothing was changed.
    public struct Preview: Sendable {
        /// At most the cap that was asked for.
        public let matching: Int
        /// Whether more match than the cap.
        public let isCapped: Bool
        public let states: [(state: String, jobs: Int)]
        /// The first ten.
        public let sample: [QueueInspection.Job]
        /// What those jobs have begun outside already, by the effects' state.
        public let effects: [(state: String, effects: Int)]
    }

    public struct Bulk: Sendable {
        public var done = 0
        public var refused = 0
        /// The first ten.
        public var refusals: [Outcome] = []
        /// Whether more match that were not touched.
        public var isCapped = false
    }

    /// The jobs this act may select: what `filter` names, or what the verb is meant for.
    private func selection(_ filter: QueueInspection.Filter, for verb: Verb, all: Bool, limit: Int) throws
        -> QueueInspection.Filter
    {
        guard all || filter.isSelective else { throw BulkRefusal.noFilter }
        guard (1...Self.hardCap).contains(limit) else { throw BulkRefusal.overCap(limit) }
        var selection = filter
        if filter.states.isEmpty {
            selection.states = verb.bulkStates
        } else if let wrong = filter.states.first(where: { !verb.states.contains($0) }) {
            throw BulkRefusal.notMoved(verb: verb.name, state: wrong, states: verb.states)
        }
        return selection
    }

    public func preview(_ verb: Verb, on filter: QueueInspection.Filter, all: Bool = false, limit: Int) async throws
        -> Preview
    {
        let selection = try selection(filter, for: verb, all: all, limit: limit)
        return try await pool.transaction(
            isolation: .repeatableRead, readOnly: true, deadline: .now + Self.patience
        ) { transaction in
            let seen = try await transaction.query(OperationSQL.matches(selection, after: 0, limit: limit + 1))
                .decode(Int64.self, String.self)
            let taken = seen.prefix(limit)
            let sample = try await transaction.query(QueueInspection.jobs(taken.prefix(10).map(\.0)))
            let effects = try await transaction.query(OperationSQL.effects(of: taken.map(\.0)))
                .decode(String.self, Int64.self)
            let states = Dictionary(grouping: taken, by: \.1).map { (state: $0.key, jobs: $0.value.count) }
            return Preview(
                matching: taken.count, isCapped: seen.count > limit, states: states.sorted { $0.state < $1.state },
                sample: try sample.map { row in try QueueInspection.Job(row) },
                effects: effects.map { (state: $0.0, effects: Int($0.1)) })
        }
    }

    /// Oldest first. A batch that fails leaves the ones before it done, each with its row in `queue.acts`.
    public func act(_ act: Act, on filter: QueueInspection.Filter, all: Bool = false, limit: Int, now: Instant)
        async throws -> Bulk
    {
        let selection = try selection(filter, for: act.verb, all: all, limit: limit)
        var bulk = Bulk()
        var last: Int64 = 0
        while true {
            let room = min(Self.batch, limit - bulk.done - bulk.refused)
            let seen = try await pool.query(
                OperationSQL.matches(selection, after: last, limit: max(room, 1)), deadline: .now + Self.patience
            ).decode(Int64.self, String.self)
            guard room > 0, let end = seen.last else {
                bulk.isCapped = !seen.isEmpty
                return bulk
            }
            for outcome in try await touch(seen.map { (id: $0.0, state: $0.1) }, act, now) { bulk.count(outcome) }
            last = end.0
        }
    }

    private func touch(_ seen: [(id: Int64, state: String)], _ act: Act, _ now: Instant) async throws -> [Outcome] {
        for _ in 1...2 {
            do {
                return try await pool.query(OperationSQL.act(act, on: seen, now: now)).map { row in try Outcome(row) }
            } catch let error as PostgresError where error.sqlState == "40P01" {
                continue  // The server chose it to break a deadlock: nothing of the batch was done.
            }
        }
        return try await pool.query(OperationSQL.act(act, on: seen, now: now)).map { row in try Outcome(row) }
    }
}

extension QueueOperations.Bulk {
    fileprivate mutating func count(_ outcome: QueueOperations.Outcome) {
        guard outcome.refusal != nil else {
            done += 1
            return
        }
        refused += 1
        if refusals.count < 10 { refusals.append(outcome) }
    }
}

/// An act on many that is not begun; nothing was changed.
public enum BulkRefusal: Error, Hashable, CustomStringConvertible {
    case noFilter
    case overCap(Int)
    case notMoved(verb: String, state: String, states: [String])

    public var description: String {
        switch self {
        case .noFilter: "without a filter every job would be meant; name a filter, or state --all"
        case .overCap(let limit): "a limit of \(limit) is not from 1 to \(QueueOperations.hardCap)"
        case .notMoved(let verb, let state, let states):
            "\(verb) does not move \(state) jobs, only \(states.joined(separator: ", "))"
        }
    }
}

extension QueueOperations.Verb {
    /// What it moves, as `queue.refusal` has it.
    public var states: [String] {
        switch self {
        case .retry: ["scheduled", "retryable", "held", "discarded", "cancelled"]
        case .cancel: ["scheduled", "retryable", "blocked", "available", "running", "held"]
        case .discard: ["scheduled", "retryable", "blocked", "available", "held"]
        case .reschedule, .hold: ["scheduled", "retryable", "blocked", "available"]
        case .release: ["held"]
        case .replay: ["completed", "discarded", "cancelled"]
        }
    }

    /// What it selects when no state is named. What a person cancelled, or set for later, is not brought back or
    /// hastened by the thousand unless they say so.
    var bulkStates: [String] {
        switch self {
        case .retry: ["retryable", "held", "discarded"]
        case .replay: ["completed"]
        default: states
        }
    }
}
