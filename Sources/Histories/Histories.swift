public import Dates
internal import JSONText

/// Random histories of billing: whatever people do in whatever order, the books are right.
///
/// A seed names a history. It is written as a scenario file, played by the rules alone, and held to what must be true
/// after every instant; what fails is taken down to a file of a few lines that still does.
public enum Histories {
    /// A history that broke a promise.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        public let seed: UInt64
        public let violation: Violation
        /// The smallest history that breaks it, as a scenario file.
        public let scenario: String

        public var description: String { "seed \(seed): \(violation)\n\(scenario)" }
    }

    /// The text of a seed's history, as a scenario file.
    public static func scenario(seed: UInt64) -> String { history(seed).layout() }

    private static func history(_ seed: UInt64) -> JSONValue {
        var writer = HistoryWriter(seed: seed)
        return writer.history(seed: seed)
    }

    /// Plays the histories of `count` seeds from `seed` on. `zones` gives the rules of an IANA name, as for
    /// `Scenario.read`; one that it does not know makes a finding.
    public static func check(seed: UInt64, count: Int, zones: @escaping (String) -> TimeZoneRules?) -> [Finding] {
        (0..<UInt64(count)).compactMap { check(seed: seed &+ $0, zones: zones) }
    }

    /// What is wrong with one seed's history, if something is.
    public static func check(seed: UInt64, zones: @escaping (String) -> TimeZoneRules?) -> Finding? {
        let history = history(seed)
        let trial = Trial(zones: zones)
        guard let violation = trial.violation(of: history) else { return nil }
        // What shows while a history plays needs no other to be held against.
        let again = Trial(compares: violation.at == nil, zones: zones)
        let smallest = Shrinking.smallest(of: history) { again.violation(of: $0)?.promise == violation.promise }
        return Finding(
            seed: seed, violation: again.violation(of: smallest) ?? violation, scenario: smallest.layout())
    }

    /// What is wrong with the history of a scenario file, if something is.
    public static func violation(of text: String, zones: @escaping (String) -> TimeZoneRules?) throws -> Violation? {
        Trial(zones: zones).violation(of: JSONValue(try JSONNode(parsing: Array(text.utf8))))
    }
}

extension JSONValue {
    /// What a text says, to be written again.
    init(_ node: JSONNode) {
        switch node.value {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .number(let text): self = Int64(text).map { .integer($0) } ?? .string(text)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map { JSONValue($0) })
        case .object(let members): self = .object(members.map { Member($0.key, JSONValue($0.value)) })
        }
    }
}
