internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Money

extension Commands.Command {
    static let customersList = Commands.Command(
        "customers list", "Lists customers in the order of their codes, with what they owe.",
        settings: [
            .database, .seller, Setting(switch: "--parked", help: "only those whose invoice a brake holds"),
            Setting("--after", "CODE", help: "only those with a later code: the next page"), .limit, .json,
        ],
        run: CustomersCommands.list)
    static let customersShow = Commands.Command(
        "customers show", "Shows a customer: subscriptions, invoices, and what was done by whom and why.",
        operands: ["CODE"], settings: [.database, .seller, .limit, .json],
        discussion: "Of invoices and of acts the newest, --limit of each.", run: CustomersCommands.show)
    static let customersRelease = Commands.Command(
        "customers release", "Lets the invoice go out as it is for which a customer is parked.", operands: ["CODE"],
        settings: [.database, .seller, .by, .reason, .json],
        discussion: """
            Only that invoice: if something else has fallen due meanwhile, the customer is parked again with the new
            figures. Jobs that are held for the customer run again.
            """,
        run: CustomersCommands.release)
}

private enum CustomersCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let limit = try arguments.pageLimit
        return try await BooksDesk.run(arguments, as: "customers") { desk in
            let page = try await desk.inspection.customers(
                of: desk.seller.id, after: arguments.text("--after"), onlyParked: arguments.isOn("--parked"),
                limit: limit)
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(page.map(\.json)).text())
                return 0
            }
            let rows = page.map {
                [
                    $0.code, $0.name, "\($0.subscriptions) subscriptions", $0.due.isZero ? "" : "owes \($0.due)",
                    $0.credit.isZero ? "" : "credit \($0.credit)", $0.parkedAt.map { "parked \($0)" } ?? "",
                ]
            }
            TextTable(rows).print()
            if page.isEmpty { Terminal.print("no such customers") }
            if page.count == limit, let last = page.last { Terminal.print("more: --after \(last.code)") }
            return 0
        }
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let code = try arguments.operand("a customer's code", of: "customers show")
        let limit = try arguments.pageLimit
        return try await BooksDesk.run(arguments, as: "customers") { desk in
            let open = try await desk.customer(code)
            let operations = try await desk.inspection.operations(on: open.key, limit: limit)
            if arguments.isOn("--json") {
                Terminal.print(try json(open, operations, limit: limit, at: desk.now).text())
            } else {
                for line in try text(open, operations, limit: limit, at: desk.now) { Terminal.print(line) }
            }
            return 0
        }
    }

    private static func text(
        _ open: OpenAccount, _ operations: [BooksInspection.RecordedOperation], limit: Int, at now: Instant
    ) throws -> [String] {
        let account = open.account
        var lines = [
            "customer \(account.code)  \(open.profile.name)  \(account.email ?? "no address for mail")",
            "owes \(try account.receivable), credit \(account.credit.decimal), pays "
                + (account.arrangement.map { "by \($0.method.rawValue)" } ?? "with nothing yet"),
        ]
        if let parking = account.parking {
            lines.append("parked \(parking.since), \(parking.total): \(parking.reason)")
            if parking.isReleased { lines.append("released; the invoice goes out as it is") }
        }
        lines += try account.subscriptions.flatMap { try $0.text(of: account, at: now) }
        lines += try account.invoices.suffix(limit).flatMap { try $0.head(of: account) }
        return lines + operations.reversed().map(\.text)
    }

    private static func json(
        _ open: OpenAccount, _ operations: [BooksInspection.RecordedOperation], limit: Int, at now: Instant
    ) throws -> JSONValue {
        let account = open.account
        return .present([
            "code": .string(account.code), "name": .string(open.profile.name),
            "email": account.email.map { .string($0) }, "currency": .string(account.currency.code),
            "receivable": .integer(try account.receivable.minorUnits),
            "credit": .integer(account.credit.minorUnits),
            "payment": account.arrangement.map { .string($0.method.rawValue) },
            "parked": account.parking?.shown,
            "subscriptions": .array(try account.subscriptions.map { try $0.json(of: account, at: now) }),
            "invoices": .array(try account.invoices.suffix(limit).map { try $0.json(of: account) }),
            "operations": .array(operations.map(\.json)),
        ])
    }

    @Sendable static func release(_ arguments: Arguments) async throws -> Int32 {
        let code = try arguments.operand("a customer's code", of: "customers release")
        let reason = try arguments.required("--reason")
        return try await BooksDesk.run(arguments, as: "customers") { desk in
            let open = try await desk.customer(code)
            let parking = try await desk.release(open, by: arguments.person, because: reason)
            if arguments.isOn("--json") {
                Terminal.print(
                    JSONValue.present([
                        "customer": .string(open.account.code), "released": true, "parked": parking?.shown,
                    ]).text())
            } else if let parking {
                Terminal.print("released \(open.account.code): its invoice of \(parking.total) goes out as it is")
            } else {
                Terminal.print("released \(open.account.code): what was held is tried again")
            }
            return 0
        }
    }
}

extension Parking {
    /// For people and programs that decide about it.
    var shown: JSONValue {
        [
            "since": .text(since), "reason": .string(reason), "total": .integer(total.minorUnits),
            "currency": .string(total.currency.code), "released": .bool(isReleased),
        ]
    }
}

extension BooksInspection.CustomerFacts {
    var json: JSONValue {
        [
            "code": .string(code), "name": .string(name), "currency": .string(due.currency.code),
            "subscriptions": .integer(Int64(subscriptions)), "due": .integer(due.minorUnits),
            "credit": .integer(credit.minorUnits), "parked_at": parkedAt.map { .text($0) } ?? .null,
        ]
    }
}
