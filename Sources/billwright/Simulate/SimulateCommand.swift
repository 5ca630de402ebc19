internal import Commands
internal import Histories
internal import Runtime
internal import Scenarios

extension Commands.Command {
    static let simulate = Commands.Command(
        "simulate", "Plays scenario files on the real system with a virtual clock, and prints what came of them.",
        operands: ["FILE..."],
        settings: [
            Setting(switch: "--check", help: "compare with what the file expects; status 1 if anything differs"),
            Setting(switch: "--explain", help: "tell of each invoice line how its amount came to be"),
            Setting(switch: "--pretty", help: "JSON for people, over many lines"),
            Setting("--until", "TIME", help: "end then, a date or an instant, and not where the file says"),
            Setting("--workers", "N", default: "1", help: "worker processes' worth of workers; the result is the same"),
            Setting(switch: "--rules", help: "by the rules alone, without queue and database"),
            Setting("--random", "N", help: "in place of files, N random histories; each must be what the rules say"),
            Setting("--seed", "S", default: "1", help: "of the first random history; the next has the next"),
            Setting(switch: "--print", help: "print the random histories as scenario files, and play none"),
            Setting(
                "--database", "URL", variable: "DATABASE_URL",
                help: "make the databases on that server, and not on a private one that ends with the program"),
        ],
        discussion: """
            A scenario file is JSON: a catalogue, customers, a timeline of operations, and what is expected
            (scenarios/FORMAT.md). Each is played on a database of its own that is dropped afterwards, as many at a time
            as there are cores. The result is JSON on one line a file, in their order, and depends on the file alone.

            On a server of yours the login needs CREATEDB and membership of billwright_worker; where that role is not yet
            there also CREATEROLE, for the migrations make it.
            """,
        run: SimulateCommand.run)
}

private enum SimulateCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        if arguments.isOn("--print") {
            for seed in try seeds(arguments) { Terminal.print(Histories.scenario(seed: seed)) }
            return 0
        }
        let workers = try arguments.integer("--workers", in: 1...64)
        let files = try scenarios(arguments)
        let telling = Telling(arguments)
        let given = arguments.text("--database") == nil ? nil : try arguments.database(application: "simulate")
        let isByRules = arguments.isOn("--rules")
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let good = try await drain.unlessStopped {
            if isByRules {
                return try await play(files, telling) { try SimulationOutcome(byTheRulesOf: $0) }
            }
            return try await SimulationServer.lend(on: given) { server in
                try await play(files, telling) { try await server.play($0, workers: workers) }
            }
        }
        guard let good else {
            Terminal.complain("stopped before the end")
            return 1
        }
        if telling.judges, files.count > 1 {
            Terminal.print("\(good) as expected, \(files.count - good) not")
        }
        return good == files.count ? 0 : 1
    }

    /// Of the random histories that are asked for.
    private static func seeds(_ arguments: Arguments) throws -> Range<UInt64> {
        guard arguments.operands.isEmpty else { throw UsageError("--random takes no scenario file") }
        let first = UInt64(try arguments.integer("--seed", in: 0...Int(Int32.max)))
        return first..<first + UInt64(try arguments.integer("--random", in: 1...1_000_000))
    }

    private static func scenarios(_ arguments: Arguments) throws -> [ScenarioFile] {
        guard arguments.text("--random") == nil else {
            return try ScenarioFile.random(try seeds(arguments))
        }
        guard !arguments.operands.isEmpty else {
            throw UsageError("'simulate' needs at least one scenario file, or --random N")
        }
        return try ScenarioFile.read(arguments.operands, until: arguments.text("--until"))
    }

    /// Plays them all and tells of each. Returns how many came out well.
    private static func play(
        _ files: [ScenarioFile], _ telling: Telling,
        _ body: @escaping @Sendable (Scenario) async throws -> SimulationOutcome
    ) async throws -> Int {
        var good = 0
        try await inOrder(files.map(\.scenario), body) { place, result in
            if telling.tell(result, of: files[place]) { good += 1 }
        }
        return good
    }
}
