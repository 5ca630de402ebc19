public import Accounts
public import Billing
internal import Dates
internal import Ledger
internal import Money

/// Writes the documents of one customer: everything on them comes from the account and from what the seller says of
/// itself, so the same books give the same document.
public struct DocumentWriter: Sendable {
    let account: Account
    let customerName: String
    let sellerName: String
    let branding: Branding
    let formats: Formats
    private let givenLink: String?

    /// Receipts need an account that was read with its entries. `paymentLink`: in place of the seller's own.
    public init(
        _ account: Account, customerName: String, sellerName: String, branding: Branding, paymentLink: String? = nil
    ) {
        self.account = account
        self.customerName = customerName
        self.sellerName = sellerName
        self.branding = branding
        formats = Formats(locale: branding.locale)
        givenLink = paymentLink
    }

    /// `nil`: there is no such document. Throws for amounts that cannot be worked out.
    public func document(_ reference: DocumentReference) throws -> Document? {
        switch reference.kind {
        case .invoice:
            guard let invoice = account.invoices.first(where: { $0.number == reference.number }) else { return nil }
            return try self.invoice(invoice)
        case .creditNote:
            guard let note = account.notes.first(where: { $0.number == reference.number }) else { return nil }
            return try creditNote(note)
        case .receipt: return try receipt(reference)
        }
    }

    /// What came to be since the account was read that makes a document: kind and number, an invoice's for its receipts.
    public static func occasions(
        in account: Account, since before: Account
    ) -> [(kind: DocumentReference.Kind, number: String)] {
        let paid = account.entries.filter { $0.kind == .paymentReceived }.map(\.reference)
        return account.invoices.dropFirst(before.invoices.count).map { (.invoice, $0.number) }
            + account.notes.dropFirst(before.notes.count).map { (.creditNote, $0.number) }
            + Set(paid).sorted().map { (.receipt, $0) }
    }

    /// The documents that such an occasion makes; of an invoice's receipts those of all payments so far.
    public func references(_ kind: DocumentReference.Kind, _ number: String) -> [DocumentReference] {
        guard kind == .receipt else { return [DocumentReference(kind, number)] }
        guard let invoice = account.invoices.first(where: { $0.number == number }) else { return [] }
        let payments = account.movements(of: invoice).count { $0.amount.isPositive }
        return (0..<payments).map { .receipt(ofInvoice: number, payment: $0 + 1) }
    }

    subscript(word: Word) -> String { branding.locale[word] }

    // MARK: What all of them have

    var legalName: String { branding.legalName ?? sellerName }

    var seller: Document.Party {
        let contact = [branding.email, branding.phone, branding.website].compactMap { $0 }
        return Document.Party(
            heading: "", name: legalName,
            lines: branding.address + contact + branding.taxIDs.map { "\($0.name) \($0.value)" })
    }

    var recipient: Document.Party {
        let address = account.address
        let region = [address?.postalCode, address?.region].compactMap { $0 }.joined(separator: " ")
        let place = [region, address?.country ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
        return Document.Party(
            heading: self[.billTo], name: customerName,
            lines: [place, account.email ?? ""].filter { !$0.isEmpty })
    }

    var look: Document.Look {
        Document.Look(paper: branding.printedPaper, colour: branding.colour, logo: branding.logo)
    }

    var closing: [String] {
        (branding.footer ?? "").split(separator: "\n").map { $0.trimmed }.filter { !$0.isEmpty }
    }

    /// One line at the foot of each page.
    var footer: String {
        ([legalName] + branding.address + branding.taxIDs.map { "\($0.name) \($0.value)" }).joined(separator: " · ")
    }

    var pageLabel: Document.PageLabel { Document.PageLabel(pattern: self[.page]) }

    func entry(_ word: Word, _ value: String) -> Document.Entry { Document.Entry(label: self[word], value: value) }

    func payment(of invoice: Invoice) throws -> Document.Payment? {
        let link = givenLink ?? branding.paymentLink?.filled("number", with: invoice.number)
        guard try invoice.amountDue.isPositive, link != nil || !branding.payment.isEmpty else { return nil }
        return Document.Payment(
            heading: self[.howToPay], lines: branding.payment, link: link,
            linkLabel: link == nil ? "" : self[.scanToPay])
    }

    /// A tax, what bears it and what it comes to, for each rate in turn.
    func taxTable(_ taxes: [(code: String, percent: Rational, net: Money, tax: Money)]) -> Document.Table? {
        guard let currency = taxes.first?.net.currency.code else { return nil }
        return Document.Table(
            heading: self[.taxSummary],
            columns: [
                self[.taxShort], self[.rate], "\(self[.taxable]) (\(currency))", "\(self[.tax]) (\(currency))",
            ],
            rows: taxes.map {
                Document.Row(
                    title: $0.code, details: [], explanation: nil,
                    figures: [formats.percent($0.percent), formats.amount($0.net), formats.amount($0.tax)])
            }, empty: "")
    }

    func amountColumn(_ currency: Currency) -> String { "\(self[.amount]) (\(currency.code))" }
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
