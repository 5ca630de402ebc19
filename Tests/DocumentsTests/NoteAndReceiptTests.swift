import Accounts
import Billing
import Dates
import Documents
import Money
import Testing

@Suite struct NoteAndReceiptTests {
    private static func cents(_ cents: Int64) -> Money { Money(minorUnits: cents, .eur) }
    private static let later = SampleAccount.june + .seconds(86_400)

    @Test func `a credit note says what it gives back of which line, and what becomes of it`() throws {
        var account = try SampleAccount.invoiced(coupons: [])
        try account.perform(.pay(invoice: 1, amount: nil), at: SampleAccount.june)
        let line = Operation.NoteLine(code: "extra_seats", amount: Self.cents(900))
        try account.perform(.creditNote(invoice: 1, .lines([line]), as: .refund), at: Self.later)
        let document = try #require(try account.document(DocumentReference(.creditNote, "ACME-CN-0001")))
        #expect(document.metadata.title == "Credit note ACME-CN-0001")
        #expect(document.facts.map(\.value) == ["ACME-CN-0001", "Jun 2, 2026", "ACME-0001", "acme"])
        #expect(document.table.rows.map(\.title) == ["Team plan – Extra seats"])
        #expect(document.table.rows.map(\.figures) == [["20%", "9.00"]])
        #expect(
            document.totals.map { "\($0.label) \($0.value)" }
                == ["Subtotal 9.00", "Tax FR 20% 1.80", "Total €10.80", "Paid back to you 10.80"])
        #expect(document.headline.note == "For invoice ACME-0001")
    }

    @Test func `a receipt is of one payment, and does not change with the next`() throws {
        var account = try SampleAccount.invoiced(coupons: [])
        try account.perform(.pay(invoice: 1, amount: Self.cents(3000)), at: SampleAccount.june)
        let reference = DocumentReference.receipt(ofInvoice: "ACME-0001", payment: 1)
        let first = try #require(try account.document(reference))
        #expect(first.headline.value == "€30.00" && first.headline.note == "Paid on Jun 1, 2026")
        #expect(
            first.totals.map { "\($0.label) \($0.value)" } == [
                "Invoice total 80.40", "Amount received €30.00", "Still due €50.40",
            ])
        try account.perform(.pay(invoice: 1, amount: Self.cents(6000)), at: Self.later)
        #expect(try account.document(reference) == first)
        let second = try #require(try account.document(.receipt(ofInvoice: "ACME-0001", payment: 2)))
        #expect(second.table.rows.map(\.figures) == [["Jun 1, 2026", "30.00"], ["Jun 2, 2026", "60.00"]])
        #expect(
            second.totals.map { "\($0.label) \($0.value)" } == [
                "Invoice total 80.40", "Received before 30.00", "Amount received €60.00", "Added to your credit 9.60",
                "Still due €0.00",
            ])
        #expect(try account.document(.receipt(ofInvoice: "ACME-0001", payment: 3)) == nil)
    }

    @Test func `what makes a document is found in what has changed`() throws {
        let before = try SampleAccount.make()
        var account = try SampleAccount.invoiced()
        try account.perform(.pay(invoice: 1, amount: nil), at: SampleAccount.june)
        let occasions = DocumentWriter.occasions(in: account, since: before)
        #expect(occasions.map { "\($0.kind) \($0.number)" } == ["invoice ACME-0001", "receipt ACME-0001"])
        let writer = DocumentWriter(account, customerName: "Acme", sellerName: "Shop", branding: Branding())
        #expect(writer.references(.receipt, "ACME-0001").map(\.number) == ["ACME-0001-R1"])
        #expect(writer.references(.receipt, "ACME-0009").isEmpty)
    }
}
