import FoundationEssentials
import Testing

@Suite struct TidyTests {
    @Test func `the tree keeps every rule of the house`() throws {
        let tree = try readTree()
        try #require(tree.count > 10, "the tree was not found where this file was compiled")
        for violation in rules.flatMap({ $0.violations(in: tree) }) { Issue.record("\(violation)") }
    }

    @Test(arguments: rules)
    func `a rule fires on each bad sample and is silent on each good one`(rule: Rule) {
        try? #require(!rule.bad.isEmpty && !rule.good.isEmpty)
        for sample in rule.bad { #expect(!rule.violations(in: files(sample)).isEmpty, "silent on \(sample)") }
        for sample in rule.good { #expect(rule.violations(in: files(sample)).isEmpty, "fired on \(sample)") }
    }

    @Test func `a violation says where it is, which rule it breaks and what to do`() throws {
        let rule = try #require(rules.first { $0.name == "sleep-in-test" })
        let tree = files(["Tests/A/A.swift": "let a = 1\nsleep(1)\n"])
        let said = rule.violations(in: tree).map(\.description)
        #expect(said == ["Tests/A/A.swift:2: sleep-in-test: \(rule.text)"])
    }

    @Test(arguments: [
        (#"let a = "x\("y" + f("z")) // w" // real"#, "let a = \"\"", " real"),
        (##"let a = #"a "quoted" \ word"# + b"##, "let a = \"\" + b", ""),
        (#"call(/* no */ "a\"b")"#, "call ( / * no * / \"\" )", ""),
        ("func `a name, spoken`() {}", "func `a name, spoken` ( ) { }", ""),
    ])
    func `code, comments and strings are told apart`(text: String, tokens: String, comment: String) throws {
        let line = try #require(SourceFile(path: "A.swift", text: text).lines.first)
        #expect(line.tokens.joined(separator: " ") == tokens)
        #expect(line.comment == comment)
    }

    @Test func `a long string keeps the count of lines and hides its own`() {
        let file = SourceFile(path: "A.swift", text: "let a = \"\"\"\n    try! x\n    \"\"\"\nlet b = 2\n")
        #expect(file.lines.map(\.tokens) == [["let", "a", "=", "\"\""], [], [], ["let", "b", "=", "2"]])
    }

    private func files(_ sample: [String: String]) -> [SourceFile] {
        sample.map { SourceFile(path: $0.key, text: $0.value) }
    }

    private func readTree() throws -> [SourceFile] {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        return try ["Sources", "Jobs", "Tests"].flatMap { folder -> [SourceFile] in
            // A folder that is not there yet has nothing to keep tidy.
            guard FileManager.default.fileExists(atPath: "\(root)/\(folder)") else { return [] }
            return try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
                .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".md") }.sorted()
                .map { name in
                    let text = FileManager.default.contents(atPath: "\(root)/\(folder)/\(name)") ?? Data()
                    return SourceFile(path: "\(folder)/\(name)", text: String(decoding: text, as: UTF8.self))
                }
        }
    }
}
