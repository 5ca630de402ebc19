import Dates
import FoundationEssentials
import JSONText
import Scenarios
import Testing

/// Scenario files of the tests and of the project.
enum Sample {
    /// New York without its history, and a zone that is always two hours east.
    static func zone(_ name: String) -> TimeZoneRules? {
        switch name {
        case "America/New_York": TimeZoneRules(id: name, version: "test", initialOffset: -5 * 3600)
        case "Africa/Maputo": TimeZoneRules(id: name, version: "test", initialOffset: 2 * 3600)
        default: nil
        }
    }

    /// `yen` is priced in yen; `broken` has two faults.
    static func shipped(_ name: String) -> [UInt8]? {
        switch name {
        case "yen":
            Array(
                #"{"currency": "JPY", "plans": [{"code": "p", "interval": "month", "prices": [{"code": "base", "model": "flat", "amount": "500"}]}]}"#
                    .utf8)
        case "broken": Array("{\n\"plans\": 7,\n\"colour\": 1}".utf8)
        default: nil
        }
    }

    static func read(_ text: String) throws(ScenarioFaults) -> Scenario {
        try Scenario.read(Array(text.utf8), name: "test.json", zones: zone, shippedCatalogue: shipped)
    }

    /// What is wrong with a file, a line each.
    static func faults(_ text: String) -> [String] {
        do throws(ScenarioFaults) {
            _ = try read(text)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    /// A file with these operations, one a line from line 9 on.
    static func file(_ operations: String...) -> String {
        """
        {"scenario": "A test.",
         "settings": {"time_zone": "Africa/Maputo"},
         "catalog": {"plans": [{"code": "p", "interval": "month", "prices": [
            {"code": "base", "model": "flat", "amount": "10.00"}, {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "2.00"},
            {"code": "tiered", "model": "volume", "metric": "calls", "tiers": [{"up_to": null, "unit_amount": "1.00"}]}]}],
          "metrics": [{"code": "calls", "aggregation": "sum"}]},
         "customers": [{"id": "acme"}, {"id": "york", "time_zone": "America/New_York", "currency": "JPY"}],
         "timeline": [
        \(operations.joined(separator: ",\n"))]}
        """
    }

    /// The one operation of a file, in the middle of others.
    static func operation(_ text: String) throws -> TimedOperation {
        let scenario = try read(
            file(#"{"at": "2026-01-01", "do": "subscribe", "id": "s1", "customer": "acme", "plan": "p"}"#, text))
        return try #require(scenario.timeline.first { $0.index == 1 })
    }

    /// The scenario files of the project, by path from its root.
    static let files: [String] = {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/scenarios")) ?? []
        return names.filter { $0.hasSuffix(".json") }.map { "scenarios/\($0)" }.sorted()
    }()

    static func bytes(_ file: String) throws -> [UInt8] {
        Array(try #require(FileManager.default.contents(atPath: "\(root)/\(file)")))
    }

    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
}
