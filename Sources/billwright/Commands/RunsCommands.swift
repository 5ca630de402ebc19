internal import Commands
internal import Dates
internal import JSONText
internal import JobKit
internal import Money
internal import Postgres
internal import Processes
internal import QueueStore

extension Commands.Command {
    static let runsList = Commands.Command(
        "runs list", "Lists runs, newest first, with how far each has come.",
        settings: [
            .database, Setting("--before", "ID", help: "only runs with a smaller id: the next page"),
            Setting("--limit", "N", default: "20", help: "at most this many, up to 100"), .json,
        ],
        run: RunsCommands.list)
    static let runsShow = Commands.Command(
        "runs show", "Shows one run: its jobs by state, its money by currency, its follow-up.", operands: ["RUN"],
        settings: [.database, .json],
        discussion: """
            RUN is a run's name or its id. What failed in it: 'billwright jobs list --run ID --state discarded'.
            """,
        run: RunsCommands.show)
    static let runsStop = Commands.Command(
        "runs stop", "Stops claims of a run's jobs until it is resumed. What runs goes on.", operands: ["RUN"],
        settings: [.database, reason, .json]
    ) { arguments in try await RunsCommands.change("stop", arguments) }
    static let runsResume = Commands.Command(
        "runs resume", "Lets a stopped run go on, at once.", operands: ["RUN"], settings: [.database, reason, .json]
    ) { arguments in try await RunsCommands.change("resume", arguments) }

    private static let reason = Setting("--reason", "TEXT", help: "why; kept with the act")
}

enum RunsCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let limit = try arguments.integer("--limit", in: 1...100)
        let before = arguments.text("--before") == nil ? nil : Int64(try arguments.integer("--before", in: 1...Int.max))
        let found = try await reading(arguments) { runs, _ in
            var found: [(QueueRuns.Run, QueueRuns.Progress)] = []
            for run in try await runs.list(before: before, limit: limit) {
                found.append((run, try await runs.progress(of: run.id)))
            }
            return found
        }
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(found.map { json($0, $1) }).text())
            return 0
        }
        for (run, progress) in found { Terminal.print(line(run, progress)) }
        if found.isEmpty { Terminal.print("no runs") }
        if found.count == limit, let last = found.last { Terminal.print("more: --before \(last.0.id)") }
        return 0
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let name = try name("show", arguments)
        let found = try await reading(arguments) { runs, _ -> (QueueRuns.Run, QueueRuns.Progress)? in
            guard let run = try await runs.find(name) else { return nil }
            return (run, try await runs.progress(of: run.id))
        }
        guard let (run, progress) = found else { return unknown(name) }
        if arguments.isOn("--json") {
            Terminal.print(json(run, progress).text())
            return 0
        }
        Terminal.print(line(run, progress))
        for (state, jobs) in progress.jobs.sorted(by: { $0.key < $1.key }) { Terminal.print("  \(state) \(jobs)") }
        for amount in progress.money {
            Terminal.print("  \(amount.state.rawValue) \(text(amount)) in \(amount.effects) effects")
        }
        if let stop = run.stop { Terminal.print("stopped by \(stop.person) at \(stop.at): \(stop.reason)") }
        if let job = run.followUp { Terminal.print("followed by job \(job)") }
        return 0
    }

    static func change(_ verb: String, _ arguments: Arguments) async throws -> Int32 {
        let name = try name(verb, arguments)
        let reason = try arguments.required("--reason")
        let person = SystemUser.current.name
        let (run, isChanged) = try await reading(arguments) { runs, now -> (QueueRuns.Run?, Bool) in
            guard let run = try await runs.find(name), run.state != .ended else {
                return (try await runs.find(name), false)
            }
            return (
                run,
                verb == "stop"
                    ? try await runs.stop(run.id, by: person, because: reason, now: now)
                    : try await runs.resume(run.id, by: person, because: reason, now: now)
            )
        }
        guard let run else { return unknown(name) }
        guard isChanged else {
            let standing = run.state == .ended ? "has ended" : verb == "stop" ? "is stopped already" : "is not stopped"
            Terminal.complain("run \(run.id) \(standing)")
            return 1
        }
        let members: [JSONValue.Member] = [
            .init("run", .integer(run.id.number)), .init("name", .string(run.name)), .init("act", .string(verb)),
        ]
        let done = verb == "stop" ? "stopped" : "resumed"
        Terminal.print(
            arguments.isOn("--json") ? JSONValue.object(members).text() : "\(done) run \(run.id) (\(run.name))")
        return 0
    }

    private static func name(_ verb: String, _ arguments: Arguments) throws(UsageError) -> String {
        guard let name = arguments.operands.first else { throw UsageError("'runs \(verb)' needs a run's name or id") }
        return name
    }

    private static func unknown(_ name: String) -> Int32 {
        Terminal.complain("there is no run '\(name)'; 'billwright runs list' tells which there are")
        return 1
    }

    static func line(_ run: QueueRuns.Run, _ progress: QueueRuns.Progress) -> String {
        let money = Dictionary(grouping: progress.money.filter { $0.state == .confirmed }, by: \.currency)
            .sorted { $0.key < $1.key }.map { "  \(text($0.value[0]))" }.joined()
        return "run \(run.id)  \(run.name)  \(run.state.rawValue)  \(progress.done) of \(progress.total) done, "
            + "\(progress.failed) failed, \(progress.held) held\(money)"
    }

    /// A currency this program does not know is told in minor units.
    private static func text(_ amount: QueueRuns.Amount) -> String {
        guard let currency = try? Currency(code: amount.currency) else {
            return "\(amount.minorUnits) minor units of \(amount.currency)"
        }
        return "\(Money(minorUnits: amount.minorUnits, currency))"
    }

    static func json(_ run: QueueRuns.Run, _ progress: QueueRuns.Progress) -> JSONValue {
        func time(_ instant: Instant?) -> JSONValue { instant.map { .string("\($0)") } ?? .null }
        func count(_ number: Int) -> JSONValue { .integer(Int64(number)) }
        return .object([
            .init("run", .integer(run.id.number)), .init("name", .string(run.name)),
            .init("tenant", run.tenant.map { .integer($0) } ?? .null), .init("state", .string(run.state.rawValue)),
            .init("opened_at", time(run.openedAt)), .init("sealed_at", time(run.sealedAt)),
            .init("ended_at", time(run.endedAt)), .init("total", count(progress.total)),
            .init("done", count(progress.done)), .init("failed", count(progress.failed)),
            .init("cancelled", count(progress.cancelled)), .init("held", count(progress.held)),
            .init(
                "jobs", .object(progress.jobs.sorted { $0.key < $1.key }.map { .init($0.key, count($0.value)) })),
            .init(
                "money",
                .array(
                    progress.money.map { amount in
                        .object([
                            .init("currency", .string(amount.currency)), .init("state", .string(amount.state.rawValue)),
                            .init("minor_units", .integer(amount.minorUnits)), .init("effects", count(amount.effects)),
                        ])
                    })),
            .init("follow_up", run.followUp.map { .integer($0.number) } ?? .null),
            .init("stopped_because", run.stop.map { .string($0.reason) } ?? .null),
        ])
    }

    private static func reading<Value: Sendable>(
        _ arguments: Arguments, _ body: (QueueRuns, Instant) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try arguments.database(application: "runs"), size: 1)
        do {
            let value = try await body(QueueRuns(pool: pool), try await QueueInspection(pool: pool).databaseTime())
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}
