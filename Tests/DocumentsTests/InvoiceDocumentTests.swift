import Accounts
import Billing
import Dates
import Documents
import Money
import Testing

@Suite struct InvoiceDocumentTests {
    private static let first = DocumentReference(.invoice, "ACME-0001")

    @Test func `an invoice says what was billed, why, and what is due`() throws {
        let document = try #require(try SampleAccount.invoiced().document(Self.first))
        #expect(document.metadata.title == "Invoice ACME-0001" && document.metadata.author == "Shop Software Ltd")
        #expect(document.metadata.createdAt == SampleAccount.june && document.metadata.language == "en-US")
        #expect(document.facts.map(\.value) == ["ACME-0001", "Jun 1, 2026", "Jun 15, 2026", "acme"])
        #expect(document.recipient.name == "Acme GmbH" && document.recipient.lines[0] == "75001, FR")
        #expect(document.table.columns == ["Description", "Quantity", "Unit price", "Tax", "Amount (EUR)"])
        #expect(document.table.rows.map(\.title) == ["Team plan – Base", "Team plan – Extra seats", "Discount SPRING"])
        let seats = document.table.rows[1]
        #expect(seats.details == ["Jun 1, 2026 – Jun 30, 2026"] && seats.explanation == "9.00 x (5 - 3) = 18.00")
        #expect(seats.figures == ["5", "9.00", "20%", "18.00"])
        #expect(document.totals.map(\.label) == ["Subtotal", "Tax FR 20%", "Total", "Amount due"])
        #expect(document.totals.map(\.value) == ["60.30", "12.06", "€72.36", "€72.36"])
        #expect(document.taxes?.rows.map(\.figures) == [["20%", "60.30", "12.06"]])
        #expect(document.headline.value == "€72.36" && document.headline.note == "Due Jun 15, 2026")
        #expect(document.closing == ["Thank you.", "Payable in euros."])
        #expect(document.payment == nil)
    }

    @Test func `payments and credits come off what is due`() throws {
        var account = try SampleAccount.invoiced()
        try account.perform(.pay(invoice: 1, amount: Money(minorUnits: 1000, .eur)), at: SampleAccount.june)
        let note = Operation.CreditNoteAmount.amount(Money(minorUnits: 500, .eur))
        try account.perform(.creditNote(invoice: 1, note, as: .credit), at: SampleAccount.june)
        let document = try #require(try account.document(Self.first))
        #expect(
            document.totals.suffix(3).map { "\($0.label) \($0.value)" }
                == ["Credit note ACME-CN-0001 -6.00", "Payments -10.00", "Amount due €56.36"])
    }

    @Test func `a way to pay stands there as long as something is due`() throws {
        var branding = SampleAccount.branding()
        branding.paymentLink = "https://pay.example/{number}"
        branding.payment = ["IBAN FR76"]
        var account = try SampleAccount.invoiced()
        let own = try #require(try account.document(Self.first, branding)?.payment)
        #expect(own.link == "https://pay.example/ACME-0001" && own.lines == ["IBAN FR76"])
        let given = try account.document(Self.first, branding, link: "https://pay.example/t/1")
        #expect(given?.payment?.link == "https://pay.example/t/1")
        try account.perform(.pay(invoice: 1, amount: nil), at: SampleAccount.june)
        let paid = try #require(try account.document(Self.first, branding))
        #expect(paid.payment == nil && paid.headline.note == "Paid" && paid.headline.value == "€0.00")
    }

    @Test func `an unused rest is named after what it gives back`() throws {
        var account = try SampleAccount.invoiced(coupons: [])
        let middle = SampleAccount.june + .seconds(15 * 86_400)
        try account.perform(
            .changeQuantity(subscription: "acme-1", unit: "seat", quantity: 10, Operation.Timing()), at: middle)
        try account.bill(at: middle)
        let document = try #require(try account.document(DocumentReference(.invoice, "ACME-0002")))
        #expect(
            document.table.rows.map(\.title)
                == ["Unused time – Team plan – Extra seats", "Team plan – Extra seats"])
        #expect(document.table.rows[1].details[0].contains("part of the period: 15/30"))
        #expect(document.table.rows[0].figures.last == "-9.00")
    }

    @Test(arguments: [
        ("JPY", "¥6,030", "Amount (JPY)"), ("KWD", "KWD\u{A0}6.030", "Amount (KWD)"), ("USD", "$60.30", "Amount (USD)"),
    ])
    func `each currency has its own decimals`(code: String, total: String, column: String) throws {
        let account = try SampleAccount.invoiced(Currency(code: code), country: "JP")
        let document = try #require(try account.document(Self.first))
        #expect(document.headline.value == total && document.table.columns.last == column)
        #expect(document.taxes == nil && !document.table.columns.contains("Tax"))
    }

    @Test func `a German invoice is German, and its sums are not told in English`() throws {
        let document = try #require(try SampleAccount.invoiced().document(Self.first, SampleAccount.branding(.german)))
        #expect(document.metadata.title == "Rechnung ACME-0001" && document.metadata.language == "de-DE")
        #expect(document.totals.last?.label == "Zu zahlen" && document.totals.last?.value == "72,36\u{A0}€")
        #expect(document.headline.note == "Fällig am 15.06.2026")
        #expect(document.table.rows.allSatisfy { $0.explanation == nil })
        var branding = SampleAccount.branding(.german)
        branding.explanations = true
        #expect(try SampleAccount.invoiced().document(Self.first, branding)?.table.rows[0].explanation != nil)
    }

    @Test func `the same books give the same document, and other numbers none`() throws {
        let account = try SampleAccount.invoiced()
        #expect(try account.document(Self.first) == account.document(Self.first))
        for kind in DocumentReference.Kind.allCases {
            #expect(try account.document(DocumentReference(kind, "ACME-0009")) == nil)
        }
    }
}
