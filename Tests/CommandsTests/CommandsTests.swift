import Commands
import Testing

@Suite struct CommandsTests {
    private enum Colour: String, CaseIterable { case red, green }

    private static let settings = [
        Setting("--listen", "HOST:PORT", variable: "BILLWRIGHT_LISTEN", default: "127.0.0.1:9464", help: "where"),
        Setting("--workers", "N", variable: "BILLWRIGHT_WORKERS", default: "2", help: "how many"),
        Setting("--grace", "TIME", default: "30s", help: "how long"),
        Setting("--colour", "NAME", help: "which"),
        Setting(switch: "--exit", help: "end"),
    ]

    private func parse(
        _ words: [String], environment: [String: String] = [:], file: ConfigurationFile? = nil, operands: [String] = []
    ) throws -> Arguments {
        try Arguments(
            words, settings: Self.settings, operandNames: operands, environment: environment, file: file)
    }

    @Test func `operands are as many as are named, and any number of the last if it ends in dots`() throws {
        #expect(try parse(["a", "b"], operands: ["A", "B"]).operands == ["a", "b"])
        #expect(try parse(["a", "b", "c"], operands: ["A", "FILE..."]).operands == ["a", "b", "c"])
        #expect(throws: UsageError("unexpected argument 'c'")) {
            _ = try parse(["a", "b", "c"], operands: ["A", "B"])
        }
    }

    @Test func `a flag wins over the environment, the environment over the file, the file over the default`() throws {
        let file = try ConfigurationFile(
            path: "bw.conf", contents: "# ours\nBILLWRIGHT_WORKERS = 3\n", known: ["BILLWRIGHT_WORKERS"])
        #expect(try parse([]).text("--workers") == "2")
        #expect(try parse([], file: file).text("--workers") == "3")
        #expect(try parse([], environment: ["BILLWRIGHT_WORKERS": "4"], file: file).text("--workers") == "4")
        #expect(
            try parse(["--workers=5"], environment: ["BILLWRIGHT_WORKERS": "4"], file: file).text("--workers") == "5")
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let words: [String]
        let message: String
    }

    static let faults = [
        Fault(testDescription: "unknown flag", words: ["--wat"], message: "unknown flag '--wat'"),
        Fault(
            testDescription: "missing value", words: ["--listen"],
            message: "--listen needs a value: --listen HOST:PORT"),
        Fault(testDescription: "value for a switch", words: ["--exit=yes"], message: "--exit takes no value"),
        Fault(testDescription: "an operand too many", words: ["x"], message: "unexpected argument 'x'"),
    ]

    @Test(arguments: faults)
    func `bad input is refused in one line that names it`(_ fault: Fault) {
        #expect(throws: UsageError(fault.message)) { try parse(fault.words) }
    }

    @Test func `a bad value names the place it came from`() throws {
        let fromEnvironment = try parse([], environment: ["BILLWRIGHT_WORKERS": "many"])
        #expect(
            throws: UsageError(
                "environment variable BILLWRIGHT_WORKERS: 'many' is not a whole number from 1 to 64")
        ) { try fromEnvironment.integer("--workers", in: 1...64) }
        let fromFlag = try parse(["--grace", "soon", "--colour", "blue"])
        #expect(throws: UsageError("--grace: 'soon' is not a number with ms, s, m, h or d, such as 30s")) {
            try fromFlag.duration("--grace")
        }
        #expect(throws: UsageError("--colour: 'blue' is not one of red, green")) {
            try fromFlag.choice("--colour", Colour.self)
        }
    }

    @Test(arguments: [("250ms", Duration.milliseconds(250)), ("2m", .seconds(120)), ("1h", .seconds(3600))])
    func `durations carry their unit`(_ text: String, _ duration: Duration) throws {
        #expect(try parse(["--grace", text]).duration("--grace") == duration)
    }

    @Test(arguments: [
        ("X=1", "bw.conf:1: unknown setting 'X'"),
        ("\nBILLWRIGHT_WORKERS", "bw.conf:2: no '=' in 'BILLWRIGHT_WORKERS'"),
        ("BILLWRIGHT_WORKERS=1\nBILLWRIGHT_WORKERS=2", "bw.conf:2: 'BILLWRIGHT_WORKERS' is set twice"),
    ])
    func `a fault in the file names its line`(_ contents: String, _ message: String) {
        #expect(throws: UsageError(message)) {
            try ConfigurationFile(path: "bw.conf", contents: contents, known: ["BILLWRIGHT_WORKERS"])
        }
    }

    @Test func `commands are found by their longest name and unknown ones named`() throws {
        let program = Program(
            name: "billwright", version: "1", summary: "Bills.",
            commands: ["up", "jobs list", "jobs show"].map { Command($0, "Does \($0).") { _ in 0 } })
        guard case .run(let command, let words) = try program.request(["jobs", "show", "17"]) else {
            Issue.record("no command found")
            return
        }
        #expect(command.name == "jobs show")
        #expect(words == ["17"])
        #expect(throws: UsageError("unknown command 'wat'; 'billwright --help' lists them")) {
            try program.request(["wat"])
        }
        #expect(throws: UsageError("'billwright jobs' needs one of: list, show")) { try program.request(["jobs"]) }
    }
}
