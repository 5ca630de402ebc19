internal import HTTPServer

/// Form fields whose names nest by brackets: `a=1`, `a[b]=1`, `a[]=1`, `a[0][b]=1`.
indirect enum FormTree: Equatable {
    case text(String)
    case map([(name: String, value: FormTree)])

    /// Fields and nesting beyond these are refused, since each costs a node.
    static let fieldLimit = 1000
    static let depthLimit = 8

    /// Why a form is not taken.
    enum Fault: Error, Equatable {
        case tooManyFields
        case tooDeep(String)
        case malformedName(String)
        /// The name is given twice, or once as a text and once as a map.
        case givenTwice(String)
    }

    /// The tree of the items. `a[]` numbers its elements in the order they come.
    init(_ items: [QueryItem]) throws(Fault) {
        guard items.count <= Self.fieldLimit else { throw .tooManyFields }
        var root = FormTree.map([])
        for item in items {
            let path = try Self.path(item.name)
            try root.insert(item.value, at: path[...], name: item.name)
        }
        self = root
    }

    /// The members of a map, empty for a text.
    var members: [(name: String, value: FormTree)] {
        if case .map(let members) = self { members } else { [] }
    }

    subscript(name: String) -> FormTree? { members.first { $0.name == name }?.value }

    private mutating func insert(_ text: String, at path: ArraySlice<String>, name: String) throws(Fault) {
        guard case .map(var members) = self, let first = path.first else { throw .givenTwice(name) }
        let key = first.isEmpty ? String(members.count) : first
        let rest = path.dropFirst()
        if let index = members.firstIndex(where: { $0.name == key }) {
            try members[index].value.insert(text, at: rest, name: name)
        } else if rest.isEmpty {
            members.append((key, .text(text)))
        } else {
            var child = FormTree.map([])
            try child.insert(text, at: rest, name: name)
            members.append((key, child))
        }
        self = .map(members)
    }

    private static func path(_ name: String) throws(Fault) -> [String] {
        guard let bracket = name.firstIndex(of: "[") else { return [name] }
        var path = [String(name[..<bracket])]
        var rest = name[bracket...]
        while !rest.isEmpty {
            guard rest.first == "[", let end = rest.firstIndex(of: "]") else { throw .malformedName(name) }
            path.append(String(rest[rest.index(after: rest.startIndex)..<end]))
            rest = rest[rest.index(after: end)...]
        }
        guard path.count <= depthLimit else { throw .tooDeep(name) }
        guard path.first?.isEmpty == false, !path.contains(where: { $0.contains("[") }) else {
            throw .malformedName(name)
        }
        return path
    }

    static func == (left: FormTree, right: FormTree) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left == right
        case (.map(let left), .map(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.name == $1.name && $0.value == $1.value }
        default: false
        }
    }
}
