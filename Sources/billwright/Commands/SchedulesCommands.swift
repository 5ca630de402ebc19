internal import Commands
internal import Dates
internal import JSONText
internal import JobKit
internal import Postgres
internal import Processes
internal import QueueStore

extension Commands.Command {
    static let schedulesList = Commands.Command(
        "schedules list",
        "Lists schedules: when they fire next, fired last, what they missed, who paused them and why.",
        settings: [
            .database, Setting("--after", "NAME", help: "only schedules after this one: the next page"),
            Setting("--limit", "N", default: "100", help: "at most this many, up to 1000"), .json,
        ],
        discussion: """
            `missed` counts the ticks since the last one decided that no scheduler has seen to: when it is not 0, is one
            running? What becomes of them is told by the schedule's catch-up.
            """,
        run: SchedulesCommands.list)
    static let schedulesRunNow = Commands.Command(
        "schedules run-now", "Enqueues a schedule's job once, paused or not. Its ticks fire all the same.",
        operands: ["NAME"], settings: [.database, .json], run: SchedulesCommands.runNow)
    static let schedulesPause = Commands.Command(
        "schedules pause", "Stops a schedule's ticks from firing until it is resumed.", operands: ["NAME"],
        settings: [.database, reason, .json], run: SchedulesCommands.pause)
    static let schedulesResume = Commands.Command(
        "schedules resume", "Lets a paused schedule fire again. Ticks of the pause never fire.", operands: ["NAME"],
        settings: [.database, reason, .json], run: SchedulesCommands.resume)

    private static let reason = Setting("--reason", "TEXT", help: "why; kept with the schedule")
}

