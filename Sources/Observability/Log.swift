internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Structured log lines on standard error: one JSON object a line, or plain text when a person reads along.
///
/// Fields are for ids and counts. Never a secret, a payment token or personal data: lines outlive what they tell of.
public struct Log: Sendable {
    public enum Level: Int, Comparable, Sendable {
        case debug, info, warning, error

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public enum Style: Sendable { case json, text }

    public typealias Fields = KeyValuePairs<String, String>

    private let component: String
    private let threshold: Level
    private let style: Style
    private let emit: @Sendable (String) -> Void

    /// `write` gets whole lines without their newline; by default they go to standard error.
    public init(
        component: String, threshold: Level = .info, style: Style = .json,
        write: @escaping @Sendable (String) -> Void = Log.toStandardError
    ) {
        self.component = component
        self.threshold = threshold
        self.style = style
        emit = write
    }

    // The message and the fields are built when the line is written, and not at all when its level is off.

    public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if isOn(.debug) { write(.debug, message(), fields()) }
    }
    public func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if isOn(.info) { write(.info, message(), fields()) }
    }
    public func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if isOn(.warning) { write(.warning, message(), fields()) }
    }
    public func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if isOn(.error) { write(.error, message(), fields()) }
    }

    private func isOn(_ level: Level) -> Bool { level.rawValue >= threshold.rawValue }

    private func write(_ level: Level, _ text: String, _ values: Fields) {
        let message = Log.bounded(text)
        let fields = values.map { (key: $0.key, value: Log.bounded($0.value)) }
        switch style {
        case .json: emit(jsonLine(level, message, fields))
        case .text:
            let tail = fields.map { " \($0.key)=\($0.value)" }.joined()
            emit("\(component): \(level == .info ? "" : "\(level): ")\(message)\(tail)")
        }
    }

    private func jsonLine(_ level: Level, _ message: String, _ fields: [(key: String, value: String)]) -> String {
        let time = Date.now.formatted(Log.timeStyle)
        var parts = [("time", time), ("level", "\(level)"), ("component", component), ("message", message)]
        parts += fields.map { ($0.key, $0.value) }
        return "{" + parts.map { "\(Log.quoted($0.0)):\(Log.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    /// What collects lines drops those that are too long, or keeps them for years.
    private static func bounded(_ text: String) -> String {
        guard text.utf8.count > 8192 else { return text }
        return String(decoding: text.utf8.prefix(8192), as: UTF8.self) + "… (cut, \(text.utf8.count) bytes)"
    }

    /// UTC, and says so: a time without a zone is read as local by whatever collects lines.
    private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// One write a line, so that lines of several processes do not mix.
    public static func toStandardError(_ line: String) {
        var bytes = Array(line.utf8)
        bytes.append(UInt8(ascii: "\n"))
        // A log nobody can read any more is no reason to stop billing.
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
