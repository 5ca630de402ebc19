import Dates
import FoundationEssentials
import Histories
import Testing

@Suite struct HistoriesTests {
    /// A few of the histories that are tried when the rules change; `billwright simulate --random` tries more.
    @Test(arguments: Array<UInt64>(1...40))
    func `a random history keeps every promise`(seed: UInt64) {
        if let finding = Histories.check(seed: seed, zones: Kept.zone) { Issue.record("\(finding)") }
    }

    @Test(arguments: Kept.files)
    func `a history that once broke a promise keeps it`(file: String) throws {
        if let violation = try Histories.violation(of: Kept.text(file), zones: Kept.zone) {
            Issue.record("\(file): \(violation)")
        }
    }

    @Test func `a seed is a history`() {
        #expect(Histories.scenario(seed: 7) == Histories.scenario(seed: 7))
        #expect(Histories.scenario(seed: 7) != Histories.scenario(seed: 8))
    }

    /// If what is looked for could not be found, all of the above would be worth nothing: without its zones no history
    /// can be read, and what is left of it after shrinking is no more than it takes to say so.
    @Test func `what fails is found and made small`() throws {
        let finding = try #require(Histories.check(seed: 7) { _ in nil })
        #expect(finding.violation.promise == "a random history can be read")
        #expect(finding.scenario.count < 300)
    }
}

/// Histories that were shrunk when they failed, each the smallest that did.
enum Kept {
    static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/HistoryCases"

    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }()

    static func text(_ file: String) throws -> String {
        String(decoding: try #require(FileManager.default.contents(atPath: "\(folder)/\(file)")), as: UTF8.self)
    }

    static func zone(_ name: String) -> TimeZoneRules? {
        if name == "UTC" { return .utc }
        guard let bytes = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)") else { return nil }
        return try? TimeZoneRules(id: name, version: "host", tzif: Array(bytes))
    }
}
