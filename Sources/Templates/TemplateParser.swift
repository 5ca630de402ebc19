/// Reads a template and gathers what is wrong with it on the way.
struct TemplateParser {
    private let vocabulary: Vocabulary
    private let form: Template.Form
    private var line: Int
    private var faults: [TemplateFaults.Fault] = []
    /// Blocks that are open, outermost first; what stands in the innermost is gathered in `nodes`.
    private var open: [Block] = []
    private var nodes: [TemplateNode] = []
    private var contents = 0
    /// Of HTML: whether the text so far ends inside a tag.
    private var isInTag = false

    private struct Block {
        let isList: Bool
        let name: String
        let line: Int
        /// What came before it.
        let before: [TemplateNode]
        /// Of a condition: what stands before its `else`.
        var then: [TemplateNode]?
    }

    /// Deeper ones nobody can read.
    private static let depthLimit = 8

    init(_ vocabulary: Vocabulary, _ form: Template.Form, line: Int) {
        self.vocabulary = vocabulary
        self.form = form
        self.line = line
    }

    mutating func parse(_ source: String) throws(TemplateFaults) -> [TemplateNode] {
        guard source.utf8.count <= Template.sizeLimit else {
            throw TemplateFaults(faults: [.init(line: line, reason: "longer than \(Template.sizeLimit) bytes")])
        }
        let first = line
        for text in source.split(separator: "\n", omittingEmptySubsequences: false) {
            read(line: text, isLast: text.endIndex == source.endIndex)
            line += 1
        }
        while let block = open.popLast() {
            fault("{{#\(block.isList ? "each" : "if") \(block.name)}} is never closed", at: block.line)
            nodes = block.before
        }
        if let content = vocabulary.content, contents != 1 {
            fault("{{\(content)}} must stand in it once, and stands \(contents) times", at: first)
        }
        guard faults.isEmpty else { throw TemplateFaults(faults: faults.sorted { $0.line < $1.line }) }
        return nodes
    }

    /// A sign does not go over a line's end.
    private mutating func read(line text: Substring, isLast: Bool) {
        var rest = text
        var pieces: [(isSign: Bool, text: String)] = []
        while let start = rest.firstRange(of: "{{") {
            let behind = rest[start.upperBound...]
            guard let end = behind.firstRange(of: "}}") else {
                fault("\"{{\" without \"}}\" on its line")
                break
            }
            pieces.append((false, String(rest[..<start.lowerBound])))
            pieces.append((true, String(behind[..<end.lowerBound]).trimmed))
            rest = behind[end.upperBound...]
        }
        pieces.append((false, String(rest)))
        let signs = pieces.filter(\.isSign)
        let isAlone =
            signs.count == 1
            && (signs[0].text.hasPrefix("#") || signs[0].text.hasPrefix("/") || signs[0].text == "else")
            && pieces.allSatisfy { $0.isSign || $0.text.trimmed.isEmpty }
        for piece in pieces {
            if piece.isSign { sign(piece.text) } else if !isAlone { literal(piece.text) }
        }
        if !isLast && !isAlone { literal("\n") }
    }

    private mutating func literal(_ text: String) {
        guard !text.isEmpty else { return }
        for byte in text.utf8 where form == .html {
            if byte == UInt8(ascii: "<") { isInTag = true }
            if byte == UInt8(ascii: ">") { isInTag = false }
        }
        if case .literal(let before) = nodes.last {
            nodes.removeLast(); nodes.append(.literal(before + text))
        } else {
            nodes.append(.literal(text))
        }
    }

    private mutating func sign(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        let isBlock = text.hasPrefix("#") || text.hasPrefix("/") || text == "else"
        if isBlock && isInTag { fault("{{\(text)}} stands inside a tag, where only links may") }
        switch (words.first, words.count) {
        case ("#if", 2): begin(list: false, words[1])
        case ("#each", 2): begin(list: true, words[1])
        case ("else", 1): otherwise()
        case ("/if", 1), ("/each", 1): end(list: text == "/each")
        case (_, 1) where !isBlock: value(text)
        default:
            fault(
                "{{\(text)}} is no sign; there are {{name}}, {{#if name}}, {{else}}, {{/if}}, {{#each name}}, {{/each}}"
            )
        }
    }
}

extension TemplateParser {
    private mutating func begin(list: Bool, _ name: String) {
        if open.count == Self.depthLimit { fault("more than \(Self.depthLimit) blocks in each other") }
        if list, vocabulary.lists[name] == nil {
            fault("unknown list \"\(name)\"; there is \(Self.listed(Set(vocabulary.lists.keys)))")
        }
        let conditions = optional.union(vocabulary.lists.keys)
        if !list, !conditions.contains(name) {
            let reason = texts.contains(name) ? "\"\(name)\" is always there" : "unknown variable \"\(name)\""
            fault("{{#if}}: \(reason); it may ask for \(Self.listed(conditions))")
        }
        open.append(Block(isList: list, name: name, line: line, before: nodes))
        nodes = []
    }

    private mutating func otherwise() {
        guard let block = open.last, !block.isList, block.then == nil else {
            return fault("{{else}} stands in no {{#if}} that has none")
        }
        open[open.count - 1].then = nodes
        nodes = []
    }

    private mutating func end(list: Bool) {
        let sign = list ? "{{/each}}" : "{{/if}}"
        guard let block = open.last, block.isList == list else {
            return fault(
                open.isEmpty
                    ? "\(sign) closes nothing"
                    : "\(sign) closes a block of line \(open[open.count - 1].line) that is another")
        }
        open.removeLast()
        let node: TemplateNode =
            list
            ? .list(block.name, nodes)
            : .condition(block.name, then: block.then ?? nodes, otherwise: block.then == nil ? [] : nodes)
        nodes = block.before + [node]
    }

    private mutating func value(_ name: String) {
        if name == vocabulary.content {
            contents += 1
            if !open.isEmpty { fault("{{\(name)}} stands in a block") }
            return nodes.append(.content(name))
        }
        if !texts.contains(name), !optional.contains(name) {
            fault("unknown variable \"\(name)\"; there are \(Self.listed(texts.union(optional)))")
        } else if optional.contains(name), !isCertain(name) {
            fault("\"\(name)\" may be missing: put it between {{#if \(name)}} and {{/if}}")
        }
        if isInTag {
            var isQuoted = false
            if case .literal(let before) = nodes.last { isQuoted = before.hasSuffix("=\"") }
            if !vocabulary.links.contains(name) || !isQuoted {
                fault(
                    "\"\(name)\" stands inside a tag, where only links may, as in href=\"{{…}}\": \(Self.listed(vocabulary.links))"
                )
            }
        }
        nodes.append(.value(name))
    }

    /// What may be named here.
    private var texts: Set<String> { items.reduce(vocabulary.texts) { $0.union($1.texts) } }
    private var optional: Set<String> { items.reduce(vocabulary.optional) { $0.union($1.optional) } }
    private var items: [Vocabulary.Item] { open.filter(\.isList).compactMap { vocabulary.lists[$0.name] } }

    /// Whether what stands here is rendered only when there is such a value.
    private func isCertain(_ name: String) -> Bool {
        open.contains { !$0.isList && $0.name == name && $0.then == nil }
    }

    private mutating func fault(_ reason: String, at line: Int? = nil) {
        faults.append(.init(line: line ?? self.line, reason: reason))
    }

    private static func listed(_ names: Set<String>) -> String {
        names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

extension String {
    var trimmed: String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
