extension JSONValue {
    /// Text for people: whatever fits into a line of `width` characters stands on one, the rest a member or element a
    /// line, indented by two.
    public func indented(width: Int = 120) -> String { indented(width, depth: 0) }

    private func indented(_ width: Int, depth: Int) -> String {
        let line = spaced
        guard line.count + depth * 2 > width else { return line }
        let indent = "\n" + String(repeating: "  ", count: depth + 1)
        let end = "\n" + String(repeating: "  ", count: depth)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { indent + $0.indented(width, depth: depth + 1) }
            return "[" + lines.joined(separator: ",") + end + "]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map {
                "\(indent)\(JSONValue.string($0.key).text()): \($0.value.indented(width, depth: depth + 1))"
            }
            return "{" + lines.joined(separator: ",") + end + "}"
        default: return line
        }
    }

    /// On one line, with a space after each comma and colon.
    private var spaced: String {
        switch self {
        case .array(let elements): "[" + elements.map(\.spaced).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { "\(JSONValue.string($0.key).text()): \($0.value.spaced)" }.joined(separator: ", ") + "}"
        default: text()
        }
    }
}
