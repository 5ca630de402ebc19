internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Postgres

// What a person sees of the events that the payment gateway has sent, and does to them.
extension Commands.Command {
    static let webhooksList = Commands.Command(
        "webhooks list", "Lists the gateway's events as they came, newest first.",
        settings: [.database] + Setting.gatewayEvents + [
            Setting("--before", "ID", help: "only events with a smaller id: the next page"), .limit, .json,
        ],
        discussion: """
            stored: its job has not been through ('billwright jobs show' tells why). done: the books are as it says.
            ignored: the books knew, or it is about nothing of ours.
            """,
        run: WebhooksCommands.list)
    static let webhooksShow = Commands.Command(
        "webhooks show", "Shows one event: what it says, what became of it, who replayed it.", operands: ["EVENT"],
        settings: [
            .database, Setting(switch: "--body", help: "print what was signed, byte by byte, and no more"), .json,
        ],
        discussion: "EVENT is its number here, or the gateway's id of it, evt_….", run: WebhooksCommands.show)
    static let webhooksReplay = Commands.Command(
        "webhooks replay", "Has events worked off once more. What the books know is not booked again.",
        operands: ["EVENT"],
        settings: [.database, .by, .reason] + Setting.gatewayEvents + [
            Setting(switch: "--dry-run", help: "tell which are meant and change nothing"), .limit, .json,
        ],
        discussion: """
            With an EVENT one; without, the newest that match the filters, up to --limit. One whose job is under way or held
            is refused: release that job instead.
            """,
        run: WebhooksCommands.replay)

    static let webhooks = [webhooksList, webhooksShow, webhooksReplay]
}

extension Setting {
    fileprivate static let gatewayEvents = [
        Setting("--state", "STATE", help: "stored, done or ignored"),
        Setting("--type", "TYPE", help: "the type or its beginning, such as charge.dispute"),
        Setting("--source", "SOURCE", help: "webhook or sweep"),
        Setting("--since", "TIME", help: "received since then, such as 2026-12-01T08:00:00Z"),
    ]
}

private enum WebhooksCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        var filter = try arguments.gatewayEventFilter()
        if arguments.text("--before") != nil {
            filter.before = Int64(try arguments.integer("--before", in: 1...Int.max))
        }
        let wanted = filter
        let events = try await asking(arguments) { try await $0.list(wanted) }
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(events.map(\.json)).text())
            return 0
        }
        TextTable([["id", "event", "type", "received", "by", "state", "note"]] + events.map(\.cells)).print()
        if events.isEmpty { Terminal.print("no such events") }
        if events.count == filter.limit, let last = events.last { Terminal.print("more: --before \(last.id)") }
        return 0
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let name = try arguments.operand("an event's number or the gateway's id of it", of: "webhooks show")
        guard let (event, body, acts) = try await asking(arguments, { try await $0.find(name) }) else {
            return unknown(name)
        }
        let text = String(decoding: body, as: UTF8.self)
        if arguments.isOn("--body") {
            Terminal.print(text, terminator: "")
            return 0
        }
        if arguments.isOn("--json") {
            let members = [
                JSONValue.Member("event", event.json), .init("body", .string(text)),
                .init("acts", .array(acts.map(\.json))),
            ]
            Terminal.print(JSONValue.object(members).text())
            return 0
        }
        for line in event.lines + acts.map(\.line) { Terminal.print(line) }
        Terminal.print("")
        Terminal.print(text)
        return 0
    }

    @Sendable static func replay(_ arguments: Arguments) async throws -> Int32 {
        let isDry = arguments.isOn("--dry-run")
        let filter = try arguments.gatewayEventFilter()
        let name = arguments.operands.first
        if name == nil && !arguments.hasGatewayEventFilter {
            throw UsageError("'webhooks replay' needs an event, or filters that say which")
        }
        if name != nil && arguments.hasGatewayEventFilter {
            throw UsageError("'webhooks replay' takes an event or filters, not both")
        }
        let reason = isDry ? "" : try arguments.required("--reason")
        let person = arguments.person
        return try await asking(arguments) { desk in
            let events: [GatewayEventDesk.Entry]
            if let name {
                guard let found = try await desk.find(name) else { return unknown(name) }
                events = [found.entry]
            } else {
                events = try await desk.list(filter)
            }
            if isDry {
                TextTable(events.map(\.cells)).print()
                Terminal.print("\(events.count) events would be worked off again; nothing was changed")
                return 0
            }
            var replays: [GatewayEventDesk.Replay] = []
            // The oldest first, as they came.
            for event in events.reversed() {
                if let replay = try await desk.replay(event.id, by: person, because: reason) { replays.append(replay) }
            }
            return tell(replays, arguments)
        }
    }

    private static func tell(_ replays: [GatewayEventDesk.Replay], _ arguments: Arguments) -> Int32 {
        if arguments.isOn("--json") { Terminal.print(JSONValue.array(replays.map(\.json)).text()) }
        for replay in replays {
            if let refusal = replay.refusal {
                Terminal.complain("event \(replay.id) was not replayed: \(refusal)")
            } else if !arguments.isOn("--json") {
                Terminal.print("event \(replay.id) was \(replay.before), is worked off by job \(replay.job ?? 0)")
            }
        }
        if replays.isEmpty && !arguments.isOn("--json") { Terminal.print("no such events") }
        return replays.contains { $0.refusal != nil } ? 1 : 0
    }

    private static func unknown(_ name: String) -> Int32 {
        Terminal.complain("there is no event '\(name)'; 'billwright webhooks list' tells which came")
        return 1
    }

    private static func asking<Value: Sendable>(
        _ arguments: Arguments, _ body: (GatewayEventDesk) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try arguments.database(application: "webhooks"), size: 1)
        do {
            let value = try await body(GatewayEventDesk(pool))
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}

