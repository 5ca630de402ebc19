/// The settings and operands of one run, checked against what its command declares.
public struct Arguments: Sendable {
    private let settings: [String: Setting]
    private let given: [String: Value]
    public let operands: [String]

    /// A value and where it came from, so that an error can name the place.
    private struct Value {
        let text: String
        let source: String
    }

    /// Reads `words` (without program and command), then `environment`, then `file`.
    ///
    /// Throws for an unknown flag, a flag without its value, and more operands than `operandNames`, the last of which
    /// stands for any number if it ends in `...`.
    public init(
        _ words: [String], settings: [Setting], operandNames: [String] = [], environment: [String: String] = [:],
        file: ConfigurationFile? = nil
    ) throws(UsageError) {
        self.settings = Dictionary(uniqueKeysWithValues: settings.map { ($0.flag, $0) })
        var given = Arguments.inherited(settings, environment, file)
        var operands: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let setting = self.settings[parts[0]] else { throw UsageError("unknown flag '\(parts[0])'") }
            given[setting.flag] = try Arguments.value(of: setting, inline: parts.dropFirst().first, &rest)
        }
        let isOpen = operandNames.last?.hasSuffix("...") == true
        guard isOpen || operands.count <= operandNames.count else {
            throw UsageError("unexpected argument '\(operands[operandNames.count])'")
        }
        self.given = given
        self.operands = operands
    }

    private static func value(
        of setting: Setting, inline: String?, _ rest: inout ArraySlice<String>
    ) throws(UsageError) -> Value {
        guard let placeholder = setting.placeholder else {
            guard inline == nil else { throw UsageError("\(setting.flag) takes no value") }
            return Value(text: "true", source: setting.flag)
        }
        guard let text = inline ?? rest.popFirst() else {
            throw UsageError("\(setting.flag) needs a value: \(setting.flag) \(placeholder)")
        }
        return Value(text: text, source: setting.flag)
    }

    private static func inherited(
        _ settings: [Setting], _ environment: [String: String], _ file: ConfigurationFile?
    ) -> [String: Value] {
        var values: [String: Value] = [:]
        for setting in settings {
            guard let variable = setting.variable else { continue }
            if let text = environment[variable], !text.isEmpty {
                values[setting.flag] = Value(text: text, source: "environment variable \(variable)")
            } else if let entry = file?.entries[variable] {
                values[setting.flag] = Value(text: entry.text, source: "\(file?.path ?? ""):\(entry.line) \(variable)")
            }
        }
        return values
    }

    /// Whether the command has such a flag.
    public func declares(_ flag: String) -> Bool { settings[flag] != nil }

    public func isOn(_ flag: String) -> Bool { given[flag] != nil }

    /// What was set, else the declared default, else nil.
    public func text(_ flag: String) -> String? {
        guard let setting = settings[flag] else { preconditionFailure("\(flag) is not declared") }
        return given[flag]?.text ?? setting.fallback
    }

    public func required(_ flag: String) throws(UsageError) -> String {
        if let text = text(flag) { return text }
        let variable = settings[flag]?.variable.map { " or \($0)" } ?? ""
        throw UsageError("\(flag)\(variable) must be set")
    }

    /// A whole number in `range`.
    public func integer(_ flag: String, in range: ClosedRange<Int>) throws(UsageError) -> Int {
        let text = try required(flag)
        guard let number = Int(text), range.contains(number) else {
            throw fault(flag, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// One of `choices`, by name.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ flag: String, _: Choice.Type
    ) throws(UsageError) -> Choice {
        let text = try required(flag)
        if let choice = Choice(rawValue: text) { return choice }
        throw fault(flag, text, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// A number followed by ms, s, m, h or d.
    public func duration(_ flag: String) throws(UsageError) -> Duration {
        let text = try required(flag)
        guard let duration = Duration(parsing: text) else {
            throw fault(flag, text, "a number with ms, s, m, h or d, such as 30s")
        }
        return duration
    }

    /// The error for a value that the command itself finds wrong: says where the value came from.
    public func fault(_ flag: String, _ text: String, _ wanted: String) -> UsageError {
        UsageError("\(given[flag]?.source ?? flag): '\(text)' is not \(wanted)")
    }
}

extension Duration {
    /// A number followed by ms, s, m, h or d.
    public init?(parsing text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Duration] = [
            "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600), "d": .seconds(86_400),
        ]
        guard let number = Int32(digits), let unit = units[text[digits.endIndex...]] else { return nil }
        self = unit * Int(number)
    }
}
