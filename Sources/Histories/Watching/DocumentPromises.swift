internal import Accounts
internal import Billing
internal import Ledger
internal import Money

extension Promise {
    /// Of invoices and credit notes.
    static let documents = [
        Promise("an invoice is the sum of its lines") { settled in
            for invoice in settled.account.invoices {
                let taxes = try settled.sum(invoice.lines.filter { $0.kind == .tax }.map(\.amount))
                let rest = try settled.sum(invoice.lines.filter { $0.kind != .tax }.map(\.amount))
                guard taxes == invoice.tax, rest == invoice.subtotal, try taxes + rest == invoice.total else {
                    return "\(invoice.number) is \(invoice.subtotal) and \(invoice.tax), its lines \(rest) and \(taxes)"
                }
            }
            return nil
        },
        Promise("a line's explanation comes to its amount") { settled in
            for invoice in settled.account.invoices {
                for line in invoice.lines where try line.explanation.evaluate() != line.amount {
                    return
                        "\(invoice.number) \(line.code): \(line.amount), explained as \(try line.explanation.evaluate())"
                }
            }
            return nil
        },
        Promise("shares of discounts and taxes add up to their lines") { settled in
            for invoice in settled.account.invoices {
                let charges = invoice.lines.filter(\.isCharge)
                for kind in [InvoiceLine.Kind.discount, .tax] {
                    let lines = invoice.lines.filter { $0.kind == kind }
                    let shares =
                        kind == .tax
                        ? charges.flatMap { $0.taxes.map { ($0.code, $0.amount) } }
                        : charges.flatMap { $0.discounts.map { ($0.code, $0.amount) } }
                    for code in Set(lines.map(\.code) + shares.map(\.0)).sorted() {
                        let whole = try settled.sum(lines.filter { $0.code == code }.map(\.amount))
                        let parts = try settled.sum(shares.filter { $0.0 == code }.map(\.1))
                        if whole != parts { return "\(invoice.number) \(code): \(whole), its shares \(parts)" }
                    }
                }
            }
            return nil
        },
        Promise("a discount never takes more than there is") { settled in
            for invoice in settled.account.invoices {
                for line in invoice.lines where line.isCharge && !line.discounts.isEmpty {
                    guard try line.amount.isPositive && !line.net.isNegative else {
                        return "\(invoice.number) \(line.code): \(line.amount), left \(try line.net)"
                    }
                }
            }
            return nil
        },
        Promise("no more of a line is given back than it was") { settled in
            for (reference, back) in try settled.givenBack() {
                let invoice = settled.account.invoices[reference.invoice]
                let line = invoice.lines[reference.line]
                guard try back.minorUnits <= line.net.minorUnits else {
                    return "\(back) of the \(try line.net) of \(invoice.number) \(line.code)"
                }
            }
            return nil
        },
        Promise("no more tax is given back than was charged") { settled in
            for (index, invoice) in settled.account.invoices.enumerated() {
                for (place, line) in invoice.lines.enumerated() where line.isCharge {
                    var back = settled.zero
                    for later in settled.account.invoices {
                        for credit in later.lines {
                            guard
                                case .credit(LineReference(invoice: index, line: place), _, _, _, _) = credit
                                    .explanation
                            else { continue }
                            back = try back - settled.sum(credit.taxes.map(\.amount))
                        }
                    }
                    for note in settled.account.notes where note.invoice == index {
                        for share in note.shares where share.line == place {
                            back = try back + settled.sum(share.taxes.map(\.amount))
                        }
                    }
                    let tax = try settled.sum(line.taxes.map(\.amount))
                    // Parts are rounded each for itself, so they may be a minor unit off each.
                    let slack = Int64(line.taxes.count * (settled.account.invoices.count + settled.account.notes.count))
                    if !tax.isNegative, back.minorUnits > tax.minorUnits + slack {
                        return "\(back) of the \(tax) on \(invoice.number) \(line.code)"
                    }
                }
            }
            return nil
        },
        Promise("what became of an invoice fits what it is") { settled in
            for invoice in settled.account.invoices {
                let parts = [
                    invoice.paid, invoice.creditApplied, invoice.noted, invoice.refunded, invoice.chargedBack,
                ]
                if parts.contains(where: \.isNegative) { return "\(invoice.number): \(parts)" }
                if invoice.refunded.minorUnits > invoice.paid.minorUnits {
                    return "\(invoice.number): \(invoice.refunded) of \(invoice.paid) paid back"
                }
                let settledPart = try invoice.paid + invoice.creditApplied + invoice.noted
                let total = max(0, invoice.total.minorUnits)
                switch invoice.state {
                case .open where settledPart.minorUnits >= total, .paid where settledPart.minorUnits != total:
                    return "\(invoice.number) is \(invoice.state), \(settledPart) of \(invoice.total)"
                case .void where !invoice.paid.isZero || !invoice.creditApplied.isZero:
                    return "\(invoice.number) is void, \(settledPart) of it settled"
                case .uncollectible where settledPart.minorUnits >= total, .draft:
                    return "\(invoice.number) is \(invoice.state), \(settledPart) of \(invoice.total)"
                default: break
                }
            }
            return nil
        },
        Promise("numbers run without a gap") { settled in
            let account = settled.account
            for (place, invoice) in account.invoices.enumerated() where account.settings.numbering.scheme == .customer {
                let number = account.settings.numbering.number(Int64(place + 1), customer: account.code)
                if invoice.number != number { return "\(invoice.number) where \(number) is due" }
            }
            for (place, note) in account.notes.enumerated() where !note.number.hasSuffix("-\(place + 1)") {
                let digits = note.number.split(separator: "-").last.flatMap { Int($0) }
                if digits != place + 1 { return "\(note.number) is note number \(place + 1)" }
            }
            return nil
        },
        Promise("a credit note is the sum of its shares, and paid back or credited no more than that") { settled in
            for note in settled.account.notes {
                let net = try settled.sum(note.shares.map(\.net))
                let tax = try settled.sum(note.shares.flatMap { $0.taxes.map(\.amount) })
                let given = try note.credited + note.refunded
                guard net == note.subtotal, tax == note.tax, try net + tax == note.total,
                    !note.credited.isNegative, !note.refunded.isNegative, given.minorUnits <= note.total.minorUnits,
                    note.total.isPositive, note.shares.allSatisfy({ !$0.net.isNegative })
                else { return "\(note.number): \(net) + \(tax), \(note.total), \(note.credited), \(note.refunded)" }
            }
            return nil
        },
    ]
}
