package import JSONText

/// Reads fields one by one and keeps the fault of each, so that one bad field hides no other.
package struct FieldReader {
    package var faults = JSONFaultList()

    package init() {}

    /// The field's value; `nil` if it is missing or wrong, and then the fault is kept.
    package mutating func required<Value>(
        _ node: JSONNode, _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) -> Value? {
        faults.collect { () throws(JSONFault) in try read(node.required(key)) }
    }

    /// The field's value; `nil` if it is absent, or wrong, and then the fault is kept.
    package mutating func optional<Value>(
        _ node: JSONNode, _ key: String, _ read: (JSONNode) throws(JSONFault) -> Value
    ) -> Value? {
        guard let field = self.node(node, key) else { return nil }
        return faults.collect { () throws(JSONFault) in try read(field) }
    }

    /// The field's value, or `fallback` if it is absent; `nil` if it is wrong, and then the fault is kept.
    package mutating func optional<Value>(
        _ node: JSONNode, _ key: String, else fallback: Value, _ read: (JSONNode) throws(JSONFault) -> Value
    ) -> Value? {
        guard let field = self.node(node, key) else { return fallback }
        return faults.collect { () throws(JSONFault) in try read(field) }
    }

    /// Whether it is an object; keeps the fault if not.
    package mutating func isObject(_ node: JSONNode) -> Bool {
        faults.collect { () throws(JSONFault) in try node.members() } != nil
    }

    /// The field itself, without any fault where there is none.
    package func present(_ node: JSONNode, _ key: String) -> JSONNode? { try? node.optional(key) }

    /// The field's text as it stands there, without any check or fault.
    package func text(_ node: JSONNode, _ key: String) -> String? { try? node.optional(key)?.string() }

    /// The field itself, or `nil` if it is absent.
    package mutating func node(_ node: JSONNode, _ key: String) -> JSONNode? {
        let found = faults.collect { () throws(JSONFault) in try node.optional(key) }
        return found ?? nil
    }

    /// The elements of a list, or none if it is absent.
    package mutating func list(_ node: JSONNode, _ key: String) -> [JSONNode] {
        optional(node, key, Field.array) ?? []
    }

    /// Keeps a fault for every key that is unknown, or known and not yet supported, or for what is no object at all.
    /// Returns whether it is one.
    @discardableResult
    package mutating func check(_ node: JSONNode, keys: Set<String>, later: Set<String> = []) -> Bool {
        guard let members = faults.collect({ () throws(JSONFault) in try node.members() }) else { return false }
        for member in members where !keys.contains(member.key) {
            let reason =
                later.contains(member.key)
                ? "\"\(member.key)\" is not supported yet" : "unknown key \"\(member.key)\""
            faults.add(member.value.fault(reason))
        }
        return true
    }

    /// Keeps a fault at every node whose `key` an earlier one has, as `comparable` sees it.
    package mutating func refuseDuplicates(
        _ nodes: [JSONNode], key: String, noun: String, comparable: (String) -> String = { $0 }
    ) {
        var seen: Set<String> = []
        for node in nodes {
            // What is missing or no string has its fault from the reading of that field.
            guard let field = try? node.required(key), let code = try? field.string() else { continue }
            if !seen.insert(comparable(code)).inserted { faults.add(field.fault("\(noun) \"\(code)\" stands twice")) }
        }
    }
}
