public import JSONText

/// Where a result is not what a scenario expects.
public struct Difference: Hashable, Sendable, CustomStringConvertible {
    /// In the result, as `invoices[0].lines[2].amount`; of a list's element its place in what is expected, or in the
    /// result if it was not expected at all.
    public let path: String
    /// JSON, or `nothing`.
    public let expected: String
    /// JSON, or `nothing`.
    public let got: String
    /// Of the expectation in its file, from 1.
    public let line: Int

    /// `line 12: invoices[0].total: expected 1000, got 900`.
    public var description: String {
        "line \(line): \(path.isEmpty ? "result" : path): expected \(expected), got \(got)"
    }
}

/// Compares what a scenario expects with what came of it.
public enum Expectation {
    /// Every place where `result` is not what is expected; none if it is. An object is compared on the keys given, where
    /// `null` stands for a key that is not there. A list is compared one to one and in order; a missing or surplus
    /// element is one difference, and the others are compared with what they are most like. Of `{"any": [...]}` each
    /// element must be somewhere in the list.
    public static func differences(expected: JSONNode, result: JSONValue) -> [Difference] {
        differences(expected, result, path: "")
    }

    static func differences(_ expected: JSONNode, _ got: JSONValue, path: String) -> [Difference] {
        switch (expected.value, got) {
        case (.object(let members), .array(let elements)) where members.map(\.key) == ["any"]:
            guard case .array(let wanted) = members[0].value.value else { break }
            return any(wanted, in: elements, path: path)
        case (.object(let members), .object(let found)):
            return members.flatMap { member in
                let path = path.isEmpty ? member.key : "\(path).\(member.key)"
                guard let value = found.first(where: { $0.key == member.key })?.value else {
                    return member.value.value == .null ? [] : [difference(member.value, nil, path)]
                }
                return differences(member.value, value, path: path)
            }
        case (.array(let wanted), .array(let found)):
            return Alignment(wanted, found).pairs.flatMap { pair -> [Difference] in
                switch pair {
                case .both(let left, let right): differences(wanted[left], found[right], path: "\(path)[\(left)]")
                case .missing(let left): [difference(wanted[left], nil, "\(path)[\(left)]")]
                case .surplus(let right):
                    [
                        Difference(
                            path: "\(path)[\(right)]", expected: nothing, got: shortened(found[right].text()),
                            line: expected.line)
                    ]
                }
            }
        case (.null, .null): return []
        case (.bool(let left), .bool(let right)) where left == right: return []
        case (.string(let left), .string(let right)) where left == right: return []
        // Written otherwise (`1e3`) it is another text, though perhaps the same number: amounts are whole.
        case (.number(let left), .integer(let right)) where left == String(right): return []
        default: break
        }
        return [difference(expected, got, path)]
    }

    private static func any(_ wanted: [JSONNode], in elements: [JSONValue], path: String) -> [Difference] {
        wanted.compactMap { node in
            let unlike = elements.map { (element: $0, count: differences(node, $0, path: path).count) }
            guard let nearest = unlike.min(by: { $0.count < $1.count }) else { return difference(node, nil, path) }
            return nearest.count == 0 ? nil : difference(node, nearest.element, path, "nothing such; nearest ")
        }
    }

    private static let nothing = "nothing"

    private static func difference(
        _ expected: JSONNode, _ got: JSONValue?, _ path: String, _ prefix: String = ""
    ) -> Difference {
        Difference(
            path: path, expected: shortened(expected.text), got: got.map { prefix + shortened($0.text()) } ?? nothing,
            line: expected.line)
    }

    /// A whole invoice need not stand in a message: its first keys name it.
    private static let lengthLimit = 300

    private static func shortened(_ text: String) -> String {
        text.count <= lengthLimit ? text : text.prefix(lengthLimit) + "…"
    }
}

extension JSONNode {
    /// Compact JSON, numbers as they were written.
    var text: String {
        switch value {
        case .null: "null"
        case .bool(let bool): String(bool)
        case .number(let text): text
        case .string(let text): JSONValue.string(text).text()
        case .array(let nodes): "[" + nodes.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { JSONValue.string($0.key).text() + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    /// How many single values it has; an empty list or object counts as one.
    var leafCount: Int {
        switch value {
        case .array(let nodes): max(1, nodes.map(\.leafCount).reduce(0, +))
        case .object(let members): max(1, members.map(\.value.leafCount).reduce(0, +))
        default: 1
        }
    }
}
