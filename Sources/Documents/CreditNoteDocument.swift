internal import Accounts
internal import Billing
internal import Dates
internal import Money

extension DocumentWriter {
    /// Amounts stand as they are given back, positive.
    func creditNote(_ note: CreditNote) throws -> Document {
        let invoice = account.invoices[note.invoice]
        return Document(
            reference: DocumentReference(.creditNote, note.number),
            metadata: Document.Metadata(
                title: "\(self[.creditNote]) \(note.number)", author: legalName,
                subject: "\(self[.creditNote]) \(note.number), \(customerName), \(formats.date(note.date))",
                keywords: [note.number, invoice.number, account.code, note.total.currency.code].joined(separator: ", "),
                language: branding.locale.rawValue, createdAt: note.issuedAt),
            look: look, seller: seller, recipient: recipient,
            facts: [
                entry(.creditNoteNumber, note.number), entry(.date, formats.date(note.date)),
                entry(.ofInvoice, invoice.number), entry(.customer, account.code),
            ],
            headline: Document.Headline(
                label: self[.creditedTotal], value: formats.money(note.total),
                note: "\(self[.ofInvoice]) \(invoice.number)"),
            table: shares(of: note, on: invoice), totals: try totals(of: note), taxes: taxTable(try note.taxesByRate),
            payment: nil, closing: closing, footer: footer, pageLabel: pageLabel)
    }

    private func shares(of note: CreditNote, on invoice: Invoice) -> Document.Table {
        let isTaxed = note.shares.contains { !$0.taxes.isEmpty }
        return Document.Table(
            heading: self[.creditNote],
            columns: [self[.description]] + (isTaxed ? [self[.taxShort]] : []) + [amountColumn(account.currency)],
            rows: note.shares.map { share in
                let line = account[LineReference(invoice: note.invoice, line: share.line)]
                let taxes = share.taxes.map { formats.percent($0.percent) }.joined(separator: " + ")
                return Document.Row(
                    title: line.map(title) ?? "", details: line?.period.map { [formats.period($0)] } ?? [],
                    explanation: nil, figures: (isTaxed ? [taxes] : []) + [formats.amount(share.net)])
            }, empty: self[.noLines])
    }

    private func totals(of note: CreditNote) throws -> [Document.Total] {
        var totals = [plain(self[.subtotal], note.subtotal)]
        for tax in try note.taxesByRate {
            totals.append(plain("\(self[.taxShort]) \(tax.code) \(formats.percent(tax.percent))", tax.tax))
        }
        totals.append(Document.Total(label: self[.total], value: formats.money(note.total), weight: .due))
        let lowered = try note.total - note.credited - note.refunded
        for (word, amount) in [(Word.toInvoice, lowered), (.toCredit, note.credited), (.toRefund, note.refunded)]
        where !amount.isZero {
            totals.append(plain(self[word], amount))
        }
        return totals
    }
}

extension CreditNote {
    /// What it gives back of each tax, with what bore it.
    fileprivate var taxesByRate: [(code: String, percent: Rational, net: Money, tax: Money)] {
        get throws(MoneyFault) {
            var taxes: [(code: String, percent: Rational, net: Money, tax: Money)] = []
            for share in shares {
                for tax in share.taxes {
                    if let index = taxes.firstIndex(where: { $0.code == tax.code && $0.percent == tax.percent }) {
                        taxes[index].net = try taxes[index].net + share.net
                        taxes[index].tax = try taxes[index].tax + tax.amount
                    } else {
                        taxes.append((tax.code, tax.percent, share.net, tax.amount))
                    }
                }
            }
            return taxes
        }
    }
}
