internal import JSONText

extension JSONValue {
    /// In the order of the keys' bytes.
    static func sorted<Value>(_ values: [String: Value], _ json: (Value) -> JSONValue) -> JSONValue {
        .object(
            values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { Member($0.key, json($0.value)) })
    }
}
