internal import Postgres

extension QueueInspection {
    /// Which jobs are meant; what is nil or empty leaves any. All that is stated must hold.
    public struct Filter: Sendable {
        public var states: [String] = []
        public var kind: String?
        public var queue: String?
        public var tenant: Int64?
        public var run: Int64?
        public var uniqueKey: String?
        public var serialKey: String?
        /// Text that one of the job's failures contains.
        public var error: String?
        /// JSON that the arguments contain, as Postgres' `@>` has it.
        public var arguments: String?
        /// Only jobs with a smaller id: the last one of the page before.
        public var before: Int64?
        public var limit = 50

        public init() {}
    }
}

extension QueueInspection.Filter {
    /// Whether it leaves anything out.
    var isSelective: Bool { !conditions.isEmpty }

    var condition: SQL { (["true"] + conditions).joined(separator: " AND ") }

    private var conditions: [SQL] {
        var list: [SQL] = []
        if !states.isEmpty { list.append("state = ANY(\(states))") }
        if let kind { list.append("kind = \(kind)") }
        if let queue { list.append("queue = \(queue)") }
        if let tenant { list.append("tenant = \(tenant)") }
        if let run { list.append("run = \(run)") }
        if let uniqueKey { list.append("unique_key = \(uniqueKey)") }
        if let serialKey { list.append("serial_key = \(serialKey)") }
        if let error {
            list.append(
                "EXISTS (SELECT FROM queue.failures AS f WHERE f.job = all_jobs.id AND strpos(f.error, \(error)) > 0)")
        }
        if let arguments { list.append("arguments::jsonb @> \(PostgresJSON(arguments))") }
        if let before { list.append("id < \(before)") }
        return list
    }
}