extension Arguments {
    fileprivate var hasGatewayEventFilter: Bool {
        ["--state", "--type", "--source", "--since"].contains { text($0) != nil }
    }

    fileprivate func gatewayEventFilter() throws(UsageError) -> GatewayEventDesk.Filter {
        enum State: String, CaseIterable { case stored, done, ignored }
        enum Source: String, CaseIterable { case webhook, sweep }
        var filter = GatewayEventDesk.Filter()
        if text("--state") != nil { filter.state = try choice("--state", State.self).rawValue }
        if text("--source") != nil { filter.source = try choice("--source", Source.self).rawValue }
        filter.type = text("--type")
        if let text = text("--since") {
            guard let since = try? Instant(parsing: text) else {
                throw fault("--since", text, "a time, such as 2026-12-01T08:00:00Z")
            }
            filter.since = since
        }
        filter.limit = try pageLimit
        return filter
    }
}

extension GatewayEventDesk.Entry {
    fileprivate var cells: [String] { ["\(id)", reference, type, "\(receivedAt)", source, state, note] }

    fileprivate var lines: [String] {
        var lines = [
            "event \(id)  \(reference)  \(type)  \(isLive ? "live" : "test")",
            "made \(madeAt), received \(receivedAt) by \(source), \(bytes) bytes",
            "\(state)\(note.isEmpty ? "" : ": \(note)")\(settledAt.map { " at \($0)" } ?? "")",
        ]
        if let seller, let customer { lines.append("about customer \(seller)/\(customer)") }
        if let job { lines.append("job \(job): billwright jobs show \(job)") }
        return lines
    }

    fileprivate var json: JSONValue {
        .present([
            "id": .integer(id), "reference": .string(reference), "type": .string(type), "live": .bool(isLive),
            "made_at": .text(madeAt), "received_at": .text(receivedAt), "source": .string(source),
            "state": .string(state), "note": .string(note), "settled_at": settledAt.map { .text($0) },
            "seller": seller.map { .integer($0) }, "customer": customer.map { .integer($0) },
            "job": job.map { .integer($0) }, "bytes": .integer(Int64(bytes)),
        ])
    }
}

extension GatewayEventDesk.Act {
    var line: String { "\(verb) at \(at) by \(person): \(reason)\(after.map { " (\($0))" } ?? "")" }

    var json: JSONValue {
        .present([
            "at": .text(at), "by": .string(person), "reason": .string(reason), "act": .string(verb),
            "before": before.map { .string($0) }, "after": after.map { .string($0) },
        ])
    }
}

extension GatewayEventDesk.Replay {
    fileprivate var json: JSONValue {
        .present([
            "event": .integer(id), "before": .string(before), "job": job.map { .integer($0) },
            "refusal": refusal.map { .string($0) },
        ])
    }
}
