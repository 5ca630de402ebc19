internal import Accounts
internal import Billing
internal import Dates
internal import Money

extension DocumentWriter {
    func invoice(_ invoice: Invoice) throws -> Document {
        let currency = invoice.total.currency
        return Document(
            reference: DocumentReference(.invoice, invoice.number),
            metadata: Document.Metadata(
                title: "\(self[.invoice]) \(invoice.number)", author: legalName,
                subject: "\(self[.invoice]) \(invoice.number), \(customerName), \(formats.date(invoice.date))",
                keywords: [invoice.number, account.code, currency.code].joined(separator: ", "),
                language: branding.locale.rawValue, createdAt: invoice.issuedAt),
            look: look, seller: seller, recipient: recipient,
            facts: [
                entry(.invoiceNumber, invoice.number), entry(.date, formats.date(invoice.date)),
                entry(.dueDate, formats.date(invoice.due)), entry(.customer, account.code),
            ],
            headline: try headline(of: invoice), table: try lines(of: invoice), totals: try totals(of: invoice),
            taxes: taxTable(try invoice.taxesByRate), payment: try payment(of: invoice), closing: closing,
            footer: footer, pageLabel: pageLabel)
    }

    private func headline(of invoice: Invoice) throws -> Document.Headline {
        let due = try invoice.amountDue
        let note =
            switch invoice.state {
            case .draft, .open: self[.dueBy].filled("date", with: formats.date(invoice.due))
            case .paid where invoice.total.isNegative: self[.toCredit]
            case .paid: self[.paid]
            case .void: self[.void]
            case .uncollectible: self[.uncollectible]
            }
        return Document.Headline(label: self[.amountDue], value: formats.money(due), note: note)
    }

    // MARK: Lines

    /// Columns in which no line has anything are left out.
    private func lines(of invoice: Invoice) throws -> Document.Table {
        let shown = invoice.lines.filter { $0.kind != .tax }
        let columns: [(title: String, figures: [String])] = [
            (self[.quantity], shown.map(quantity)), (self[.unitPrice], shown.map(unitPrice)),
            (self[.taxShort], shown.map { $0.taxes.map { formats.percent($0.percent) }.joined(separator: " + ") }),
            (amountColumn(account.currency), shown.map { formats.amount($0.amount) }),
        ].filter { $0.figures.contains { !$0.isEmpty } }
        return Document.Table(
            heading: self[.invoice], columns: [self[.description]] + columns.map(\.title),
            rows: try shown.enumerated().map { place, line in
                Document.Row(
                    title: title(of: line), details: details(of: line), explanation: try explanation(of: line),
                    figures: columns.map { $0.figures[place] })
            }, empty: self[.noLines])
    }

    private func quantity(_ line: InvoiceLine) -> String {
        if line.kind == .oneTime, line.quantity == .one { return "" }
        return line.quantity.map(formats.quantity) ?? ""
    }

    private func unitPrice(_ line: InvoiceLine) -> String {
        line.unitPrice.map { formats.unitPrice($0, line.amount.currency) } ?? ""
    }

    func title(of line: InvoiceLine) -> String {
        switch line.kind {
        case .discount: return "\(self[.discount]) \(line.code)"
        case .minimum: return "\(self[.minimum]) – \(planName(line.code, of: line.subscription))"
        case .tax: return "\(self[.taxShort]) \(line.code)"
        case .credit:
            guard case .credit(let corrected, _, _, _, _) = line.explanation, let original = account[corrected] else {
                return "\(self[.unusedTime]) – \(line.code.asWords)"
            }
            return "\(self[.unusedTime]) – \(title(of: original))"
        case .usage, .recurring, .proration, .oneTime:
            let name = line.kind == .usage ? "\(line.code.asWords) (\(self[.usage].lowercased()))" : line.code.asWords
            return line.plan.map { "\(planName($0, of: line.subscription)) – \(name)" } ?? name
        }
    }

