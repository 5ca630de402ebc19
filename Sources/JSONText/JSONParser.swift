/// Recursive descent over bytes; each step either moves forward or throws, so it ends on any input.
struct JSONParser {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONFault) -> JSONNode {
        let node = try value(path: "")
        skipSpace()
        guard index == bytes.count else { throw fault("text after the end of the value", path: "") }
        return node
    }

    private mutating func value(path: String) throws(JSONFault) -> JSONNode {
        skipSpace()
        let start = line
        let value: JSONNode.Value
        switch next {
        case UInt8(ascii: "{"): value = .object(try nested(path, JSONParser.object))
        case UInt8(ascii: "["): value = .array(try nested(path, JSONParser.array))
        case UInt8(ascii: "\""): value = .string(try string(path: path))
        case UInt8(ascii: "t"): value = try literal("true", .bool(true), path: path)
        case UInt8(ascii: "f"): value = try literal("false", .bool(false), path: path)
        case UInt8(ascii: "n"): value = try literal("null", .null, path: path)
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: value = .number(try number(path: path))
        case nil: throw fault("the text ends where a value should stand", path: path)
        default: throw fault("a value should stand here", path: path)
        }
        return JSONNode(value: value, line: start, path: path)
    }

    private mutating func nested<Content>(
        _ path: String, _ body: (inout JSONParser, String) throws(JSONFault) -> Content
    ) throws(JSONFault) -> Content {
        guard depth < JSONNode.depthLimit else {
            throw fault("nested deeper than \(JSONNode.depthLimit)", path: path)
        }
        depth += 1
        defer { depth -= 1 }
        index += 1
        return try body(&self, path)
    }

    private static func object(_ parser: inout JSONParser, path: String) throws(JSONFault) -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        var seen: Set<String> = []
        parser.skipSpace()
        if parser.skip("}") { return members }
        repeat {
            parser.skipSpace()
            guard parser.next == UInt8(ascii: "\"") else { throw parser.fault("a key should stand here", path: path) }
            let key = try parser.string(path: path)
            guard seen.insert(key).inserted else { throw parser.fault("key \"\(key)\" stands twice", path: path) }
            parser.skipSpace()
            guard parser.skip(":") else { throw parser.fault("\":\" is missing after \"\(key)\"", path: path) }
            let value = try parser.value(path: path.isEmpty ? key : "\(path).\(key)")
            members.append(JSONNode.Member(key: key, value: value))
            parser.skipSpace()
        } while parser.skip(",")
        guard parser.skip("}") else { throw parser.fault("\",\" or \"}\" is missing", path: path) }
        return members
    }

    private static func array(_ parser: inout JSONParser, path: String) throws(JSONFault) -> [JSONNode] {
        var elements: [JSONNode] = []
        parser.skipSpace()
        if parser.skip("]") { return elements }
        repeat {
            elements.append(try parser.value(path: "\(path)[\(elements.count)]"))
            parser.skipSpace()
        } while parser.skip(",")
        guard parser.skip("]") else { throw parser.fault("\",\" or \"]\" is missing", path: path) }
        return elements
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONNode.Value, path: String
    ) throws(JSONFault) -> JSONNode.Value {
        let expected = Array("\(text)".utf8)
        guard bytes[index...].starts(with: expected) else { throw fault("a value should stand here", path: path) }
        index += expected.count
        return value
    }

    private mutating func number(path: String) throws(JSONFault) -> String {
        let start = index
        _ = skip("-")
        let isZero = next == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !isZero) else { throw fault("not a number", path: path) }
        if skip(".") {
            guard digits() > 0 else { throw fault("digits are missing after the point", path: path) }
        }
        if skip("e") || skip("E") {
            if !skip("+") { _ = skip("-") }
            guard digits() > 0 else { throw fault("digits are missing in the exponent", path: path) }
        }
        return bytes[start..<index].reduce(into: "") { $0.unicodeScalars.append(Unicode.Scalar($1)) }
    }

    private mutating func digits() -> Int {
        let start = index
        while let next, next >= 0x30, next <= 0x39 { index += 1 }
        return index - start
    }

    private mutating func string(path: String) throws(JSONFault) -> String {
        index += 1
        var content: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw fault("string is not UTF-8", path: path)
                }
                return text
            case UInt8(ascii: "\\"):
                content.append(contentsOf: String(try escaped(path: path)).utf8)
            case 0..<0x20:
                throw fault("control character in a string", path: path)
            default:
                content.append(byte)
            }
        }
        throw fault("string without end", path: path)
    }

    private mutating func escaped(path: String) throws(JSONFault) -> Unicode.Scalar {
        guard let byte = next else { throw fault("string without end", path: path) }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(path: path)
        default: throw fault("unknown escape in a string", path: path)
        }
    }

    /// After `\u`; a surrogate must have its other half.
    private mutating func unicodeEscape(path: String) throws(JSONFault) -> Unicode.Scalar {
        let unit = try hexUnit(path: path)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, skip("\\"), skip("u") else { throw fault("half of a surrogate pair", path: path) }
        let low = try hexUnit(path: path)
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw fault("half of a surrogate pair", path: path) }
        return scalar
    }

    private mutating func hexUnit(path: String) throws(JSONFault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let next, let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
                throw fault("\\u needs four hexadecimal digits", path: path)
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == character.value else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let next, next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 {
            if next == 0x0A { line += 1 }
            index += 1
        }
    }

    private func fault(_ message: String, path: String) -> JSONFault {
        JSONFault(path: path, line: line, message: message)
    }
}
