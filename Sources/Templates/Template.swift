internal import HTML

/// A text with places for values. Whatever could go wrong with it is found when it is read: rendering one that was read,
/// with all values its vocabulary promises, cannot fail, and no value can become markup.
///
///     {{invoice.number}}                                a value
///     {{#if invoice.due}} … {{else}} … {{/if}}          by whether there is such a value, or any item of a list
///     {{#each lines}} … {{line.amount}} … {{/each}}     once for each item
///
/// There is nothing else: no expressions, no includes, no way to reach what the vocabulary does not name. A line that
/// holds a block's sign and nothing else leaves no line behind.
public struct Template: Sendable {
    public enum Form: Sendable {
        /// Values stand as they are.
        case text
        /// Values are escaped. In a tag only links may stand, in quotes.
        case html
    }

    /// Longer ones are somebody's mistake.
    public static let sizeLimit = 64 << 10

    let nodes: [TemplateNode]
    private let form: Form

    /// Throws everything that is wrong with it. `firstLine`: the number of its first line in its file.
    public init(
        parsing source: String, _ vocabulary: Vocabulary, as form: Form, firstLine: Int = 1
    ) throws(TemplateFaults) {
        var parser = TemplateParser(vocabulary, form, line: firstLine)
        nodes = try parser.parse(source)
        self.form = form
    }

    /// Throws `MissingValue` for what the vocabulary promised and the values do not have: a defect of whoever made them.
    public func rendered(with values: TemplateValues) throws(MissingValue) -> String {
        var output = ""
        try render(nodes, values, to: &output)
        return output
    }

    private func render(
        _ nodes: [TemplateNode], _ values: TemplateValues, to output: inout String
    ) throws(MissingValue) {
        for node in nodes {
            switch node {
            case .literal(let text): output += text
            case .value(let name):
                guard let text = values.texts[name] else { throw MissingValue(name: name) }
                output += form == .html ? HTML(text).markup : text
            case .content(let name):
                // Rendered by a template of the same form already.
                guard let text = values.texts[name] else { throw MissingValue(name: name) }
                output += text
            case .condition(let name, let then, let otherwise):
                let isThere = values.texts[name] != nil || values.lists[name].map { !$0.isEmpty } ?? false
                try render(isThere ? then : otherwise, values, to: &output)
            case .list(let name, let body):
                for item in values.lists[name] ?? [] {
                    try render(body, values.with(item), to: &output)
                }
            }
        }
    }
}

indirect enum TemplateNode: Sendable, Hashable {
    case literal(String)
    case value(String)
    /// What another template of the same form has rendered.
    case content(String)
    case condition(String, then: [TemplateNode], otherwise: [TemplateNode])
    case list(String, [TemplateNode])
}

/// What a template may name.
public struct Vocabulary: Sendable {
    /// Values that are always there.
    public var texts: Set<String>
    /// Values that may be missing: they stand within `{{#if}}` of themselves.
    public var optional: Set<String>
    /// Those of both that are links, which may stand in a tag.
    public var links: Set<String>
    /// Lists, with what each item has.
    public var lists: [String: Item]
    /// What another template of the same form has rendered; stands exactly once.
    public var content: String?

    public struct Item: Sendable {
        public var texts: Set<String>
        public var optional: Set<String>

        public init(texts: Set<String>, optional: Set<String> = []) {
            self.texts = texts
            self.optional = optional
        }
    }

    public init(
        texts: Set<String>, optional: Set<String> = [], links: Set<String> = [], lists: [String: Item] = [:],
        content: String? = nil
    ) {
        self.texts = texts
        self.optional = optional
        self.links = links
        self.lists = lists
        self.content = content
    }
}

/// What stands in a template's places.
public struct TemplateValues: Sendable {
    public var texts: [String: String]
    public var lists: [String: [[String: String]]]

    public init(texts: [String: String] = [:], lists: [String: [[String: String]]] = [:]) {
        self.texts = texts
        self.lists = lists
    }

    func with(_ item: [String: String]) -> TemplateValues {
        TemplateValues(texts: texts.merging(item) { _, item in item }, lists: lists)
    }
}

/// A vocabulary promised a value that nobody gave.
public struct MissingValue: Error, Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public var description: String { "there is no value for \(name)" }
}

/// Everything that is wrong with a template, in the order of its lines.
public struct TemplateFaults: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Fault: Hashable, Sendable {
        public let line: Int
        public let reason: String
    }

    public let faults: [Fault]
    public var description: String { faults.map { "line \($0.line): \($0.reason)" }.joined(separator: "\n") }
}
