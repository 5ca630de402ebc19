import Chance
import JSONText
import Testing

@Suite struct JSONReaderTests {
    private func parse(_ text: String) throws -> JSONNode { try JSONNode(parsing: Array(text.utf8)) }

    @Test func `values know their line and path`() throws {
        let root = try parse("{\n \"plans\": [\n  {\"code\": \"a\"},\n  {\"code\":\n 7}]}")
        let plans = try root.required("plans").array()
        #expect((plans[1].line, plans[1].path) == (4, "plans[1]"))
        let code = try plans[1].required("code")
        #expect((code.line, code.path) == (5, "plans[1].code"))
        #expect(throws: JSONFault(path: "plans[1].code", line: 5, message: "must be a string, not 7")) {
            try code.string()
        }
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "01", "-", "1.", ".5", "1e", "+1", "tru",
        "nulll",
        "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a", "\"\t\"", "1 2", "NaN",
        "[1}", "/* */ 1", "\u{FEFF}1", "'a'",
    ])
    func `what is not JSON is refused`(text: String) {
        #expect(throws: JSONFault.self) { try parse(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONFault.self) { try JSONNode(parsing: [0x22, 0xC3, 0x28, 0x22]) }
        #expect(throws: JSONFault.self) { try JSONNode(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func `a key that stands twice is a fault on its line, however it is escaped`() {
        #expect(throws: JSONFault(path: "x", line: 2, message: "key \"a\" stands twice")) {
            try parse("{\"x\": {\"a\": 1,\n \"\\u0061\": 2}}")
        }
    }

    @Test func `strings are unescaped, surrogate pairs joined`() throws {
        let text = try parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#).string()
        #expect(text == "\"\\/\u{08}\u{0C}\n\r\té😀é")
    }

    @Test func `depth and size have limits`() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try parse(nested(64))
        #expect(throws: JSONFault.self) { try parse(nested(65)) }
        #expect(throws: JSONFault.self) { try JSONNode(parsing: Array("[1, 2]".utf8), limit: 5) }
    }

    @Test func `numbers stay as written and must be whole to be integers`() throws {
        #expect(try parse("-9223372036854775808").integer() == .min)
        #expect(try parse("31").integer(in: 1...31) == 31)
        for text in ["9223372036854775808", "1.0", "1e3", "\"1\"", "32"] {
            #expect(throws: JSONFault.self) { try parse(text).integer(in: 1...31) }
        }
        #expect(try parse("\"29.95\"").decimalString() == "29.95")
        for text in ["29.95", "\"1e3\"", "\"\"", "\"1.\"", "\"1,5\"", "\"1.2.3\"", "null"] {
            #expect(throws: JSONFault.self) { try parse(text).decimalString() }
        }
        #expect(try parse("990").quantityString() == "990")
        #expect(try parse("\"0.5\"").quantityString() == "0.5")
        #expect(throws: JSONFault.self) { try parse("0.5").quantityString() }
    }

    @Test func `keys are required, optional or unknown by name`() throws {
        let root = try parse("{\"code\": \"a\",\n\"colour\": 1, \"none\": null}")
        #expect(throws: JSONFault(path: "", line: 1, message: "\"name\" is missing")) { try root.required("name") }
        #expect(try root.optional("name") == nil)
        #expect(try root.optional("none")?.value == .null)
        #expect(
            try root.unknownKeys(allowing: ["code"]).map(\.description) == [
                "line 2: colour: unknown key \"colour\"", "line 2: none: unknown key \"none\"",
            ])
        #expect(throws: JSONFault.self) { try root.allowing(keys: ["code"]) }
        try root.allowing(keys: ["code", "colour", "none"])
    }

    @Test func `faults are collected when the caller wants all of them`() throws {
        let root = try parse("[1, \"b\", true]")
        var faults = JSONFaultList()
        for node in try root.array() { _ = faults.collect { () throws(JSONFault) in try node.string() } }
        #expect(faults.faults.map(\.path) == ["[0]", "[2]"])
    }

    @Test(arguments: SeededGenerator.seeds)
    func `no bytes make the reader trap`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d83d", "1", "-", ".", "e", "true", "null", "\n", " ",
        ]
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                if Bool.random(using: &random) {
                    bytes.append(.random(in: 0...255, using: &random))
                } else {
                    bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
                }
            }
            _ = try? JSONNode(parsing: bytes)
        }
    }
}

@Suite struct JSONWriterTests {
    @Test func `text is compact, escaped, and sorted when asked`() {
        let value: JSONValue = ["b": [1, -2, true, .null], "a": "q\"\\\n\u{01}é"]
        #expect(value.text() == #"{"b":[1,-2,true,null],"a":"q\"\\\n\u0001é"}"#)
        #expect(value.text(sortingKeys: true) == #"{"a":"q\"\\\n\u0001é","b":[1,-2,true,null]}"#)
    }

    @Test(arguments: SeededGenerator.seeds)
    func `what is written reads back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let value = Self.any(depth: 4, &random)
            let node = try JSONNode(parsing: Array(value.text().utf8))
            #expect(Self.plain(node) == value)
        }
    }

    private static func any(depth: Int, _ random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0...(depth == 0 ? 3 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(.random(in: .min ... .max, using: &random))
        case 3: return .string(text(&random))
        case 4: return .array((0..<3).map { _ in any(depth: depth - 1, &random) })
        default: return .object((0..<3).map { .init("\($0)" + text(&random), any(depth: depth - 1, &random)) })
        }
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func plain(_ node: JSONNode) -> JSONValue {
        switch node.value {
        case .null: .null
        case .bool(let bool): .bool(bool)
        case .number(let text): Int64(text).map(JSONValue.integer) ?? .null
        case .string(let string): .string(string)
        case .array(let elements): .array(elements.map(plain))
        case .object(let members): .object(members.map { .init($0.key, plain($0.value)) })
        }
    }
}
