internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Ledger
internal import Money

/// Lines of an invoice, issued or not, as people and programs read them.
struct LinesPage {
    let lines: [InvoiceLine]
    /// Whose they are.
    let account: Account

    /// How the amount came to be, with the numbers of the invoices that it refers to.
    private func sentence(_ line: InvoiceLine) throws -> String {
        try line.explanation.sentence { place in
            account.invoices.indices.contains(place) ? account.invoices[place].number : "the invoice before"
        }
    }

    /// A line each, and below it, where that is asked, how its amount came to be.
    func text(explaining: Bool, indent: String = "  ") throws -> [String] {
        let rows = lines.map { line in
            [
                line.amount.decimal, line.kind.rawValue, line.code, line.subscription ?? "",
                line.period.map { "\($0.start) to \($0.end)" } ?? "",
                line.quantity.map { $0 == .one ? "" : "\($0)" } ?? "",
            ]
        }
        let table = TextTable(rows, indent: indent).lines
        guard explaining else { return table }
        return try zip(table, lines).flatMap { text, line in [text, "\(indent)    = \(try sentence(line))"] }
    }

    func json() throws -> JSONValue {
        .array(
            try lines.map { line in
                .present([
                    "kind": .string(line.kind.rawValue), "code": .string(line.code),
                    "subscription": line.subscription.map { .string($0) },
                    "period": line.period.map { [.text($0.start), .text($0.end)] },
                    "quantity": line.quantity.map { .text($0) }, "factor": line.factor.map { .text($0) },
                    "amount": .integer(line.amount.minorUnits), "explanation": .string(try sentence(line)),
                ])
            })
    }
}

extension Invoice {
    /// Its head in two lines.
    func head(of account: Account) throws -> [String] {
        let settled = [("paid", paid), ("credit", creditApplied), ("noted", noted), ("refunded", refunded)]
            .filter { !$0.1.isZero }.map { ", \($0.0) \($0.1.decimal)" }.joined()
        return [
            "invoice \(number)  \(state.rawValue)  customer \(account.code)  issued \(date)  due \(due)",
            "total \(total)\(tax.isZero ? "" : ", tax \(tax.decimal)"), to pay \(try amountDue.decimal)\(settled)",
        ]
    }

    /// Amounts are whole minor units.
    func json(of account: Account) throws -> JSONValue {
        .present([
            "number": .string(number), "customer": .string(account.code), "state": .string(state.rawValue),
            "date": .text(date), "due": .text(due), "currency": .string(total.currency.code),
            "subtotal": .integer(subtotal.minorUnits), "tax": .integer(tax.minorUnits),
            "total": .integer(total.minorUnits), "credit_applied": .integer(creditApplied.minorUnits),
            "paid": .integer(paid.minorUnits), "noted": .integer(noted.minorUnits),
            "refunded": .integer(refunded.minorUnits), "due_amount": .integer(try amountDue.minorUnits),
            "lines": try LinesPage(lines: lines, account: account).json(),
        ])
    }
}

extension JournalEntry {
    var text: [String] {
        postings.map { "  \(kind.rawValue) \(reference): \($0.debit.rawValue) from \($0.credit.rawValue) \($0.amount)" }
    }

    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "reference": .string(reference), "date": .text(date),
            "postings": .array(
                postings.map {
                    [
                        "debit": .string($0.debit.rawValue), "credit": .string($0.credit.rawValue),
                        "amount": .integer($0.amount.minorUnits), "currency": .string($0.amount.currency.code),
                    ]
                }),
        ]
    }
}
