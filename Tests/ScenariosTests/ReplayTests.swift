import Dates
import FoundationEssentials
import JSONText
import Scenarios
import Testing

@Suite struct ReplayTests {
    @Test func `there are cases of our own`() { #expect(Case.own.count > 4) }

    @Test(arguments: Sample.files + Case.own)
    func `the rules alone bring about what a scenario expects`(file: String) throws {
        let scenario = try Case.read(try Sample.bytes(file), file)
        let expected = try #require(scenario.expect)
        for difference in Expectation.differences(expected: expected, result: try Case.result(scenario)) {
            Issue.record("\(file): \(difference)")
        }
    }

    /// Nothing depends on how often anybody looks: what is due is done at its instant, and what waits goes on waiting.
    @Test(arguments: Sample.files + Case.own)
    func `billing again every noon changes nothing`(file: String) throws {
        let scenario = try Case.read(try Sample.bytes(file), file)
        let again = try Case.read(try Case.billingEveryNoon(of: scenario, file), file)
        #expect(try Case.result(again).text() == Case.result(scenario).text())
    }
}

/// Scenarios that are not published: each clause of the format at numbers worked out by hand.
private enum Case {
    static let own: [String] = {
        let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/ScenarioCases"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.map { "Tests/ScenarioCases/\($0)" }.sorted()
    }()

    static func read(_ bytes: [UInt8], _ name: String) throws -> Scenario {
        try Scenario.read(bytes, name: name, zones: zone, shippedCatalogue: Sample.shipped)
    }

    static func result(_ scenario: Scenario) throws -> JSONValue {
        let replay = try Replay(playing: scenario)
        return try SimulationResult(replay.accounts, errors: replay.errors, until: scenario.until).json()
    }

    static func billingEveryNoon(of scenario: Scenario, _ file: String) throws -> [UInt8] {
        guard case .object(let members) = try RandomResult.value(JSONNode(parsing: Sample.bytes(file))) else {
            return []
        }
        var noons: [JSONValue] = []
        var date = scenario.zone.localDate(of: scenario.timeline.first?.at ?? scenario.until)
        while noons.count < 500 {
            let noon = scenario.zone.instant(of: date, hour: 12, minute: 1)
            guard noon < scenario.until else { break }
            noons.append(["at": .string("\(noon)"), "do": "bill", "date": .string("\(date)")])
            date = date.adding(days: 1)
        }
        let altered = members.map { member in
            guard member.key == "timeline", case .array(let operations) = member.value else { return member }
            return JSONValue.Member("timeline", .array(operations + noons))
        }
        return Array(JSONValue.object(altered).text().utf8)
    }

    private static func zone(_ name: String) -> TimeZoneRules? {
        if name == "UTC" { return .utc }
        guard let bytes = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)") else { return nil }
        return try? TimeZoneRules(id: name, version: "host", tzif: Array(bytes))
    }
}
