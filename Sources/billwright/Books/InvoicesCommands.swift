internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Money

extension Commands.Command {
    static let invoicesList = Commands.Command(
        "invoices list", "Lists issued invoices in the order of their numbers.",
        settings: [
            .database, .seller, Setting("--customer", "CODE", help: "only this customer's"),
            Setting("--state", "STATE", help: "open, paid, void or uncollectible"),
            Setting("--after", "NUMBER", help: "only those with a later number: the next page"), .limit, .json,
        ],
        run: InvoicesCommands.list)
    static let invoicesShow = Commands.Command(
        "invoices show", "Shows one invoice with its lines and what became of it.", operands: ["NUMBER"],
        settings: [.database, .seller, .json],
        run: { try await InvoicesCommands.show($0, explaining: false) })
    static let invoicesExplain = Commands.Command(
        "invoices explain", "Shows for every line of an invoice how its amount came to be.", operands: ["NUMBER"],
        settings: [.database, .seller, .json],
        discussion: "Each sentence can be followed with a pocket calculator and is worked out from what is stored.",
        run: { try await InvoicesCommands.show($0, explaining: true) })
}

private enum InvoicesCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let limit = try arguments.pageLimit
        let state = arguments.text("--state") == nil ? nil : try arguments.choice("--state", InvoiceState.self)
        return try await BooksDesk.run(arguments, as: "invoices") { desk in
            var customer: CustomerKey?
            if let code = arguments.text("--customer") { customer = try await desk.customer(code).key }
            let page = try await desk.inspection.invoices(
                of: desk.seller.id, customer: customer, state: state, after: arguments.text("--after"), limit: limit)
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(page.map(\.json)).text())
                return 0
            }
            let rows = page.map {
                [
                    $0.number, $0.customer, $0.state.rawValue, "\($0.date)", "due \($0.due)", "\($0.total)",
                    $0.amountDue.isZero ? "" : "to pay \($0.amountDue.decimal)",
                ]
            }
            TextTable(rows).print()
            if page.isEmpty { Terminal.print("no such invoices") }
            if page.count == limit, let last = page.last { Terminal.print("more: --after \(last.number)") }
            return 0
        }
    }

    static func show(_ arguments: Arguments, explaining: Bool) async throws -> Int32 {
        let number = try arguments.operand("an invoice's number", of: explaining ? "invoices explain" : "invoices show")
        return try await BooksDesk.run(arguments, as: "invoices") { desk in
            let (open, place) = try await desk.owner(ofInvoice: number)
            let (account, invoice) = (open.account, open.account.invoices[place])
            if arguments.isOn("--json") {
                Terminal.print(try invoice.json(of: account).text())
                return 0
            }
            let lines = try LinesPage(lines: invoice.lines, account: account).text(explaining: explaining)
            for line in try invoice.head(of: account) + lines { Terminal.print(line) }
            guard !explaining else { return 0 }
            for note in account.notes where note.invoice == place {
                Terminal.print(
                    "credit note \(note.number)  \(note.date)  \(note.total.decimal), credited \(note.credited.decimal), "
                        + "refunded \(note.refunded.decimal)")
            }
            for attempt in account.attempts where attempt.invoice == place {
                Terminal.print(
                    "charge \(attempt.at)  \(attempt.amount)  \(attempt.outcome?.rawValue ?? "not answered")")
            }
            return 0
        }
    }
}

extension BooksInspection.InvoiceFacts {
    var json: JSONValue {
        [
            "number": .string(number), "customer": .string(customer), "state": .string(state.rawValue),
            "date": .text(date), "due": .text(due), "currency": .string(total.currency.code),
            "total": .integer(total.minorUnits), "due_amount": .integer(amountDue.minorUnits),
        ]
    }
}
