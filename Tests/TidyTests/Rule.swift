import Testing

/// One rule of the house over the whole tree, with samples that prove that it can fail.
struct Rule: Sendable, CustomTestStringConvertible {
    /// Where a rule is broken. Reads as `path:line: rule: text`.
    struct Violation: Sendable, Hashable, CustomStringConvertible {
        let path: String
        let line: Int
        let rule: String
        let text: String

        var description: String { "\(path):\(line): \(rule): \(text)" }
    }

    let name: String
    /// What to do instead, for the person who broke it.
    let text: String
    /// Small trees, paths with texts, each of which breaks the rule.
    let bad: [[String: String]]
    /// Small trees that keep it.
    let good: [[String: String]]
    /// The places that break it.
    let find: @Sendable ([SourceFile]) -> [(path: String, line: Int)]

    var testDescription: String { name }

    func violations(in tree: [SourceFile]) -> [Violation] {
        find(tree).map { Violation(path: $0.path, line: $0.line, rule: name, text: text) }
    }

    /// A rule that each line keeps or breaks, by itself or by the lines above it.
    static func line(
        _ name: String, _ text: String, in applies: @escaping @Sendable (SourceFile) -> Bool,
        bad: [[String: String]], good: [[String: String]],
        isBroken: @escaping @Sendable (_ lines: [SourceFile.Line], _ index: Int) -> Bool
    ) -> Rule {
        Rule(name: name, text: text, bad: bad, good: good) { tree in
            tree.filter(applies).flatMap { file in
                file.lines.indices.filter { isBroken(file.lines, $0) }.map { (file.path, $0 + 1) }
            }
        }
    }
}
