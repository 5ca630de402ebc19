/// The optional configuration file: `NAME=value` lines with the names of the environment variables, `#` for comments.
public struct ConfigurationFile: Sendable {
    public struct Entry: Sendable, Hashable {
        public let text: String
        public let line: Int
    }

    public let path: String
    public let entries: [String: Entry]

    /// Throws for a line that is no setting, a name nobody knows and a name given twice.
    public init(path: String, contents: String, known: Set<String>) throws(UsageError) {
        var entries: [String: Entry] = [:]
        for (index, line) in contents.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimmed
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            let place = "\(path):\(index + 1)"
            guard let equals = trimmed.firstIndex(of: "=") else { throw UsageError("\(place): no '=' in '\(trimmed)'") }
            let name = String(trimmed[..<equals].trimmed)
            guard known.contains(name) else { throw UsageError("\(place): unknown setting '\(name)'") }
            guard entries[name] == nil else { throw UsageError("\(place): '\(name)' is set twice") }
            let value = trimmed[trimmed.index(after: equals)...].trimmed
            entries[name] = Entry(text: String(value), line: index + 1)
        }
        self.path = path
        self.entries = entries
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
