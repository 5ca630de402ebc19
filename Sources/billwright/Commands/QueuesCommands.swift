internal import Commands
internal import Dates
internal import JSONText
internal import Postgres
internal import Processes
internal import QueueStore

extension Commands.Command {
    static let queuesList = Commands.Command(
        "queues list", "Lists queues with their workers and kinds, and what is paused by whom and why.",
        settings: [.database, .json], run: QueuesCommands.list)
    static let queuesPause = Commands.Command(
        "queues pause", "Stops claims from a queue, or of a kind in any. '*' is every queue. What runs goes on.",
        operands: ["NAME"], settings: [.database, kind, reason, .json]
    ) { arguments in try await QueuesCommands.change("pause", arguments) }
    static let queuesResume = Commands.Command(
        "queues resume", "Lets a paused queue or kind be claimed again, at once.",
        operands: ["NAME"], settings: [.database, kind, reason, .json]
    ) { arguments in try await QueuesCommands.change("resume", arguments) }

    private static let kind = Setting("--kind", "KIND", help: "this kind, in place of a queue")
    private static let reason = Setting("--reason", "TEXT", help: "why; kept with the act")
}

private enum QueuesCommands {
    /// More queues than anybody has; the list says when there are more.
    private static let most = 1000

    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let (queues, paused) = try await pausing(arguments) { pauses, _ in
            (try await pauses.queues(limit: most), try await pauses.list(limit: most))
        }
        if arguments.isOn("--json") {
            Terminal.print(
                JSONValue.object([
                    .init("queues", .array(queues.map(json))), .init("pauses", .array(paused.map(json))),
                ]).text())
            return 0
        }
        for queue in queues {
            Terminal.print("\(queue.name)  workers \(queue.workers)  kinds \(queue.kinds.joined(separator: ", "))")
        }
        if queues.isEmpty { Terminal.print("no queues: no worker serves one and nothing was claimed yet") }
        for pause in paused {
            Terminal.print(
                "paused: \(text(pause.subject))  by \(pause.person)  at \(pause.at)  because: \(pause.reason)")
        }
        if queues.count == most { Terminal.print("only the first \(most) are listed") }
        return 0
    }

    static func change(_ verb: String, _ arguments: Arguments) async throws -> Int32 {
        let subject = try subject(verb, arguments)
        let reason = try arguments.required("--reason")
        let person = SystemUser.current.name
        let isChanged = try await pausing(arguments) { pauses, now in
            verb == "pause"
                ? try await pauses.pause(subject, by: person, because: reason, now: now)
                : try await pauses.resume(subject, by: person, because: reason, now: now)
        }
        guard isChanged else {
            let standing = verb == "pause" ? "is paused already" : "is not paused"
            Terminal.complain("\(text(subject)) \(standing); 'billwright queues list' tells what is")
            return 1
        }
        Terminal.print(
            arguments.isOn("--json")
                ? JSONValue.object(members(subject) + [.init("act", .string(verb))]).text()
                : "\(verb)d \(text(subject))")
        return 0
    }

    private static func subject(_ verb: String, _ arguments: Arguments) throws(UsageError) -> QueuePauses.Subject {
        switch (arguments.operands.first, arguments.text("--kind")) {
        case (nil, let kind?): return .kind(kind)
        case ("*", nil): return .everything
        case (let name?, nil): return .queue(name)
        default:
            throw UsageError("'queues \(verb)' needs either a queue's name ('*': every queue) or --kind KIND")
        }
    }

    private static func text(_ subject: QueuePauses.Subject) -> String {
        switch subject {
        case .queue(let name): "queue \(name)"
        case .kind(let name): "kind \(name)"
        case .run(let id): "run \(id)"
        case .everything: "every queue"
        }
    }

    private static func members(_ subject: QueuePauses.Subject) -> [JSONValue.Member] {
        switch subject {
        case .queue(let name): [.init("scope", .string("queue")), .init("name", .string(name))]
        case .kind(let name): [.init("scope", .string("kind")), .init("name", .string(name))]
        case .run(let id): [.init("scope", .string("run")), .init("name", .string("\(id)"))]
        case .everything: [.init("scope", .string("queue")), .init("name", .string("*"))]
        }
    }

    private static func json(_ queue: QueuePauses.Queue) -> JSONValue {
        .object([
            .init("name", .string(queue.name)), .init("workers", .integer(Int64(queue.workers))),
            .init("kinds", .array(queue.kinds.map { .string($0) })),
        ])
    }

    private static func json(_ pause: QueuePauses.Pause) -> JSONValue {
        .object(
            members(pause.subject) + [
                .init("at", .string("\(pause.at)")), .init("by", .string(pause.person)),
                .init("reason", .string(pause.reason)),
            ])
    }

    private static func pausing<Value: Sendable>(
        _ arguments: Arguments, _ body: (QueuePauses, Instant) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try arguments.database(application: "queues"), size: 1)
        do {
            let value = try await body(
                QueuePauses(pool: pool), try await QueueInspection(pool: pool).databaseTime())
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}
