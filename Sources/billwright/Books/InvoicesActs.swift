internal import Accounts
internal import Billing
internal import BillingPorts
internal import Commands
internal import JSONText
internal import Money

// What a person does to issued invoices. What is on them never changes.
extension Commands.Command {
    static let invoicesActs = [
        act("void", "Takes back an open invoice of which nothing was paid.") { nth, _, _ in .void(invoice: nth) },
        act("write-off", "Gives up what is still due on an open invoice.") { nth, _, _ in .writeOff(invoice: nth) },
        act(
            "credit-note", "Gives back part of an invoice, before tax; the tax on it follows.",
            [
                Setting("--amount", "AMOUNT", help: "net, spread over all lines, such as 12.50"),
                Setting("--lines", "CODE=AMOUNT,…", help: "net, by lines"),
                Setting("--as", "USE", default: "credit", help: "credit or refund"),
            ]
        ) { nth, currency, arguments in
            .creditNote(
                invoice: nth, try noted(arguments, currency),
                as: try arguments.choice("--as", Accounts.Operation.CreditNoteUse.self))
        },
        act("pay", "Books a payment that came by itself, such as a wire.", [amount("all that is due")]) {
            .pay(invoice: $0, amount: try $2.amount("--amount", $1))
        },
        act("refund", "Pays back what was paid, with a credit note of that total.", [amount("all that was paid")]) {
            .refund(invoice: $0, amount: try $2.amount("--amount", $1))
        },
    ]

    private static func amount(_ otherwise: String) -> Setting {
        Setting("--amount", "AMOUNT", help: "such as 12.50; \(otherwise) if left out")
    }

    private static func noted(
        _ arguments: Arguments, _ currency: Currency
    ) throws -> Accounts.Operation.CreditNoteAmount {
        switch (try arguments.amount("--amount", currency), arguments.text("--lines")) {
        case (let amount?, nil): return .amount(amount)
        case (nil, _?):
            return .lines(
                try arguments.pairs("--lines").map { code, text in
                    guard let amount = try? Money(parsing: text, currency), amount.isPositive else {
                        throw arguments.fault("--lines", text, "an amount of \(currency), such as 12.50")
                    }
                    return Accounts.Operation.NoteLine(code: code, amount: amount)
                })
        default: throw UsageError("'invoices credit-note' needs either --amount or --lines")
        }
    }

    private static func act(
        _ verb: String, _ summary: String, _ settings: [Setting] = [],
        _ operation: @escaping @Sendable (Int, Currency, Arguments) throws -> Accounts.Operation
    ) -> Commands.Command {
        Commands.Command(
            "invoices \(verb)", summary, operands: ["NUMBER"], settings: OperationRun.settings + settings,
            discussion: "With --preview it tells what would be booked, by the same rules, and changes nothing."
        ) { arguments in
            let number = try arguments.operand("an invoice's number", of: "invoices \(verb)")
            if !arguments.isOn("--preview") { _ = try arguments.required("--reason") }
            return try await BooksDesk.run(arguments, as: "invoices") { desk in
                let (open, place) = try await desk.owner(ofInvoice: number)
                let run = OperationRun(
                    desk: desk, arguments: arguments,
                    operation: try operation(place + 1, open.account.currency, arguments), customer: open.key)
                return try await run.run { account in
                    let invoice = account.invoices[place]
                    return (try invoice.head(of: account), try invoice.json(of: account))
                }
            }
        }
    }
}

extension Arguments {
    /// More than zero; nil: not given.
    func amount(_ flag: String, _ currency: Currency) throws(UsageError) -> Money? {
        guard let text = text(flag) else { return nil }
        guard let amount = try? Money(parsing: text, currency), amount.isPositive else {
            throw fault(flag, text, "an amount of \(currency), such as 12.50")
        }
        return amount
    }

    /// What `KEY=VALUE,KEY=VALUE` says, in that order; none if it was not given.
    func pairs(_ flag: String) throws(UsageError) -> [(key: String, value: String)] {
        guard let text = text(flag) else { return [] }
        var pairs: [(key: String, value: String)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, !sides[0].isEmpty, !pairs.contains(where: { $0.key == sides[0] }) else {
                throw fault(flag, text, "CODE=VALUE, several separated by commas, each code once")
            }
            pairs.append((sides[0], sides[1]))
        }
        return pairs
    }

    /// Exact numbers by code, zero or more; none if it was not given.
    func numbers(_ flag: String) throws(UsageError) -> [String: Rational] {
        var numbers: [String: Rational] = [:]
        for (key, text) in try pairs(flag) {
            guard let number = try? Rational(parsing: text), !number.isNegative else {
                throw fault(flag, text, "a number, zero or more")
            }
            numbers[key] = number
        }
        return numbers
    }
}
