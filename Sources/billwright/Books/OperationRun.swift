internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import JSONText
internal import Money

/// One operation from the command line: done with its reason, or only shown.
struct OperationRun {
    let desk: BooksDesk
    let arguments: Arguments
    let operation: Accounts.Operation
    let customer: CustomerKey

    static let settings: [Setting] = [
        .database, .seller, .by, .reason,
        Setting(switch: "--preview", help: "tell what it would bring and change nothing"), .json,
    ]

    /// `tell` says of the account how it stands now.
    func run(_ tell: (Account) throws -> (text: [String], json: JSONValue)) async throws -> Int32 {
        if arguments.isOn("--preview") {
            try await preview(tell)
            return 0
        }
        let reason = try arguments.required("--reason")
        try await desk.perform(operation, for: customer, by: arguments.person, because: reason)
        guard let after = try await desk.inspection.accounts([customer]).first?.account else { return 1 }
        let (text, json) = try tell(after)
        if arguments.isOn("--json") { Terminal.print(json.text()) } else { for line in text { Terminal.print(line) } }
        return 0
    }

    private func preview(_ tell: (Account) throws -> (text: [String], json: JSONValue)) async throws {
        let (after, late, billing) = try await desk.preview(operation, for: customer)
        let (text, json) = try tell(after)
        if arguments.isOn("--json") {
            Terminal.print(
                JSONValue.present([
                    "preview": true, "after": json, "entries": .array(after.entries.map(\.json)),
                    "late_invoices": late.isEmpty ? nil : .array(try late.map { try $0.json(of: after) }),
                    "invoices": .array(try billing.issues.map { try $0.json(of: after) }),
                    "held": billing.parking.map { .string($0.reason) },
                ]).text())
            return
        }
        for invoice in late { Terminal.print("is due before and would be invoiced first: \(invoice.total)") }
        for line in text + after.entries.flatMap(\.text) { Terminal.print(line) }
        for issue in billing.issues {
            Terminal.print("would be invoiced on \(issue.date): \(issue.draft.total)")
            let page = LinesPage(lines: issue.draft.lines, account: after)
            for line in try page.text(explaining: true) { Terminal.print(line) }
        }
        if let parking = billing.parking {
            Terminal.print("would be held, \(parking.total): \(parking.reason)")
        } else if billing.issues.isEmpty {
            Terminal.print("would be invoiced now: nothing")
        }
        Terminal.print("nothing was changed")
    }
}

extension BillingPreview.Issue {
    func json(of account: Account) throws -> JSONValue {
        [
            "date": .text(date), "currency": .string(draft.total.currency.code),
            "subtotal": .integer(draft.subtotal.minorUnits), "tax": .integer(draft.tax.minorUnits),
            "total": .integer(draft.total.minorUnits),
            "lines": try LinesPage(lines: draft.lines, account: account).json(),
        ]
    }
}