private enum SchedulesCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let limit = try arguments.integer("--limit", in: 1...1000)
        let after = arguments.text("--after") ?? ""
        let (listed, now) = try await operating(arguments) { operations, now in
            (try await operations.list(after: after, limit: limit), now)
        }
        let zones = HostTimeZones()
        let lines = try listed.map { try ScheduleLine($0, zones: zones, now: now) }
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(lines.map(\.json)).text())
            return 0
        }
        for line in lines { Terminal.print(line.text) }
        if lines.isEmpty { Terminal.print("no schedules: a scheduler registers them when it starts") }
        if lines.count == limit, let last = listed.last { Terminal.print("more: --after \(last.name)") }
        return 0
    }

    @Sendable static func runNow(_ arguments: Arguments) async throws -> Int32 {
        let name = try name(arguments, "run-now")
        let run = try await operating(arguments) { operations, now in
            try await operations.runNow(name, by: SystemUser.current.name, now: now)
        }
        switch run {
        case .unknownSchedule: return unknown(name)
        case .refused(let reason):
            Terminal.complain("\(name) was not run: \(reason)")
            return 1
        case .enqueued(let job):
            let members = [JSONValue.Member("schedule", .string(name)), .init("job", .integer(job.number))]
            Terminal.print(arguments.isOn("--json") ? JSONValue.object(members).text() : "enqueued job \(job)")
            return 0
        }
    }

    @Sendable static func pause(_ arguments: Arguments) async throws -> Int32 {
        let name = try name(arguments, "pause")
        let reason = try arguments.required("--reason")
        let change = try await operating(arguments) { operations, now in
            try await operations.pause(name, by: SystemUser.current.name, because: reason, now: now)
        }
        return tell(change, name, "paused", arguments)
    }

    @Sendable static func resume(_ arguments: Arguments) async throws -> Int32 {
        let name = try name(arguments, "resume")
        let reason = try arguments.required("--reason")
        let change = try await operating(arguments) { operations, now in
            try await operations.resume(name, by: SystemUser.current.name, because: reason, now: now)
        }
        return tell(change, name, "resumed", arguments)
    }

    private static func tell(
        _ change: ScheduleOperations.Change, _ name: String, _ verb: String, _ arguments: Arguments
    ) -> Int32 {
        switch change {
        case .unknownSchedule: return unknown(name)
        case .alreadySo:
            Terminal.complain(verb == "paused" ? "\(name) is paused already" : "\(name) is not paused")
            return 1
        case .done:
            let members = [JSONValue.Member("schedule", .string(name)), .init("act", .string(verb))]
            Terminal.print(arguments.isOn("--json") ? JSONValue.object(members).text() : "\(verb) \(name)")
            return 0
        }
    }

    private static func unknown(_ name: String) -> Int32 {
        Terminal.complain("there is no schedule '\(name)'; 'billwright schedules list' names them")
        return 1
    }

    private static func name(_ arguments: Arguments, _ verb: String) throws -> String {
        guard let name = arguments.operands.first else {
            throw UsageError("'schedules \(verb)' needs a schedule's name; 'billwright schedules list' tells them")
        }
        return name
    }

    private static func operating<Value: Sendable>(
        _ arguments: Arguments, _ body: (ScheduleOperations, Instant) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try arguments.database(application: "schedules"), size: 1)
        do {
            let now = try await QueueInspection(pool: pool).databaseTime()
            let value = try await body(ScheduleOperations(pool: pool), now)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// A schedule as the terminal shows it.
private struct ScheduleLine {
    let record: ScheduleOperations.Record
    /// None while it is paused.
    let next: [Instant]
    let missed: Int

    /// Throws for a zone this host does not know.
    init(_ record: ScheduleOperations.Record, zones: HostTimeZones, now: Instant) throws {
        self.record = record
        let zone = record.zone == TimeZoneRules.utc.id ? TimeZoneRules.utc : try zones.rules(record.zone)
        let timetable = Timetable(try Cron(record.cron), zone: zone, daylightSaving: record.daylightSaving)
        var next: [Instant] = []
        if !record.standing.isPaused {
            while next.count < 3, let tick = timetable.next(after: next.last ?? now) { next.append(tick) }
        }
        self.next = next
        missed = record.standing.ticksMissed(of: timetable, at: now)
    }

    var text: String {
        let zone = record.zone == TimeZoneRules.utc.id ? "" : " \(record.zone)"
        var text = "\(record.name)  [\(record.cron)\(zone)]  \(record.kind)\n"
        text += "  next \(next.first.map { "\($0)" } ?? (record.pause == nil ? "never" : "after the pause"))"
        text += record.lastFired.map { "  last \($0.tick) as job \($0.job)" } ?? "  never fired"
        text += "  missed \(missed)\(missed == Schedule.tickLimit ? " or more" : "")"
        if let skip = record.lastSkip { text += "\n  newest tick skipped: \(skip)" }
        if let pause = record.pause { text += "\n  paused \(pause.at) by \(pause.person): \(pause.reason)" }
        return text
    }

    var json: JSONValue {
        let pause = record.pause.map { pause in
            JSONValue.object([
                .init("at", .string("\(pause.at)")), .init("by", .string(pause.person)),
                .init("reason", .string(pause.reason)),
            ])
        }
        let fired = record.lastFired.map { fired in
            JSONValue.object([
                .init("tick", .string("\(fired.tick)")), .init("fired_at", .string("\(fired.firedAt)")),
                .init("job", .integer(fired.job.number)),
            ])
        }
        return .object([
            .init("name", .string(record.name)), .init("cron", .string(record.cron)),
            .init("zone", .string(record.zone)),
            .init("daylight_saving", .string(record.daylightSaving.rawValue)),
            .init("catch_up", .string(record.catchUp)),
            .init("catch_up_seconds", record.catchUpSeconds.map { .integer($0) } ?? .null),
            .init("overlap", .string(record.overlap)), .init("kind", .string(record.kind)),
            .init("queue", .string(record.queue)), .init("next", .array(next.map { .string("\($0)") })),
            .init("last_fired", fired ?? .null), .init("missed", .integer(Int64(missed))),
            .init("last_skip", record.lastSkip.map { .string($0) } ?? .null), .init("paused", pause ?? .null),
        ])
    }
}
