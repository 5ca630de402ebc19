/// One thing a person can set: by flag, by environment variable or in the configuration file, in that order.
public struct Setting: Sendable {
    /// With its dashes: `--listen`.
    public let flag: String
    /// `BILLWRIGHT_LISTEN`; nil: by flag only.
    public let variable: String?
    /// What its value looks like: `HOST:PORT`. Nil: it takes none and is on or off.
    public let placeholder: String?
    public let help: String
    /// Used when nobody sets it, and shown by `--help`.
    public let fallback: String?

    /// A setting with a value.
    public init(
        _ flag: String, _ placeholder: String, variable: String? = nil, default fallback: String? = nil, help: String
    ) {
        self.flag = flag
        self.placeholder = placeholder
        self.variable = variable
        self.fallback = fallback
        self.help = help
    }

    /// A switch, off unless given.
    public init(switch flag: String, help: String) {
        self.flag = flag
        placeholder = nil
        variable = nil
        fallback = nil
        self.help = help
    }

    /// The flag and what follows it, as `--help` prints it.
    var usage: String { placeholder.map { "\(flag) \($0)" } ?? flag }
}

/// Input a person got wrong: one line that says what and where. The program ends with status 2 and has changed nothing.
public struct UsageError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
