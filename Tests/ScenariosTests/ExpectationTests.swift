import Chance
import JSONText
import Scenarios
import Testing

@Suite struct ExpectationTests {
    private func differences(_ expected: String, _ got: String) throws -> [String] {
        let result = try RandomResult.value(JSONNode(parsing: Array(got.utf8)))
        return Expectation.differences(expected: try JSONNode(parsing: Array(expected.utf8)), result: result)
            .map(\.description)
    }

    @Test(arguments: [
        (#"{}"#, #"{"a": 1}"#), (#"{"a": 1}"#, #"{"b": 2, "a": 1}"#), (#"{"a": null}"#, #"{"b": 2}"#),
        (#"{"a": null}"#, #"{"a": null}"#), (#"[]"#, "[]"), (#"[{"a": 1}, {}]"#, #"[{"a": 1, "b": 2}, {"c": 3}]"#),
        (#"{"any": [{"a": 3}, {"a": 1}]}"#, #"[{"a": 1}, {"a": 2}, {"a": 3}]"#), (#"{"any": []}"#, "[]"),
        (#"{"any": 1}"#, #"{"any": 1}"#), (#"["a", true, -5, null]"#, #"["a", true, -5, null]"#),
    ])
    func `what is as expected has no differences`(expected: String, got: String) throws {
        #expect(try differences(expected, got) == [])
    }

    @Test(
        arguments: [
            ("1", "2", ["result: expected 1, got 2"]), ("\"1\"", "1", [#"result: expected "1", got 1"#]),
            ("1.0", "1", ["result: expected 1.0, got 1"]), ("1e0", "1", ["result: expected 1e0, got 1"]),
            ("true", "1", ["result: expected true, got 1"]), ("null", "0", ["result: expected null, got 0"]),
            (#""a b""#, #""a  b""#, [#"result: expected "a b", got "a  b""#]),
            (
                #"{"a": {"b": 1, "c": 2}}"#, #"{"a": {"b": 2}}"#,
                ["a.b: expected 1, got 2", "a.c: expected 2, got nothing"]
            ),
            (#"{"a": []}"#, #"{"a": {}}"#, ["a: expected [], got {}"]),
            (#"{"a": {}}"#, #"{"a": []}"#, ["a: expected {}, got []"]),
            (#"{"a": []}"#, #"{}"#, ["a: expected [], got nothing"]),
            (
                #"[{"n": 1, "t": 5}, {"n": 2, "t": 5}, {"n": 3, "t": 5}]"#, #"[{"n": 1, "t": 5}, {"n": 3, "t": 5}]"#,
                [#"[1]: expected {"n":2,"t":5}, got nothing"#]
            ),
            (
                #"[{"n": 1, "t": 5}, {"n": 3, "t": 5}]"#, #"[{"n": 1, "t": 5}, {"n": 2, "t": 5}, {"n": 3, "t": 5}]"#,
                [#"[1]: expected nothing, got {"n":2,"t":5}"#]
            ),
            (#"[]"#, "[1, 2]", ["[0]: expected nothing, got 1", "[1]: expected nothing, got 2"]),
            (#"[1, 2]"#, "[]", ["[0]: expected 1, got nothing", "[1]: expected 2, got nothing"]),
            (
                // Out of order: one of the two is where it should not be.
                #"[{"n": 1, "t": 5}, {"n": 2, "t": 6}]"#, #"[{"n": 2, "t": 6}, {"n": 1, "t": 5}]"#,
                [#"[0]: expected {"n":1,"t":5}, got nothing"#, #"[1]: expected nothing, got {"n":1,"t":5}"#]
            ),
            (
                #"{"l": [{"x": [1, 2]}, {"x": [3]}]}"#, #"{"l": [{"x": [1, 2]}, {"x": [4]}]}"#,
                ["l[1].x[0]: expected 3, got 4"]
            ),
            (
                #"{"any": [{"a": 1, "b": 1}, {"a": 9, "b": 2}, {"a": 2}]}"#, #"[{"a": 1, "b": 2}, {"a": 2, "b": 2}]"#,
                [
                    #"result: expected {"a":1,"b":1}, got nothing such; nearest {"a":1,"b":2}"#,
                    #"result: expected {"a":9,"b":2}, got nothing such; nearest {"a":1,"b":2}"#,
                ]
            ),
            (#"{"any": [{"a": 1}]}"#, #"[]"#, [#"result: expected {"a":1}, got nothing"#]),
        ] as [(String, String, [String])])
    func `a difference says where, what was expected and what came`(
        expected: String, got: String, said: [String]
    ) throws {
        #expect(try differences(expected, got) == said.map { "line 1: \($0)" })
    }

    @Test func `a difference has the line of the expectation, a surplus element that of its list`() throws {
        let said = try differences("{\n\"a\":\n[{\"b\":\n1}],\n\"c\": 2}", #"{"a": [{"b": 2}, {"b": 3}], "c": 3}"#)
        #expect(
            said == [
                "line 4: a[0].b: expected 1, got 2", #"line 3: a[1]: expected nothing, got {"b":3}"#,
                "line 5: c: expected 2, got 3",
            ])
    }

    @Test func `what would fill a screen is cut`() throws {
        let said = try differences("[]", "[\"\(String(repeating: "x", count: 1000))\"]")
        #expect(said == ["line 1: [0]: expected nothing, got \"\(String(repeating: "x", count: 299))…"])
    }

    @Test func `lists too long to compare each with each are compared by their places`() throws {
        let expected = "[\((0..<300).map { "\($0)" }.joined(separator: ","))]"
        let got = "[\((1...301).map { "\($0)" }.joined(separator: ","))]"
        let said = try differences(expected, got)
        #expect(said.count == 301)
        #expect(said.last == "line 1: [300]: expected nothing, got 301")
    }

    @Test(arguments: SeededGenerator.seeds)
    func `a result is as itself, and each single thing altered or left out is found`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let result = RandomResult.simulation(using: &random).json()
        let expected = try JSONNode(parsing: Array(result.text().utf8))
        #expect(Expectation.differences(expected: expected, result: result).isEmpty)
        let places = result.places()
        try #require(places.count > 50)
        for place in places {
            let altered = try #require(result.replacing(place[...]) { Self.altered($0) })
            #expect(
                Expectation.differences(expected: expected, result: altered).count == 1, "altered at \(place)")
            let removed = try #require(result.replacing(place[...]) { _ in nil })
            #expect(
                Expectation.differences(expected: expected, result: removed).count == 1, "removed at \(place)")
        }
    }

    private static func altered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .integer(let number): .integer(number + 1)
        case .string(let text): .string(text + "x")
        case .bool(let bool): .bool(!bool)
        case .null, .array, .object: .integer(7)
        }
    }
}
