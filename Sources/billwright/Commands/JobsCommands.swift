internal import Commands
internal import Dates
internal import JSONText
internal import Postgres
internal import QueueStore

extension Commands.Command {
    static let jobsList = Commands.Command(
        "jobs list", "Lists jobs, newest first.",
        settings: [.database] + Setting.jobFilters + [
            Setting("--before", "ID", help: "only jobs with a smaller id: the next page"),
            Setting("--limit", "N", default: "50", help: "at most this many, up to 1000"), .json,
        ],
        run: JobsCommands.list)
    static let jobsShow = Commands.Command(
        "jobs show", "Shows one job with its failed attempts.", operands: ["ID"], settings: [.database, .json],
        run: JobsCommands.show)
    static let jobsStats = Commands.Command(
        "jobs stats", "Counts live jobs by queue, kind and state.", settings: [.database, .json],
        run: JobsCommands.stats)
}

private enum JobsCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        var filter = try arguments.jobFilter()
        filter.limit = try arguments.integer("--limit", in: 1...1000)
        if arguments.text("--before") != nil {
            filter.before = Int64(try arguments.integer("--before", in: 1...Int.max))
        }
        let wanted = filter
        let jobs = try await inspecting(arguments) { try await $0.list(wanted) }
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(jobs.map(\.json)).text())
            return 0
        }
        Terminal.print(row("id", "kind", "queue", "state", "attempt", "due"))
        for job in jobs {
            Terminal.print(row("\(job.id)", job.kind, job.queue, job.state, "\(job.attempt)", "\(job.dueAt)"))
        }
        if jobs.isEmpty { Terminal.print("no such jobs") }
        if jobs.count == filter.limit, let last = jobs.last { Terminal.print("more: --before \(last.id)") }
        return 0
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        guard let text = arguments.operands.first, let id = Int64(text) else {
            throw UsageError("'jobs show' needs a job's id, a whole number")
        }
        guard let (job, failures, acts) = try await inspecting(arguments, { try await $0.job(id) }) else {
            Terminal.complain("there is no job \(id), live or in history")
            return 1
        }
        if arguments.isOn("--json") {
            let list = failures.map { failure in
                JSONValue.object([
                    .init("attempt", .integer(Int64(failure.attempt))),
                    .init("failed_at", .string("\(failure.failedAt)")),
                    .init("error", .string(failure.error)),
                ])
            }
            Terminal.print(
                JSONValue.object([
                    .init("job", job.json), .init("failures", .array(list)), .init("acts", .array(acts.map(\.json))),
                ]).text())
            return 0
        }
        Terminal.print("job \(job.id)  \(job.kind)  \(job.state)  attempt \(job.attempt)  queue \(job.queue)")
        Terminal.print("enqueued \(job.enqueuedAt)  due \(job.dueAt)\(job.endedAt.map { "  ended \($0)" } ?? "")")
        if let reason = job.heldReason { Terminal.print("held: \(reason)") }
        Terminal.print("arguments \(job.arguments)")
        for failure in failures {
            Terminal.print("attempt \(failure.attempt) failed \(failure.failedAt): \(failure.error)")
        }
        for act in acts { Terminal.print("\(act.act) \(act.at) by \(act.person): \(act.reason)") }
        return 0
    }

    @Sendable static func stats(_ arguments: Arguments) async throws -> Int32 {
        let depths = try await inspecting(arguments) { try await $0.depths() }
        if arguments.isOn("--json") {
            let list = depths.map { depth in
                JSONValue.object([
                    .init("queue", .string(depth.queue)), .init("kind", .string(depth.kind)),
                    .init("state", .string(depth.state)), .init("jobs", .integer(Int64(depth.jobs))),
                    .init("oldest_due", depth.oldestDue.map { .string("\($0)") } ?? .null),
                ])
            }
            Terminal.print(JSONValue.array(list).text())
            return 0
        }
        Terminal.print(row("queue", "kind", "state", "jobs", "", "oldest due"))
        for depth in depths {
            let oldest = depth.oldestDue.map { "\($0)" } ?? ""
            Terminal.print(row(depth.queue, depth.kind, depth.state, "\(depth.jobs)", "", oldest))
        }
        if depths.isEmpty { Terminal.print("no live jobs") }
        return 0
    }

    private static func inspecting<Value: Sendable>(
        _ arguments: Arguments, _ body: (QueueInspection) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try arguments.database(application: "jobs"), size: 1)
        do {
            let value = try await body(QueueInspection(pool: pool))
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }

    private static func row(_ cells: String...) -> String {
        zip(cells, [10, 26, 12, 12, 9, 0]).map { cell, width in
            cell + String(repeating: " ", count: max(1, width - cell.count))
        }.joined().trimmingSpaces
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension QueueInspection.Job {
    var json: JSONValue {
        .object([
            .init("id", .integer(id)), .init("lineage", .integer(lineage)), .init("kind", .string(kind)),
            .init("queue", .string(queue)), .init("state", .string(state)),
            .init("attempt", .integer(Int64(attempt))),
            .init("tenant", tenant.map { .integer($0) } ?? .null),
            .init("enqueued_at", .string("\(enqueuedAt)")), .init("due_at", .string("\(dueAt)")),
            .init("ended_at", endedAt.map { .string("\($0)") } ?? .null),
            .init("held_reason", heldReason.map { .string($0) } ?? .null),
            .init("arguments", .string(arguments)),
        ])
    }
}

extension QueueInspection.Act {
    fileprivate var json: JSONValue {
        .object([
            .init("act", .string(act)), .init("at", .string("\(at)")), .init("by", .string(person)),
            .init("reason", .string(reason)),
        ])
    }
}
