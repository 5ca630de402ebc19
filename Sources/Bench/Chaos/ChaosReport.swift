/// What a run found: figures, and what was not as promised.
public struct ChaosReport: Sendable {
    /// In the order in which they are told.
    public private(set) var figures: [(name: String, value: Double)] = []
    public private(set) var findings: [String] = []

    public var holds: Bool { findings.isEmpty }

    mutating func add(_ name: String, _ value: Int) { figures.append((name, Double(value))) }
    mutating func add(_ name: String, _ value: Duration) {
        figures.append((name, (value / .milliseconds(100)).rounded() / 10))
    }
    mutating func find(_ finding: String) { findings.append(finding) }

    /// A fault that never struck where it matters proves nothing.
    mutating func require(_ name: String, _ value: Int) {
        add(name, value)
        if value == 0 { find("\(name) is 0: the run did not test it") }
    }

    public var lines: [String] {
        figures.map { "ours \($0.name) \(Self.text($0.value))" } + findings.map { "BROKEN \($0)" }
    }

    public var json: String {
        let members = figures.map { "\"\($0.name)\":\(Self.text($0.value))" }
        let texts = findings.map { "\"\(Self.plain($0))\"" }
        return "{\(members.joined(separator: ",")),\"broken\":[\(texts.joined(separator: ","))]}"
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }

    private static func plain(_ text: String) -> String {
        String(text.map { $0 == "\"" || $0 == "\\" || $0.isNewline ? "'" : $0 })
    }
}
