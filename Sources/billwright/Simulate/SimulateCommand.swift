internal import Accounts
internal import Catalogues
internal import Commands
internal import Dates
internal import JSONText
internal import Runtime
internal import Scenarios

extension Commands.Command {
    static let simulate = Commands.Command(
        "simulate", "Plays scenario files on the real system with a virtual clock, and prints what came of them.",
        operands: ["FILE..."],
        settings: [
            Setting(switch: "--check", help: "compare with what the file expects; status 1 if anything differs"),
            Setting("--until", "TIME", help: "end then, a date or an instant, and not where the file says"),
            Setting("--workers", "N", default: "1", help: "worker processes' worth of workers; the result is the same"),
            Setting(switch: "--rules", help: "by the rules alone, without queue and database"),
        ],
        discussion: """
            A scenario file is JSON: a catalogue, customers, a timeline of operations, and what is expected
            (scenarios/FORMAT.md). Each runs on a database of its own on a private Postgres that ends with the program. The
            result is JSON on one line a file, and depends on the file alone.
            """,
        run: SimulateCommand.run)
}

private enum SimulateCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        guard !arguments.operands.isEmpty else { throw UsageError("'simulate' needs at least one scenario file") }
        let workers = try arguments.integer("--workers", in: 1...64)
        let files = try arguments.operands.map { name throws(UsageError) in try InputFile(named: name) }
        let scenarios = try files.map { file throws(UsageError) in try read(file, until: arguments.text("--until")) }
        let checks = arguments.isOn("--check")
        var failed = 0
        if arguments.isOn("--rules") {
            for (file, scenario) in zip(files, scenarios) {
                let replay = try Replay(playing: scenario)
                let result = try SimulationResult(replay.accounts, errors: replay.errors, until: scenario.until)
                if !tell(result, file, scenario, checks: checks) { failed += 1 }
            }
        } else {
            failed = try await play(files, scenarios, workers: workers, checks: checks)
        }
        if checks, files.count > 1 { Terminal.print("\(files.count - failed) as expected, \(failed) not") }
        return failed == 0 ? 0 : 1
    }

    private static func play(
        _ files: [InputFile], _ scenarios: [Scenario], workers: Int, checks: Bool
    ) async throws -> Int {
        let server = try await SimulationServer.start()
        var failed = 0
        do {
            for (place, (file, scenario)) in zip(files, scenarios).enumerated() {
                let result = try await simulate(scenario, named: "simulation_\(place)", on: server, workers: workers)
                if !tell(result, file, scenario, checks: checks) { failed += 1 }
            }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        return failed
    }

    private static func simulate(
        _ scenario: Scenario, named name: String, on server: borrowing SimulationServer, workers: Int
    ) async throws -> SimulationResult {
        let clock = VirtualClock(scenario.timeline.first?.at ?? scenario.until)
        let composition = try await server.database(name, clock: clock, workers: workers)
        let simulation = Simulation(
            scenario, composition: composition, clock: clock, gateway: SimulatedGateway())
        do {
            let result = try await simulation.run(workers: workers)
            await composition.close()
            try await server.drop(name)
            return result
        } catch {
            await composition.close()
            throw error
        }
    }

    /// Whether it is what the file expects, or nobody asked.
    private static func tell(
        _ result: SimulationResult, _ file: InputFile, _ scenario: Scenario, checks: Bool
    ) -> Bool {
        guard checks else {
            Terminal.print(result.json().text())
            return true
        }
        let differences = scenario.expect.map { Expectation.differences(expected: $0, result: result.json()) } ?? []
        if differences.isEmpty {
            Terminal.print("\(file.name): as expected")
        } else {
            for difference in differences { Terminal.print("\(file.name): \(difference)") }
        }
        return differences.isEmpty
    }

    private static func read(_ file: InputFile, until: String?) throws(UsageError) -> Scenario {
        let zones = HostTimeZones()
        let scenario: Scenario
        do throws(ScenarioFaults) {
            scenario = try Scenario.read(
                file.bytes, name: file.name, zones: { try? zones.rules($0) }, shippedCatalogue: { Catalogues.file($0) })
        } catch {
            throw UsageError("\(error)")
        }
        guard let until else { return scenario }
        if let date = try? LocalDate(parsing: until) { return scenario.ending(at: scenario.zone.instant(of: date)) }
        guard let instant = try? Instant(parsing: until) else {
            throw UsageError("--until: '\(until)' is neither a date (2026-01-31) nor an instant (2026-01-31T09:00:00Z)")
        }
        return scenario.ending(at: instant)
    }
}
