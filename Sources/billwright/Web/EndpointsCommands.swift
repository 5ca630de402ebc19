internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import Gateways
internal import JSONText

// Where a seller is told of what happens in its books.
extension Commands.Command {
    static let endpointsAdd = endpointCommand(
        "add", "Has events sent to a URL from now on; prints the secret that signs them, this once.", "URL",
        [
            .reason, .by,
            Setting(
                "--events", "TYPE,…", default: "*", help: "which, such as invoice.paid,subscription.*; all unless set"),
            .privateEndpoints,
        ],
        discussion: """
            Events: subscription.created, .updated and .STATE; invoice.issued, .paid, .overdue, .reopened, .voided and
            .uncollectible; payment.succeeded, .failed, .action_required, .processing, .refunded and .refund_failed.
            """, EndpointsCommands.add)
    static let endpointsList = endpointCommand(
        "list", "Lists endpoints with how many deliveries stand how.", nil, [], EndpointsCommands.list)
    static let endpointsShow = endpointCommand(
        "show", "Shows an endpoint: its newest deliveries, and what was done to it and why.", "ID", [.limit],
        EndpointsCommands.show)
    static let endpointsDisable = endpointCommand(
        "disable", "Sends an endpoint nothing any more; what waits for it is skipped.", "ID", [.reason, .by]
    ) { try await EndpointsCommands.set(enabled: false, $0, $1) }
    static let endpointsEnable = endpointCommand(
        "enable", "Has events sent to an endpoint again, those from now on.", "ID", [.reason, .by]
    ) { try await EndpointsCommands.set(enabled: true, $0, $1) }
    static let endpointsRotate = endpointCommand(
        "rotate", "Gives an endpoint a new secret, printed this once. The old one signs beside it for a day.", "ID",
        [.reason, .by], EndpointsCommands.rotate)
    static let endpointsReplay = endpointCommand(
        "replay", "Delivers events again, the oldest first.", "ID",
        [
            .reason, .by, Setting("--event", "EVENT", help: "one event, by its id, evt_…"),
            Setting("--state", "STATE", help: "only deliveries that are delivered, failed or skipped"),
            Setting("--since", "TIME", help: "only events since then, such as 2026-12-01T08:00:00Z"), .limit,
        ], EndpointsCommands.replay)
    static let endpointsTest = endpointCommand(
        "test", "Sends an endpoint a signed event of the type endpoint.test, now, and tells what it answers.", "ID",
        [.privateEndpoints], EndpointsCommands.test)

    static let endpoints = [
        endpointsAdd, endpointsList, endpointsShow, endpointsDisable, endpointsEnable, endpointsRotate, endpointsReplay,
        endpointsTest,
    ]

    private static func endpointCommand(
        _ verb: String, _ summary: String, _ operand: String?, _ settings: [Setting], discussion: String = "",
        _ run: @escaping @Sendable (EndpointDesk, Arguments) async throws -> Int32
    ) -> Commands.Command {
        Commands.Command(
            "endpoints \(verb)", summary, operands: operand.map { [$0] } ?? [],
            settings: [.database, .seller] + settings + [.json], discussion: discussion
        ) { arguments in
            // Before the database is asked for anything.
            if settings.contains(where: { $0.flag == Setting.reason.flag }) { _ = try arguments.required("--reason") }
            return try await BooksDesk.run(arguments, as: "endpoints") { desk in
                let composition = desk.composition
                return try await run(
                    EndpointDesk(composition.booksStore, composition.pool, of: desk.seller.id, now: desk.now), arguments
                )
            }
        }
    }
}

extension Setting {
    static let privateEndpoints = Setting(
        "--private-endpoints", "yes|no", variable: "BILLWRIGHT_PRIVATE_ENDPOINTS", default: "no",
        help: "whether events may go to http and to addresses of this machine and its network")
}

private enum EndpointsCommands {
    @Sendable static func add(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let url = try arguments.operand("a URL", of: "endpoints add")
        let types = try types(arguments)
        let post = try arguments.eventPost()
        if case .failure(let refusal) = await post.check(url) {
            throw UsageError("'\(url)' is taken for no endpoint: \(refusal)")
        }
        let secret = try EndpointSecret.new()
        let id = try await desk.add(
            url, types: types, secret: secret, by: arguments.person, because: try arguments.required("--reason"))
        tell(
            arguments, ["endpoint": .integer(id), "secret": .string(secret)], "added endpoint \(id)\nsecret \(secret)")
        return 0
    }

    private static func types(_ arguments: Arguments) throws(UsageError) -> [String] {
        let text = try arguments.required("--events")
        let types = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let families: Set = ["subscription", "invoice", "payment"]
        for type in types where type != "*" {
            let parts = type.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, families.contains(parts[0]), !parts[1].isEmpty else {
                throw arguments.fault("--events", text, "types such as invoice.paid, subscription.* or *")
            }
        }
        return types
    }

