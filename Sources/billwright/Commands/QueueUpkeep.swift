internal import Commands
internal import JSONText
internal import Postgres
internal import Processes
internal import QueueStore

extension Commands.Command {
    static let queuesRetention = Commands.Command(
        "queues retention",
        "Tells, or with DAYS sets, for how long history, ticks, acts, runs and idle lanes are kept.",
        operands: ["WHAT", "DAYS"], settings: [.database, reason, .json],
        discussion: "DAYS is a number of days or 'forever'. What is older is removed by workers and schedulers.",
        run: QueueUpkeep.retention)
    static let queuesRelane = Commands.Command(
        "queues relane", "After a restore into another cluster, with every worker stopped: makes its jobs claimable.",
        settings: [.database, reason, .json], run: QueueUpkeep.relane)

    private static let reason = Setting("--reason", "TEXT", help: "why; kept with the act")
}

private enum QueueUpkeep {
    @Sendable static func retention(_ arguments: Arguments) async throws -> Int32 {
        let change = try arguments.operands.isEmpty ? nil : change(arguments)
        let kept = try await lending(arguments) { pool in
            let retention = Retention(pool: pool)
            if let change {
                try await retention.keep(
                    change.subject, days: change.days, by: SystemUser.current.name, because: change.reason)
            }
            return try await retention.days()
        }
        if arguments.isOn("--json") {
            let members = kept.map { one in
                JSONValue.Member(one.subject.rawValue, one.days.map { .integer(Int64($0)) } ?? .null)
            }
            Terminal.print(JSONValue.object(members).text())
        } else {
            for (subject, days) in kept {
                Terminal.print("\(subject.rawValue)  \(days.map { "\($0) days" } ?? "forever")")
            }
        }
        return 0
    }

    private static func change(_ arguments: Arguments) throws(UsageError) -> (
        subject: Retention.Subject, days: Int?, reason: String
    ) {
        guard let subject = Retention.Subject(rawValue: arguments.operands[0]) else {
            let known = Retention.Subject.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("'\(arguments.operands[0])' is not one of \(known)")
        }
        guard arguments.operands.count == 2 else { throw UsageError("say for how many days, or 'forever'") }
        let text = arguments.operands[1]
        let reason = try arguments.required("--reason")
        if text == "forever" && subject != .lanes { return (subject, nil, reason) }
        guard let days = Int(text), (subject.leastDays...36_500).contains(days) else {
            throw UsageError("\(subject.rawValue): '\(text)' is not a number of days from \(subject.leastDays)")
        }
        return (subject, days, reason)
    }

    @Sendable static func relane(_ arguments: Arguments) async throws -> Int32 {
        let reason = try arguments.required("--reason")
        let done = try await lending(arguments) { pool in
            try await QueueCluster(pool: pool).relane(by: SystemUser.current.name, because: reason)
        }
        if let refusal = done.refusal {
            Terminal.complain("relane refused: \(refusal)")
            return 1
        }
        Terminal.print(
            arguments.isOn("--json")
                ? JSONValue.object([
                    .init("jobs", .integer(Int64(done.jobs))), .init("interrupted", .integer(Int64(done.interrupted))),
                ]).text()
                : "re-laned \(done.jobs) jobs, \(done.interrupted) of which ran when the dump was made and will run again"
        )
        return 0
    }

    private static func lending<Value: Sendable>(
        _ arguments: Arguments, _ body: (PostgresPool) async throws -> Value
    ) async throws -> Value {
        var configuration = try arguments.database(application: "queues")
        configuration.sessionLimits?.statement = QueueCluster.patience
        let pool = PostgresPool(configuration, size: 1)
        do {
            let value = try await body(pool)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}
