/// A JSON value that knows where it stood, so whoever finds it wrong can name path and line.
///
/// The reader takes RFC 8259 and nothing beside it; a key that occurs twice in an object is an error.
public struct JSONNode: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        /// As written; no floating-point value is ever made of it.
        case number(String)
        case string(String)
        case array([JSONNode])
        /// In the order of the text, each key once.
        case object([Member])
    }

    public struct Member: Hashable, Sendable {
        public let key: String
        public let value: JSONNode
    }

    public let value: Value
    /// Counted from 1.
    public let line: Int
    /// From the root, as `plans[0].prices[2].amount`; empty for the root itself.
    public let path: String

    /// Throws the first fault of the text: no JSON, a key twice, deeper than 64, longer than `limit` bytes.
    public init(parsing bytes: [UInt8], limit: Int = JSONNode.sizeLimit) throws(JSONFault) {
        guard bytes.count <= limit else {
            throw JSONFault(path: "", line: 1, message: "text of \(bytes.count) bytes is longer than \(limit)")
        }
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }

    init(value: Value, line: Int, path: String) {
        self.value = value
        self.line = line
        self.path = path
    }

    /// 16 MiB: a catalogue of many thousand plans, and far less memory than a worker has.
    public static let sizeLimit = 16 << 20
    /// Deeper nesting is an attack on the stack, not a catalogue.
    public static let depthLimit = 64

    /// A fault of this value, to be thrown by who found it.
    public func fault(_ message: String) -> JSONFault { JSONFault(path: path, line: line, message: message) }
}

/// What is wrong with a JSON text, and where.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    /// Counted from 1.
    public let line: Int
    public let message: String

    public init(path: String, line: Int, message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    /// `line 12: plans[0].code: must be a string`.
    public var description: String { "line \(line): \(path.isEmpty ? "" : path + ": ")\(message)" }
}

extension JSONNode {
    /// The value of a key that must be there.
    public func required(_ key: String) throws(JSONFault) -> JSONNode {
        guard let node = try optional(key) else { throw fault("\"\(key)\" is missing") }
        return node
    }

    /// The value of a key, or `nil` if there is none. `null` is a value.
    public func optional(_ key: String) throws(JSONFault) -> JSONNode? {
        try members().first { $0.key == key }?.value
    }

    public func string() throws(JSONFault) -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        return text
    }

    public func bool() throws(JSONFault) -> Bool {
        guard case .bool(let bool) = value else { throw mismatch("true or false") }
        return bool
    }

    /// A whole number, written without point or exponent, in `range`.
    public func integer(in range: ClosedRange<Int64> = .min ... .max) throws(JSONFault) -> Int64 {
        guard case .number(let text) = value, let number = Int64(text) else { throw mismatch("a whole number") }
        guard range.contains(number) else {
            throw fault("\(number) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// The text of a decimal number that stands in quotes, as money does: `"29.95"`. Its grammar is the reader's.
    public func decimalString() throws(JSONFault) -> String {
        guard case .string(let text) = value, text.isDecimal else { throw mismatch("a decimal number in quotes") }
        return text
    }

    /// The text of a quantity: a whole number, or a decimal number in quotes.
    public func quantityString() throws(JSONFault) -> String {
        switch value {
        case .number(let text) where text.isDecimal && !text.contains("."): return text
        case .string(let text) where text.isDecimal: return text
        default: throw mismatch("a whole number or a decimal number in quotes")
        }
    }

    public func array() throws(JSONFault) -> [JSONNode] {
        guard case .array(let elements) = value else { throw mismatch("a list") }
        return elements
    }

    public func members() throws(JSONFault) -> [Member] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        return members
    }

    /// A fault for each key that is none of `keys`, on its own line.
    public func unknownKeys(allowing keys: Set<String>) throws(JSONFault) -> [JSONFault] {
        try members().filter { !keys.contains($0.key) }.map { $0.value.fault("unknown key \"\($0.key)\"") }
    }

    /// Throws the first of `unknownKeys(allowing:)`.
    public func allowing(keys: Set<String>) throws(JSONFault) {
        if let fault = try unknownKeys(allowing: keys).first { throw fault }
    }

    private func mismatch(_ expected: String) -> JSONFault {
        let found =
            switch value {
            case .null: "null"
            case .bool(let bool): "\(bool)"
            case .number(let text): text
            case .string(let text): "\"\(text.prefix(40))\""
            case .array: "a list"
            case .object: "an object"
            }
        return fault("must be \(expected), not \(found)")
    }
}

extension String {
    /// `[-]digits[.digits]`.
    fileprivate var isDecimal: Bool {
        let parts = utf8.dropFirst(utf8.first == UInt8(ascii: "-") ? 1 : 0)
            .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    }
}

extension JSONNode {
    /// The value as compact text; numbers stay as they were written.
    public var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .number(let number): text += number
        case .string(let string): JSONValue.write(string, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                JSONValue.write(member.key, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }
}
