/// One thing the program does, and everything `--help` says about it.
public struct Command: Sendable {
    /// One to three words: `jobs list`.
    public let name: String
    public let summary: String
    /// Placeholders of what follows the flags: `ID`, or `FILE...` for one or more.
    public let operands: [String]
    public let settings: [Setting]
    /// More than the summary, where it helps; plain text.
    public let discussion: String
    /// Returns the process's exit status.
    public let run: @Sendable (Arguments) async throws -> Int32

    public init(
        _ name: String, _ summary: String, operands: [String] = [], settings: [Setting] = [], discussion: String = "",
        run: @escaping @Sendable (Arguments) async throws -> Int32
    ) {
        self.name = name
        self.summary = summary
        self.operands = operands
        self.settings = settings
        self.discussion = discussion
        self.run = run
    }

    /// The page `--help` prints for this command.
    public func help(program: String) -> String {
        var usage = "usage: \(program) \(name)"
        if !settings.isEmpty { usage += " [flags]" }
        for operand in operands { usage += " \(operand)" }
        var page = "\(summary)\n\n\(usage)\n"
        if !discussion.isEmpty { page += "\n\(discussion)\n" }
        if !settings.isEmpty { page += "\nflags:\n" + settings.map(Command.lines).joined() }
        return page
    }

    private static func lines(_ setting: Setting) -> String {
        var text = "  \(setting.usage)\n      \(setting.help)"
        if let fallback = setting.fallback { text += " (default: \(fallback))" }
        if let variable = setting.variable { text += " [\(variable)]" }
        return text + "\n"
    }
}

/// The commands of one program.
public struct Program: Sendable {
    public let name: String
    public let version: String
    public let summary: String
    public let commands: [Command]

    public init(name: String, version: String, summary: String, commands: [Command]) {
        self.name = name
        self.version = version
        self.summary = summary
        self.commands = commands
    }

    /// What a command line asks for.
    public enum Request: Sendable {
        case print(String)
        case run(Command, words: [String])
    }

    /// Finds the command, longest name first. Throws for an unknown one.
    public func request(_ words: [String]) throws(UsageError) -> Request {
        guard let first = words.first, !["--help", "-h", "help"].contains(first) else { return .print(help) }
        if first == "--version" { return .print("\(name) \(version)\n") }
        for length in [3, 2, 1] where words.count >= length {
            let name = words.prefix(length).joined(separator: " ")
            guard let command = commands.first(where: { $0.name == name }) else { continue }
            let rest = Array(words.dropFirst(length))
            if rest.contains("--help") || rest.contains("-h") { return .print(command.help(program: self.name)) }
            return .run(command, words: rest)
        }
        let group = commands.filter { $0.name.hasPrefix(first + " ") }
        guard group.isEmpty else {
            throw UsageError(
                "'\(name) \(first)' needs one of: \(group.map { $0.name.dropFirst(first.count + 1) }.joined(separator: ", "))"
            )
        }
        throw UsageError("unknown command '\(first)'; '\(name) --help' lists them")
    }

    private var help: String {
        let width = commands.map(\.name.count).max() ?? 0
        let list = commands.map { command in
            "  \(command.name)\(String(repeating: " ", count: width - command.name.count))  \(command.summary)\n"
        }
        return "\(summary)\n\nusage: \(name) COMMAND [flags]\n\ncommands:\n\(list.joined())"
            + "\n'\(name) COMMAND --help' tells a command's flags, their environment variables and defaults.\n"
    }
}
