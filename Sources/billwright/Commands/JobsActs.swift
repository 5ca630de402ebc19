internal import Commands
internal import Dates
internal import JSONText
internal import Postgres
internal import Processes
internal import QueueStore

// What a person does to jobs at the terminal.
extension Commands.Command {
    static let jobsRetry = act(
        "retry", "Lets a job run now; one that was held, discarded or cancelled gets an attempt back.")
    static let jobsCancel = act(
        "cancel", "Ends a job without running it; a running one when its attempt ends uncompleted.")
    static let jobsDiscard = act("discard", "Ends a job that is not running as failed for good.")
    static let jobsReschedule = act(
        "reschedule", "Moves a job to another time.",
        [Setting("--at", "TIME", help: "when it is due, such as 2026-12-01T08:00:00Z")])
    static let jobsHold = act("hold", "Sets a job aside until a person releases it.")
    static let jobsRelease = act(
        "release", "Lets a held job run again, its attempts counted anew. Mend what held it first.")
    static let jobsReplay = act(
        "replay", "Makes a new job of one that has ended. Effects that the old one had are not had again.")

    static let jobsActs = [
        jobsRetry, jobsCancel, jobsDiscard, jobsReschedule, jobsHold, jobsRelease, jobsReplay,
    ]

    private static func act(_ verb: String, _ summary: String, _ settings: [Setting] = []) -> Commands.Command {
        Commands.Command(
            "jobs \(verb)", summary, operands: ["ID"],
            settings: [.database, Setting("--reason", "TEXT", help: "why; kept with the act")] + settings
                + Setting.jobFilters + [
                    Setting(switch: "--all", help: "every job the verb is meant for, where no filter is given"),
                    Setting(switch: "--dry-run", help: "tell what would be touched and change nothing"),
                    Setting("--limit", "N", default: "100", help: "at most this many jobs, up to 10000"), .json,
                ],
            discussion: """
                With an ID one job is moved; with filters all that match, oldest first, up to --limit. Look at a --dry-run
                before: it counts them and tells what they have begun outside.
                """
        ) { arguments in try await JobsActs.run(verb, arguments) }
    }
}

private enum JobsActs {
    static func run(_ word: String, _ arguments: Arguments) async throws -> Int32 {
        let verb = try verb(word, arguments)
        let isBulk = arguments.hasJobFilter || arguments.isOn("--all")
        switch (arguments.operands.first, isBulk) {
        case (let text?, false):
            guard let id = Int64(text) else {
                throw UsageError("'jobs \(word)' needs a job's id, a whole number; '\(text)' is none")
            }
            if arguments.isOn("--dry-run") { throw UsageError("--dry-run goes with filters, not with one job's id") }
            return try await one(id, verb, arguments)
        case (nil, true):
            do { return try await BulkAct(verb: verb, arguments: arguments).run() } catch let refusal as BulkRefusal {
                throw UsageError("jobs \(word): \(refusal)")
            }
        case (nil, false):
            throw UsageError("'jobs \(word)' needs a job's id or a filter; every job is meant only with --all")
        default:
            throw UsageError("'jobs \(word)' takes a job's id or filters, not both")
        }
    }

    private static func one(_ id: Int64, _ verb: QueueOperations.Verb, _ arguments: Arguments) async throws -> Int32 {
        let act = QueueOperations.Act(
            verb, by: SystemUser.current.name, because: try arguments.required("--reason"))
        let outcome = try await arguments.operating { operations, now in
            try await operations.act(act, on: id, now: now)
        }
        if arguments.isOn("--json") { Terminal.print(outcome.json(verb.name).text()) }
        if let refusal = outcome.refusal {
            Terminal.complain("job \(id): \(verb.name) refused: \(refusal)")
            return 1
        }
        if !arguments.isOn("--json") { Terminal.print(outcome.text(verb.name)) }
        return 0
    }

    private static func verb(_ word: String, _ arguments: Arguments) throws(UsageError) -> QueueOperations.Verb {
        switch word {
        case "retry": return .retry
        case "cancel": return .cancel
        case "discard": return .discard
        case "hold": return .hold
        case "release": return .release
        case "replay": return .replay
        default:
            let text = try arguments.required("--at")
            guard let due = try? Instant(parsing: text) else {
                throw arguments.fault("--at", text, "a time, such as 2026-12-01T08:00:00Z")
            }
            return .reschedule(to: due)
        }
    }
}

extension Arguments {
    /// Runs `body` on a connection of its own, at the database's time.
    func operating<Value: Sendable>(
        _ body: (QueueOperations, Instant) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try database(application: "operations"), size: 1)
        do {
            let now = try await QueueInspection(pool: pool).databaseTime()
            let value = try await body(QueueOperations(pool: pool), now)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}

extension QueueOperations.Outcome {
    func text(_ verb: String) -> String {
        if before == "running" { return "job \(job) will be cancelled when its attempt ends" }
        if made != job { return "\(verb): job \(job) (\(before ?? "")) is replayed by job \(made)" }
        return "\(verb): job \(job) was \(before ?? ""), is \(after ?? "")"
    }

    func json(_ verb: String) -> JSONValue {
        .object([
            .init("job", .integer(job)), .init("act", .string(verb)),
            .init("before", before.map { .string($0) } ?? .null), .init("after", after.map { .string($0) } ?? .null),
            .init("made", after == nil ? .null : .integer(made)),
            .init("refusal", refusal.map { .string($0) } ?? .null),
        ])
    }
}
