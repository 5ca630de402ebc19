/// What sort of job this is: the stable name under which arguments are stored and a handler is found.
///
/// Lower-case words joined by underscores. Renaming a kind orphans the jobs stored under the old name.
public struct JobKind: Hashable, Sendable, Codable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let name: String

    public init(_ name: String) { self.name = name }
    public init(stringLiteral name: String) { self.name = name }
    public init(from decoder: any Decoder) throws { name = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }

    public var description: String { name }
}

/// A named queue: kinds that share a worker's concurrency.
public struct QueueName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let name: String

    public init(_ name: String) { self.name = name }
    public init(stringLiteral name: String) { self.name = name }

    public var description: String { name }
    public static let standard: QueueName = "standard"
}

/// How soon a job is claimed among those that are due: the lower number first.
public struct JobPriority: Hashable, Comparable, Sendable {
    public let rank: Int16

    public init(rank: Int16) { self.rank = rank }

    public static let urgent = JobPriority(rank: 10)
    public static let normal = JobPriority(rank: 50)
    public static let background = JobPriority(rank: 90)
    public static func < (left: JobPriority, right: JobPriority) -> Bool { left.rank < right.rank }
}

/// A job's one id, from enqueue to history.
public struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: Int64

    public init(_ number: Int64) { self.number = number }

    public var description: String { String(number) }
    public static func < (left: JobID, right: JobID) -> Bool { left.number < right.number }
}