    @Sendable static func list(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let endpoints = try await desk.list()
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(endpoints.map(\.json)).text())
            return 0
        }
        TextTable(endpoints.map { ["\($0.id)", $0.state, $0.url, $0.types.joined(separator: ","), $0.counts] }).print()
        if endpoints.isEmpty { Terminal.print("no endpoints: nothing is told to anybody") }
        return 0
    }

    @Sendable static func show(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let id = try id(arguments, "show")
        guard let (endpoint, deliveries, acts) = try await desk.find(id, limit: try arguments.pageLimit) else {
            return unknown(id)
        }
        if arguments.isOn("--json") {
            let members = [
                JSONValue.Member("endpoint", endpoint.json), .init("deliveries", .array(deliveries.map(\.json))),
                .init("acts", .array(acts.map(\.json))),
            ]
            Terminal.print(JSONValue.object(members).text())
            return 0
        }
        for line in endpoint.lines + acts.map(\.line) { Terminal.print(line) }
        TextTable(deliveries.map(\.cells)).print()
        return 0
    }

    static func set(enabled: Bool, _ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let verb = enabled ? "enable" : "disable"
        let id = try id(arguments, verb)
        let reason = try arguments.required("--reason")
        guard try await desk.set(enabled: enabled, id, by: arguments.person, because: reason) else {
            guard try await desk.list().contains(where: { $0.id == id }) else { return unknown(id) }
            Terminal.complain("endpoint \(id) is \(verb)d already")
            return 1
        }
        tell(arguments, ["endpoint": .integer(id), "act": .string(verb)], "\(verb)d endpoint \(id)")
        return 0
    }

    @Sendable static func rotate(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let id = try id(arguments, "rotate")
        let secret = try EndpointSecret.new()
        let reason = try arguments.required("--reason")
        guard try await desk.rotate(id, to: secret, by: arguments.person, because: reason) else { return unknown(id) }
        tell(arguments, ["endpoint": .integer(id), "secret": .string(secret)], "secret \(secret)")
        return 0
    }

    @Sendable static func replay(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        enum State: String, CaseIterable { case delivered, failed, skipped }
        let id = try id(arguments, "replay")
        let state = arguments.text("--state") == nil ? nil : try arguments.choice("--state", State.self).rawValue
        var since: Instant?
        if let text = arguments.text("--since") {
            guard let instant = try? Instant(parsing: text) else {
                throw arguments.fault("--since", text, "a time, such as 2026-12-01T08:00:00Z")
            }
            since = instant
        }
        if arguments.text("--event") == nil, state == nil, since == nil {
            throw UsageError("'endpoints replay' needs --event, --state or --since, to say which events")
        }
        guard
            let count = try await desk.replay(
                id, reference: arguments.text("--event"), state: state, since: since, limit: try arguments.pageLimit,
                by: arguments.person, because: try arguments.required("--reason"))
        else { return unknown(id) }
        tell(
            arguments, ["endpoint": .integer(id), "replayed": .integer(Int64(count))],
            count == 0 ? "no such deliveries, or they are under way" : "\(count) events are delivered again")
        return count == 0 ? 1 : 0
    }

    @Sendable static func test(_ desk: EndpointDesk, _ arguments: Arguments) async throws -> Int32 {
        let id = try id(arguments, "test")
        guard let (url, secrets) = try await desk.signing(id) else { return unknown(id) }
        let now = try await desk.time()
        let body = OutboundBody(
            reference: "evt_test_\(now.microseconds)", type: "endpoint.test",
            object: #"{"object":"endpoint","id":\#(id)}"#, createdAt: now, seller: arguments.text("--seller") ?? "")
        let post = try arguments.eventPost()
        let answer = await post.post(body.bytes, to: url, signedBy: secrets, now: now.seconds)
        tell(
            arguments,
            .present([
                "endpoint": .integer(id), "status": answer.status.map { .integer(Int64($0)) },
                "error": answer.error.map { .string($0) },
            ]), answer.error ?? "taken: \(answer.status ?? 0)")
        return answer.isTaken ? 0 : 1
    }

    private static func tell(_ arguments: Arguments, _ json: JSONValue, _ text: String) {
        Terminal.print(arguments.isOn("--json") ? json.text() : text)
    }

    private static func id(_ arguments: Arguments, _ verb: String) throws(UsageError) -> Int64 {
        let text = try arguments.operand("an endpoint's number", of: "endpoints \(verb)")
        guard let id = Int64(text) else {
            throw UsageError("'endpoints \(verb)' needs an endpoint's number; '\(text)' is none")
        }
        return id
    }

    private static func unknown(_ id: Int64) -> Int32 {
        Terminal.complain("there is no endpoint \(id); 'billwright endpoints list' tells which there are")
        return 1
    }
}

extension EndpointDesk.Endpoint {
    fileprivate var counts: String {
        deliveries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    fileprivate var lines: [String] {
        var lines = ["endpoint \(id)  \(state)  \(url)  \(types.joined(separator: ","))", "deliveries: \(counts)"]
        if let disabledWhy { lines.append("disabled: \(disabledWhy)") }
        if let failingSince { lines.append("took nothing since \(failingSince)") }
        if let oldSecretUntil { lines.append("the old secret signs beside the new one until \(oldSecretUntil)") }
        return lines
    }

    fileprivate var json: JSONValue {
        .present([
            "id": .integer(id), "url": .string(url), "events": .array(types.map { .string($0) }),
            "state": .string(state), "disabled_why": disabledWhy.map { .string($0) },
            "failing_since": failingSince.map { .text($0) }, "old_secret_until": oldSecretUntil.map { .text($0) },
            "created_at": .text(createdAt),
            "deliveries": .object(
                deliveries.sorted { $0.key < $1.key }.map { .init($0.key, .integer(Int64($0.value))) }),
        ])
    }
}

extension EndpointDesk.Delivery {
    fileprivate var cells: [String] {
        ["\(createdAt)", reference, type, state, "\(tries) tries", lastError ?? lastStatus.map { "\($0)" } ?? ""]
    }

    fileprivate var json: JSONValue {
        .present([
            "event": .string(reference), "type": .string(type), "state": .string(state),
            "tries": .integer(Int64(tries)), "created_at": .text(createdAt),
            "last_status": lastStatus.map { .integer(Int64($0)) }, "last_error": lastError.map { .string($0) },
        ])
    }
}
