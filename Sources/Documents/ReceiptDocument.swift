internal import Accounts
internal import Billing
internal import Dates
internal import Ledger
internal import Money

extension DocumentWriter {
    /// Of a payment as it was booked: what came before it stands on the receipt, what came after does not.
    func receipt(_ reference: DocumentReference) throws -> Document? {
        guard let (number, place) = reference.receiptParts,
            let invoice = account.invoices.first(where: { $0.number == number })
        else { return nil }
        let booked = account.movements(of: invoice)
        let received = booked.indices.filter { booked[$0].amount.isPositive }
        guard received.indices.contains(place - 1) else { return nil }
        let shown = Array(booked[...received[place - 1]])
        guard let payment = shown.last else { return nil }
        return Document(
            reference: reference,
            metadata: Document.Metadata(
                title: "\(self[.receipt]) \(reference.number)", author: legalName,
                subject: "\(self[.receipt]) \(reference.number), \(customerName), \(formats.date(payment.date))",
                keywords: [reference.number, number, account.code, payment.amount.currency.code].joined(
                    separator: ", "),
                language: branding.locale.rawValue, createdAt: account.sellerZone.instant(of: payment.date)),
            look: look, seller: seller, recipient: recipient,
            facts: [
                entry(.receiptNumber, reference.number), entry(.date, formats.date(payment.date)),
                entry(.ofInvoice, number), entry(.customer, account.code),
            ],
            headline: Document.Headline(
                label: self[.amountReceived], value: formats.money(payment.amount),
                note: self[.paidOn].filled("date", with: formats.date(payment.date))),
            table: table(shown), totals: try totals(of: invoice, after: shown), taxes: nil, payment: nil,
            closing: closing, footer: footer, pageLabel: pageLabel)
    }

    private func table(_ movements: [Movement]) -> Document.Table {
        Document.Table(
            heading: self[.payments],
            columns: [self[.description], self[.date], amountColumn(account.currency)],
            rows: movements.map {
                Document.Row(
                    title: self[$0.amount.isPositive ? .paymentReceived : .paymentReturned],
                    details: $0.method.map { [name($0)] } ?? [], explanation: nil,
                    figures: [formats.date($0.date), formats.amount($0.amount)])
            }, empty: self[.noLines])
    }

    private func name(_ method: PaymentArrangement.Method) -> String {
        switch method {
        case .card: self[.card]
        case .ach: self[.bankDebit]
        case .wire: self[.bankTransfer]
        }
    }

    private func totals(of invoice: Invoice, after movements: [Movement]) throws -> [Document.Total] {
        guard let payment = movements.last else { return [] }
        let before = try Money.sum(movements.dropLast().map(\.amount), in: payment.amount.currency)
        var totals = [plain(self[.invoiceTotal], invoice.total)]
        if !before.isZero { totals.append(plain(self[.receivedBefore], before)) }
        totals.append(
            Document.Total(label: self[.amountReceived], value: formats.money(payment.amount), weight: .sum))
        if payment.credited.isPositive { totals.append(plain(self[.toCredit], payment.credited)) }
        totals.append(Document.Total(label: self[.stillDue], value: formats.money(payment.left), weight: .due))
        return totals
    }
}

/// Money that came for an invoice, or went back.
struct Movement {
    let date: LocalDate
    /// Negative for what went back.
    var amount: Money
    /// What of it was too much and became credit.
    var credited: Money
    /// What was due on the invoice afterwards.
    let left: Money
    let method: PaymentArrangement.Method?
}

extension Account {
    /// What was received for an invoice and returned of it, in the order in which it was booked.
    func movements(of invoice: Invoice) -> [Movement] {
        let references = Set(
            [invoice.number] + notes.filter { $0.invoice == invoice.ordinal }.map(\.number))
        let zero = Money.zero(currency)
        var left: Int64 = 0
        var movements: [Movement] = []
        for entry in entries where references.contains(entry.reference) {
            left += entry.change(of: .receivable)
            guard entry.reference == invoice.number, entry.kind == .paymentReceived || entry.kind == .paymentReturned
            else { continue }
            let amount = Money(minorUnits: entry.change(of: .cash), currency)
            if entry.change(of: .receivable) == 0, !movements.isEmpty {
                // What is too much is booked right after what was due.
                let last = movements.count - 1
                movements[last].amount = Money(
                    minorUnits: movements[last].amount.minorUnits + amount.minorUnits, currency)
                movements[last].credited = amount
                continue
            }
            movements.append(
                Movement(
                    date: entry.date, amount: amount, credited: zero,
                    left: Money(minorUnits: max(0, left), currency), method: method(of: amount, invoice, on: entry.date)
                ))
        }
        return movements
    }

    /// Of the charge that brought that amount that day, if a charge did.
    private func method(of amount: Money, _ invoice: Invoice, on date: LocalDate) -> PaymentArrangement.Method? {
        attempts.first {
            $0.invoice == invoice.ordinal && $0.outcome == .success && $0.amount.minorUnits >= amount.minorUnits
                && sellerZone.localDate(of: $0.at) <= date
        }?.method
    }
}

extension JournalEntry {
    /// By how many minor units it raises an asset.
    fileprivate func change(of account: LedgerAccount) -> Int64 {
        postings.reduce(0) { sum, posting in
            sum + (posting.debit == account ? posting.amount.minorUnits : 0)
                - (posting.credit == account ? posting.amount.minorUnits : 0)
        }
    }
}
