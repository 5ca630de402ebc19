internal import Catalogues
internal import Commands
internal import Dates
internal import Histories
internal import Scenarios

/// A scenario and where it was read.
struct ScenarioFile: Sendable {
    let name: String
    let scenario: Scenario

    /// Throws `UsageError` with every fault of every file. `until`: where all of them end, if not where each says.
    static func read(_ names: [String], until: String? = nil) throws(UsageError) -> [ScenarioFile] {
        var files: [ScenarioFile] = []
        var faults: [String] = []
        for name in names {
            do throws(UsageError) { files.append(try ScenarioFile(InputFile(named: name), until: until)) } catch {
                faults.append("\(error)")
            }
        }
        guard faults.isEmpty else { throw UsageError(faults.joined(separator: "\n")) }
        return files
    }

    /// Histories of seeds from `seed` on.
    static func random(_ seeds: Range<UInt64>) throws -> [ScenarioFile] {
        try seeds.map { seed in
            let name = "seed \(seed)"
            let text = Histories.scenario(seed: seed)
            return ScenarioFile(name: name, scenario: try Scenario.read(Array(text.utf8), name: name))
        }
    }

    private init(name: String, scenario: Scenario) {
        self.name = name
        self.scenario = scenario
    }

    private init(_ file: InputFile, until: String? = nil) throws(UsageError) {
        name = file.name
        let scenario: Scenario
        do throws(ScenarioFaults) { scenario = try Scenario.read(file.bytes, name: file.name) } catch {
            throw UsageError("\(error)")
        }
        self.scenario = try until.map { text throws(UsageError) in try scenario.ending(at: text) } ?? scenario
    }
}

extension Scenario {
    /// Reads a scenario by this host's time zones and the shipped catalogues.
    static func read(_ bytes: [UInt8], name: String) throws(ScenarioFaults) -> Scenario {
        let zones = HostTimeZones()
        return try read(
            bytes, name: name, zones: { try? zones.rules($0) }, shippedCatalogue: { Catalogues.file($0) })
    }

    fileprivate func ending(at until: String) throws(UsageError) -> Scenario {
        if let date = try? LocalDate(parsing: until) { return ending(at: zone.instant(of: date)) }
        guard let instant = try? Instant(parsing: until) else {
            throw UsageError("--until: '\(until)' is neither a date (2026-01-31) nor an instant (2026-01-31T09:00:00Z)")
        }
        return ending(at: instant)
    }
}
