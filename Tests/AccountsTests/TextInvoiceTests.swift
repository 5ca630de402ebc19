import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@testable import Accounts

extension TextSamples {
    fileprivate mutating func taxes() throws -> [InvoiceLine.TaxShare] {
        try some { InvoiceLine.TaxShare(code: $0.code(), percent: try $0.decimal(), amount: $0.money()) }
    }

    fileprivate mutating func line() throws -> InvoiceLine {
        InvoiceLine(
            kind: pick(InvoiceLine.Kind.self), code: code(), subscription: maybe { $0.code() },
            span: maybe { $0.span() },
            period: maybe { $0.period() }, quantity: try maybe { try $0.number() }, factor: maybe { $0.part() },
            amount: money(), explanation: .given(money()), obligation: maybe { $0.obligation() },
            discounts: some { InvoiceLine.DiscountShare(code: $0.code(), amount: $0.money()) }, taxes: try taxes())
    }

    mutating func obligation() -> Obligation {
        Obligation(standalone: money(0...1_000_000), period: maybe { $0.period() })
    }
}

@Suite struct TextInvoiceTests {
    @Test(arguments: SeededGenerator.seeds)
    func `a line, with its columns as texts, is read back as it was`(seed: UInt64) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: .usd)
        for _ in 0..<200 {
            let line = try samples.line()
            let quantity = try line.quantity.map { try #require(Rational(exactText: $0.exactText)) }
            let factor = try line.factor.map { try #require(Fraction(parsing: $0.description)) }
            let read = try InvoiceLine(
                reading: stored(line.extras), kind: line.kind, code: line.code, subscription: line.subscription,
                period: line.period, quantity: quantity, factor: factor, amount: line.amount,
                explanation: line.explanation)
            #expect(read == line)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `the shares of a credit note are read back as they were`(seed: UInt64) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: .jpy)
        for _ in 0..<100 {
            let shares = try samples.some {
                CreditNote.Share(line: $0.count(), net: $0.money(), taxes: try $0.taxes())
            }
            #expect(try [CreditNote.Share](reading: stored(shares.json), currency: .jpy) == shares)
        }
    }

    @Test func `the stored form stays as it is`() throws {
        let usd = { Money(minorUnits: $0, .usd) }
        let start = try LocalDate(parsing: "2026-01-10")
        let end = try LocalDate(parsing: "2026-02-01")
        let at = try Instant(parsing: "2026-01-10T09:00:00Z").seconds
        let line = { (span: Span?) in
            InvoiceLine(
                kind: .recurring, code: "base", span: span, amount: usd(4900), explanation: .given(usd(4900)),
                obligation: Obligation(standalone: usd(5000), period: Period(start: start, end: end)),
                discounts: [InvoiceLine.DiscountShare(code: "spring", amount: usd(-490))],
                taxes: [InvoiceLine.TaxShare(code: "US-CA", percent: try Rational(parsing: "7.25"), amount: usd(320))])
        }
        let shares =
            #""discounts":[{"code":"spring","amount":-490}],"taxes":[{"code":"US-CA","percent":"7.25","amount":320}],"#
            + #""obligation":{"standalone":5000,"period":["2026-01-10","2026-02-01"]}"#
        let days = Span(Moment(date: start, second: 0), Moment(date: end, second: 0))
        let seconds = Span(Moment(date: start, second: at), Moment(date: end, second: at + 60))
        #expect(try line(nil).extras.text() == "{\(shares)}")
        #expect(try line(days).extras.text() == #"{"span":"period",\#(shares)}"#)
        #expect(
            try line(seconds).extras.text()
                == #"{"span":[{"date":"2026-01-10","at":"2026-01-10T09:00:00Z"},{"date":"2026-02-01","at":"2026-01-10T09:01:00Z"}],\#(shares)}"#
        )
        let share = CreditNote.Share(line: 2, net: usd(100), taxes: try line(nil).taxes)
        #expect(
            [share].json.text() == #"[{"line":2,"net":100,"taxes":[{"code":"US-CA","percent":"7.25","amount":320}]}]"#)
    }
}
