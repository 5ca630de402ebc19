import Billing
import Dates
import Money
import Testing

@testable import Documents

@Suite struct FormatsTests {
    private static let (jpy, kwd, usd, eur, chf) = ("JPY", "KWD", "USD", "EUR", "CHF")

    @Test(arguments: [
        (DocumentLocale.english, "1234567.5", "USD", "$1,234,567.50"), (.english, "-29", "USD", "-$29.00"),
        (.english, "1234", "JPY", "¥1,234"), (.english, "1234.5", "KWD", "KWD\u{A0}1,234.500"),
        (.british, "1234.5", "USD", "US$1,234.50"), (.british, "0.05", "GBP", "£0.05"),
        (.german, "1234.5", "EUR", "1.234,50\u{A0}€"), (.german, "-1234.5", "EUR", "-1.234,50\u{A0}€"),
        (.german, "1234", "JPY", "1.234\u{A0}¥"), (.german, "1.005", "KWD", "1,005\u{A0}KWD"),
        (.swissGerman, "1234567", "CHF", "CHF\u{A0}1’234’567.00"),
        (.french, "1234.5", "EUR", "1\u{A0}234,50\u{A0}€"), (.spanish, "1234.5", "EUR", "1234,50\u{A0}€"),
        (.spanish, "12345", "EUR", "12.345,00\u{A0}€"), (.italian, "999999.99", "EUR", "999.999,99\u{A0}€"),
        (.dutch, "-1234.5", "EUR", "€\u{A0}-1.234,50"),
    ])
    func `money is written as the region writes it`(
        locale: DocumentLocale, amount: String, currency: String, written: String
    ) throws {
        let money = try Money(parsing: amount, Currency(code: currency))
        #expect(Formats(locale: locale).money(money) == written)
    }

    @Test(arguments: [
        (DocumentLocale.english, "Mar 1, 2026"), (.british, "1 Mar 2026"), (.german, "01.03.2026"),
        (.swissGerman, "01.03.2026"), (.french, "1er mars 2026"), (.spanish, "1 mar 2026"), (.italian, "1 mar 2026"),
        (.dutch, "1 mrt 2026"),
    ])
    func `dates are written as the region writes them`(locale: DocumentLocale, written: String) throws {
        #expect(Formats(locale: locale).date(try LocalDate(parsing: "2026-03-01")) == written)
    }

    @Test func `a period ends with its last day`() throws {
        let period = Period(start: try LocalDate(parsing: "2026-02-01"), end: try LocalDate(parsing: "2026-03-01"))
        #expect(Formats(locale: .english).period(period) == "Feb 1, 2026 – Feb 28, 2026")
    }

    @Test(arguments: [
        ("1234.5", "1.234,5"), ("-1234567.05", "-1.234.567,05"), ("12", "12"), ("1/3", "1/3"), ("0.0525", "0,0525"),
        ("", ""), ("-", "-"),
    ])
    func `numbers get the region's marks, and what is none stays`(text: String, written: String) {
        #expect(Formats(locale: .german).number(text) == written)
    }

    @Test func `a unit price may be finer than its currency`() throws {
        let price = try Rational(parsing: "5.25")
        #expect(Formats(locale: .english).unitPrice(price, .usd) == "0.0525")
        #expect(Formats(locale: .english).unitPrice(Rational(900), .usd) == "9.00")
    }

    @Test(arguments: DocumentLocale.allCases) func `each language has each word, with its blanks`(
        locale: DocumentLocale
    ) {
        for words in DocumentLocale.allWords { #expect(words.count == Word.allCases.count) }
        #expect(Word.allCases.allSatisfy { !locale[$0].isEmpty })
        for (word, blank) in [(Word.page, "{page}"), (.page, "{pages}"), (.dueBy, "{date}"), (.credited, "{number}")] {
            #expect(locale[word].contains(blank))
        }
        #expect(Document.PageLabel(pattern: locale[.page]).text(page: 2, of: 15).contains("2"))
    }

    @Test(arguments: [
        ("ACME-0001-R1", "ACME-0001", 1), ("INV-R-12-R12", "INV-R-12", 12), ("ACME-0001", nil, nil),
        ("ACME-0001-R0", nil, nil), ("R1", nil, nil), ("ACME-0001-Rx", nil, nil),
    ])
    func `a receipt's number says whose payment it is`(number: String, invoice: String?, payment: Int?) {
        let parts = DocumentReference(.receipt, number).receiptParts
        #expect(parts?.invoice == invoice && parts?.payment == payment)
    }
}
