import Chance
import JSONText
import Scenarios
import Testing

@Suite struct ScenarioFilesTests {
    @Test func `the project has the published scenarios`() { #expect(Sample.files.count >= 66) }

    @Test(arguments: Sample.files)
    func `every scenario of the project can be read`(file: String) throws {
        do {
            let scenario = try Scenario.read(
                Sample.bytes(file), name: file, zones: Sample.zone, shippedCatalogue: Sample.shipped)
            #expect(scenario.expect != nil)
            #expect(!scenario.timeline.isEmpty)
            #expect(scenario.timeline.allSatisfy { $0.at <= scenario.until })
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: Sample.files)
    func `no object of a file takes a key that it does not know`(file: String) throws {
        let root = try RandomResult.value(JSONNode(parsing: Sample.bytes(file)))
        for place in root.objects() {
            let altered = root.replacing(place[...]) { object in
                guard case .object(let members) = object else { return object }
                return .object(members + [JSONValue.Member("zzz", ["zzz": 1])])
            }
            #expect(!Sample.faults(try #require(altered).text()).isEmpty, "at \(place)")
        }
    }

    @Test(arguments: Sample.files)
    func `no value of a file may be an object instead`(file: String) throws {
        let root = try RandomResult.value(JSONNode(parsing: Sample.bytes(file)))
        for place in root.places() {
            let altered = try #require(root.replacing(place[...]) { _ in ["zzz": 1] })
            #expect(!Sample.faults(altered.text()).isEmpty, "at \(place)")
        }
    }

    /// What a fault leaves behind must not stop the reader, whatever it is.
    @Test(arguments: SeededGenerator.seeds)
    func `a file with something wrong in it is read or refused with its line`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let odd: [JSONValue] = [
            .null, true, 0, -1, 99_999_999_999, "", "x", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00-23:59",
            "-5.00",
            "99999999999999999999", [], [1], [[]], ["2026-01-01", "2026-01-01"],
        ]
        for file in Sample.files {
            let root = try RandomResult.value(JSONNode(parsing: Sample.bytes(file)))
            let place = try #require(root.places().randomElement(using: &random))
            let value = Int.random(in: 0...odd.count, using: &random)
            let altered = try #require(root.replacing(place[...]) { _ in value == odd.count ? nil : odd[value] })
            for fault in Sample.faults(altered.text()) { #expect(fault.hasPrefix("line 1: ")) }
        }
    }
}
