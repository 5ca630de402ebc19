import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@testable import Accounts

extension TextSamples {
    mutating func charge() throws -> Explanation.Charge {
        let basis = Explanation.Basis(
            plan: maybe { $0.code() }, interval: interval(), model: try model(), timing: pick(Price.Timing.self),
            quantity: try number())
        return Explanation.Charge(
            basis: basis, currency: currency, events: count(), allowances: maybe { $0.part() },
            part: maybe { $0.part() })
    }

    mutating func explanation() throws -> Explanation {
        switch count(0...7) {
        case 0: .charge(try charge())
        case 1: .usage(try charge(), billed: money())
        case 2:
            .credit(
                of: LineReference(invoice: count(), line: count()), net: money(), part: part(),
                paid: maybe { $0.part() },
                left: money())
        case 3: .minimum(money(), part: maybe { $0.part() }, lines: money(), billed: money())
        case 4: .percentOff(try decimal(), of: money(), use: maybe { $0.count() })
        case 5: .amountOff(money(), of: money(), use: count())
        case 6: .tax(try decimal(), of: some { $0.money() })
        default: .given(money())
        }
    }
}

@Suite struct TextExplanationTests {
    @Test(arguments: SeededGenerator.seeds, [Currency.usd, .jpy])
    func `an explanation that was stored is read back as it was`(seed: UInt64, currency: Currency) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: currency)
        for _ in 0..<200 {
            let explanation = try samples.explanation()
            #expect(try Explanation(reading: stored(explanation.json()), currency: currency) == explanation)
        }
    }

    @Test func `the stored form stays as it is`() throws {
        let usd = { Money(minorUnits: $0, .usd) }
        let model = PriceModel.perUnit(unit: "seat", amount: 4900, included: 2)
        let basis = Explanation.Basis(
            plan: "pro", interval: .month, model: model, timing: .inAdvance, quantity: 7)
        let metered = Explanation.Basis(
            plan: nil, interval: .weeks(2),
            model: .usage(metric: "calls", amount: try Rational(1, over: 4), included: 0),
            timing: .inArrears, quantity: try Rational(14, over: 31))
        let explanations: [Explanation] = [
            .charge(Explanation.Charge(basis: basis, currency: .usd, part: Fraction(10, of: 30))),
            .usage(
                Explanation.Charge(basis: metered, currency: .usd, events: 3, allowances: Fraction(1, of: 2)),
                billed: usd(50)),
            .credit(
                of: LineReference(invoice: 3, line: 0), net: usd(24_500), part: Fraction(10, of: 30),
                paid: Fraction(1, of: 2), left: usd(24_500)),
            .minimum(usd(10_000), part: Fraction(1, of: 2), lines: usd(2000), billed: usd(0)),
            .percentOff(try Rational(parsing: "12.5"), of: usd(4900), use: nil),
            .percentOff(10, of: usd(4900), use: 0), .amountOff(usd(500), of: usd(300), use: 1),
            .tax(try Rational(parsing: "7.25"), of: [usd(4900), usd(-100)]), .given(usd(-5)),
        ]
        let texts = try explanations.map { try $0.json().text() }
        #expect(
            texts == [
                #"{"charge":{"plan":"pro","interval":"month","price":{"model":"per_unit","unit":"seat","amount":"49","included":"2"},"bill":"in_advance","quantity":"7","part":"10/30"}}"#,
                #"{"usage":{"interval":{"weeks":2},"price":{"model":"usage","metric":"calls","unit_amount":"0.0025"},"bill":"in_arrears","quantity":"14/31","events":3,"allowances":"1/2","billed":50}}"#,
                #"{"credit":{"invoice":3,"line":0,"net":24500,"part":"10/30","paid":"1/2","left":24500}}"#,
                #"{"minimum":{"minimum":10000,"part":"1/2","lines":2000,"billed":0}}"#,
                #"{"percent_off":{"percent":"12.5","of":4900}}"#,
                #"{"percent_off":{"percent":"10","of":4900,"use":0}}"#,
                #"{"amount_off":{"amount":500,"of":300,"use":1}}"#, #"{"tax":{"percent":"7.25","of":[4900,-100]}}"#,
                #"{"given":{"amount":-5}}"#,
            ])
    }

    @Test(arguments: [
        (#"{"gift": {}}"#, "line 1: gift: \"gift\" explains nothing"),
        (#"{"given": {"amount": 1}, "tax": {}}"#, "line 1: must have one key, not 2"),
        (#"{"given": {"amount": 1, "amout": 2}}"#, "line 1: given.amout: unknown key \"amout\""),
        (
            #"{"minimum": {"minimum": 1, "part": "1/0", "lines": 0, "billed": 0}}"#,
            "line 1: minimum.part: must be a part of a whole, such as \"14/31\""
        ),
        (
            #"{"charge": {"interval": "month", "bill": "in_advance", "quantity": "1", "price": {"model": "flat"}}}"#,
            "line 1: charge.price: \"amount\" is missing"
        ),
    ])
    func `what was bent on the way is refused with its place`(text: String, fault: String) throws {
        let error = #expect(throws: JSONFault.self) {
            try Explanation(reading: JSONNode(parsing: Array(text.utf8)), currency: .usd)
        }
        #expect(error?.description == fault)
    }
}