    private func details(of line: InvoiceLine) -> [String] {
        var parts: [String] = []
        if let period = line.period { parts.append(formats.period(period)) }
        if line.kind == .proration, let factor = line.factor { parts.append("\(self[.partOfPeriod]): \(factor)") }
        if account.subscriptions.count > 1, let code = line.subscription { parts.append(code) }
        return parts.isEmpty ? [] : [parts.joined(separator: " · ")]
    }

    private func explanation(of line: InvoiceLine) throws -> String? {
        guard branding.explanations ?? (branding.locale.language == "en") else { return nil }
        if case .given = line.explanation { return nil }
        return try line.explanation.sentence { place in
            account.invoices.indices.contains(place) ? account.invoices[place].number : "the invoice before"
        }
    }

    /// As it was sold to that subscription, else as the catalogue has it, else by its code.
    private func planName(_ code: String, of subscription: String?) -> String {
        let sold = account.subscriptions.first { $0.code == subscription && $0.plan.code == code }?.plan
        return (sold ?? account.catalogue[plan: code])?.name ?? code.asWords
    }

    // MARK: Totals

    private func totals(of invoice: Invoice) throws -> [Document.Total] {
        var totals = [plain(self[.subtotal], invoice.subtotal)]
        for tax in try invoice.taxesByRate {
            totals.append(plain("\(self[.taxShort]) \(tax.code) \(formats.percent(tax.percent))", tax.tax))
        }
        totals.append(
            Document.Total(label: self[.total], value: formats.money(invoice.total), weight: .sum))
        try take(invoice.creditApplied, as: self[.creditApplied], off: &totals)
        for note in account.notes where note.invoice == invoice.ordinal {
            let lowered = try note.total - note.credited - note.refunded
            try take(lowered, as: self[.credited].filled("number", with: note.number), off: &totals)
        }
        try take(invoice.paid, as: self[.payments], off: &totals)
        totals.append(
            Document.Total(label: self[.amountDue], value: formats.money(try invoice.amountDue), weight: .due))
        return totals
    }

    func plain(_ label: String, _ amount: Money) -> Document.Total {
        Document.Total(label: label, value: formats.amount(amount), weight: .plain)
    }

    private func take(_ amount: Money, as label: String, off totals: inout [Document.Total]) throws {
        guard !amount.isZero else { return }
        totals.append(plain(label, try amount.negated()))
    }
}

extension Invoice {
    /// Each tax line with what bears it.
    var taxesByRate: [(code: String, percent: Rational, net: Money, tax: Money)] {
        get throws(MoneyFault) {
            var taxes: [(code: String, percent: Rational, net: Money, tax: Money)] = []
            for line in lines {
                guard case .tax(let percent, let nets) = line.explanation else { continue }
                taxes.append((line.code, percent, try Money.sum(nets, in: total.currency), line.amount))
            }
            return taxes
        }
    }
}

extension InvoiceLine {
    private var charge: Explanation.Charge? {
        switch explanation {
        case .charge(let charge), .usage(let charge, _): charge
        case .credit, .minimum, .percentOff, .amountOff, .tax, .given: nil
        }
    }

    /// The code of the plan whose price it bills.
    fileprivate var plan: String? { charge?.basis.plan }

    /// What each costs, in minor units; `nil` where it depends on how many there are.
    fileprivate var unitPrice: Rational? {
        switch charge?.basis.model {
        case .flat(let amount), .oneTime(let amount): Rational(amount.minorUnits)
        case .perUnit(_, let amount, _), .usage(_, let amount, _): amount
        case .graduated, .volume, .package, .percentage, nil: nil
        }
    }
}

extension Account {
    /// `nil`: there is no such line.
    subscript(reference: LineReference) -> InvoiceLine? {
        guard invoices.indices.contains(reference.invoice),
            invoices[reference.invoice].lines.indices.contains(reference.line)
        else { return nil }
        return invoices[reference.invoice].lines[reference.line]
    }
}

extension String {
    /// A code as people read it: `extra_users` is `Extra users`.
    var asWords: String {
        let text = String(map { $0 == "_" ? " " : $0 })
        return text.prefix(1).uppercased() + text.dropFirst()
    }
}
