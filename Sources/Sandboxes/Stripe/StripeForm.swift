/// The parameters of one call, checked against what its endpoint takes before anything is done.
struct StripeForm {
    /// What a parameter may hold.
    indirect enum Shape: Sendable {
        case text
        case integer
        case boolean
        case choice([String])
        /// Names of the caller's own, each with a text.
        case metadata
        case texts
        case map([String: Shape])
        /// A moment, or bounds of moments.
        case range
    }

    typealias Schema = [String: Shape]

    private let tree: FormTree

    /// Checks every parameter; the first that is unknown or mistyped is an error that names it.
    init(_ tree: FormTree, _ schema: Schema) throws(StripeError) {
        self.tree = tree
        for member in tree.members {
            guard let shape = schema[member.name] else { throw Self.unknown(member.name) }
            try Self.check(member.value, shape, member.name)
        }
    }

    private static func unknown(_ name: String) -> StripeError {
        // Gone since 2026-09-30, with a code of its own.
        if name == "payment_method_types" {
            return .invalid(
                "Use allowed_payment_method_types instead.", code: "payment_method_types_no_longer_supported",
                param: name)
        }
        return .invalid("Received unknown parameter: \(name)", code: "parameter_unknown", param: name)
    }

    private static func check(_ value: FormTree, _ shape: Shape, _ name: String) throws(StripeError) {
        switch (shape, value) {
        case (.text, .text), (.range, .text): break
        case (.integer, .text(let text)):
            guard Int(text) != nil else {
                throw .invalid("Invalid integer: \(text)", code: "parameter_invalid_integer", param: name)
            }
        case (.boolean, .text(let text)):
            guard ["true", "false"].contains(text) else { throw .invalid("Invalid boolean: \(text)", param: name) }
        case (.choice(let choices), .text(let text)):
            guard choices.contains(text) else {
                throw .invalid("Invalid \(name): must be one of \(choices.joined(separator: ", "))", param: name)
            }
        case (.texts, .map(let members)):
            for member in members { try check(member.value, .text, "\(name)[\(member.name)]") }
        case (.metadata, .map(let members)): try checkMetadata(members)
        // An empty text unsets the whole of it.
        case (.metadata, .text("")), (.map, .text("")): break
        case (.map(let schema), .map(let members)):
            for member in members {
                let path = "\(name)[\(member.name)]"
                guard let shape = schema[member.name] else { throw unknown(path) }
                try check(member.value, shape, path)
            }
        case (.range, .map(let members)):
            for member in members {
                let path = "\(name)[\(member.name)]"
                guard ["gt", "gte", "lt", "lte"].contains(member.name) else { throw unknown(path) }
                try check(member.value, .integer, path)
            }
        case (.texts, .text), (.metadata, .text): throw .invalid("Invalid \(name)", param: name)
        case (.map, .text): throw .invalid("Invalid object", param: name)
        case (.text, .map), (.integer, .map), (.boolean, .map), (.choice, .map):
            throw .invalid("Invalid string: \(name)", param: name)
        }
    }

    private static func checkMetadata(_ members: [(name: String, value: FormTree)]) throws(StripeError) {
        guard members.count <= 50 else { throw .invalid("Metadata can have up to 50 keys", param: "metadata") }
        for member in members {
            let path = "metadata[\(member.name)]"
            guard case .text(let text) = member.value else {
                throw .invalid("Metadata values are strings", param: path)
            }
            guard member.name.count <= 40 else {
                throw .invalid("Metadata keys can have up to 40 characters", param: path)
            }
            guard text.count <= 500 else {
                throw .invalid("Metadata values can have up to 500 characters", param: path)
            }
        }
    }

    /// The text of a parameter, nil when it is absent or empty. A nested one is named by its path: `card[token]`.
    func text(_ path: String...) -> String? { given(path) ?? nil }

    func text(required name: String) throws(StripeError) -> String {
        guard let text = text(name) else { throw .parameterMissing(name) }
        return text
    }

    func integer(_ name: String) -> Int? { text(name).flatMap { Int($0) } }

    func boolean(_ path: String...) -> Bool { (given(path) ?? nil) == "true" }

    func texts(_ name: String) -> [String] {
        (tree[name]?.members ?? []).compactMap { if case .text(let text) = $0.value { text } else { nil } }
    }

    /// Sets `field` to the parameter when it is given; an empty one unsets it.
    func update(_ field: inout String?, _ path: String...) {
        if let value = given(path) { field = value }
    }

    /// Merges the given metadata; an empty value removes its key, an empty text all of them.
    func updateMetadata(_ metadata: inout [String: String]) {
        switch tree["metadata"] {
        case .text: metadata = [:]
        case .map(let members):
            for member in members {
                if case .text(let text) = member.value { metadata[member.name] = text.isEmpty ? nil : text }
            }
        case nil: break
        }
    }

    var metadata: [String: String] {
        var metadata: [String: String] = [:]
        updateMetadata(&metadata)
        return metadata
    }

    func address(_ path: String...) -> StripeAddress? {
        guard let node = node(path), !node.members.isEmpty else { return nil }
        func part(_ name: String) -> String? { given(path + [name]) ?? nil }
        return StripeAddress(
            city: part("city"), country: part("country"), line1: part("line1"), line2: part("line2"),
            postalCode: part("postal_code"), state: part("state"))
    }

    /// Whether a moment lies within the bounds of `created`.
    func isCreated(_ moment: Int) -> Bool {
        switch tree["created"] {
        case nil: true
        case .text(let text): Int(text) == moment
        case .map(let members):
            members.allSatisfy { member in
                guard case .text(let text) = member.value, let bound = Int(text) else { return false }
                return switch member.name {
                case "gt": moment > bound
                case "gte": moment >= bound
                case "lt": moment < bound
                default: moment <= bound
                }
            }
        }
    }

    private func node(_ path: [String]) -> FormTree? {
        var node: FormTree? = tree
        for name in path { node = node?[name] }
        return node
    }

    /// Nil when absent, a nil text when empty.
    private func given(_ path: [String]) -> String?? {
        guard case .text(let text) = node(path) else { return nil }
        return .some(text.isEmpty ? nil : text)
    }
}

extension StripeForm.Shape {
    static let address = StripeForm.Shape.map([
        "city": .text, "country": .text, "line1": .text, "line2": .text, "postal_code": .text, "state": .text,
    ])
}

extension [String: StripeForm.Shape] {
    /// What every list takes.
    static let page: StripeForm.Schema = [
        "limit": .integer, "starting_after": .text, "ending_before": .text, "created": .range, "expand": .texts,
    ]

    static func + (left: Self, right: Self) -> Self { left.merging(right) { $1 } }
}
