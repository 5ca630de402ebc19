internal import JSONText

extension JSONValue {
    /// A scenario file as people read it: a line for each plan, customer and operation.
    func layout() -> String {
        guard case .object(let members) = self else { return text() }
        return "{"
            + members.map { "\(JSONValue.string($0.key).text()): \($0.value.listed(1))" }.joined(separator: ",\n ")
            + "}\n"
    }

    private func listed(_ depth: Int) -> String {
        let indent = "\n" + String(repeating: " ", count: depth + 1)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[" + elements.map { indent + $0.text() }.joined(separator: ",") + "]"
        case .object(let members) where depth == 1:
            return "{"
                + members.map { "\(indent)\(JSONValue.string($0.key).text()): \($0.value.listed(depth + 1))" }
                .joined(separator: ",") + "}"
        default: return text()
        }
    }
}
