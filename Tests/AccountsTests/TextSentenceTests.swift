import Billing
import Chance
import Dates
import Money
import Testing

@testable import Accounts

@Suite struct TextSentenceTests {
    private static func usd(_ cents: Int64) -> Money { Money(minorUnits: cents, .usd) }

    private static func charge(
        _ model: PriceModel, _ quantity: Rational, events: Int = 0, allowances: Fraction? = nil, part: Fraction? = nil
    ) -> Explanation.Charge {
        let basis = Explanation.Basis(
            plan: "pro", interval: .month, model: model, timing: .inAdvance, quantity: quantity)
        return Explanation.Charge(
            basis: basis, currency: .usd, events: events, allowances: allowances, part: part)
    }

    private static let seats = PriceModel.perUnit(unit: "seat", amount: 4900, included: 2)
    private static let tiers = [
        PriceModel.Tier(upTo: 100, unitAmount: 10, flatAmount: 500), PriceModel.Tier(upTo: nil, unitAmount: 8),
    ]
    private static let third = Fraction(10, of: 30)
    private static let line = LineReference(invoice: 3, line: 0)

    private static let sentences: [(Explanation, String)] = [
        (.charge(charge(.flat(amount: usd(4900)), 1)), "49.00 for a whole cycle (month)"),
        (
            .charge(charge(.flat(amount: usd(4900)), 1, part: third)),
            "49.00 x 10/30 = 16.33 (rounded half away from zero)"
        ),
        (.charge(charge(.oneTime(amount: usd(900)), 1)), "9.00 once"),
        (
            .charge(charge(seats, 7, part: third)), "49.00 x (7 - 2) x 10/30 = 81.67 (rounded half away from zero)"
        ),
        (.charge(charge(seats, 7, part: Fraction(15, of: 30))), "49.00 x (7 - 2) x 15/30 = 122.50"),
        (.charge(charge(seats, 1)), "49.00 x 0 = 0.00; 1 is less than the 2 included"),
        (
            .usage(
                charge(.usage(metric: "m", amount: 1, included: 20), 12, allowances: Fraction(1, of: 2)), billed: usd(1)
            ),
            "0.01 x (12 - 20 x 1/2) = 0.02; less 0.01 billed before = 0.01"
        ),
        (
            .usage(charge(.graduated(.metric("m"), tiers: tiers), 150), billed: usd(0)),
            "0.10 x 100 + 5.00 + 0.08 x 50 = 19.00"
        ),
        (
            .charge(charge(.volume(.unit("seat"), tiers: tiers), 90, part: third)),
            "(0.10 x 90 + 5.00) x 10/30 = 4.67 (rounded half away from zero)"
        ),
        (
            .charge(charge(.package(.metric("m"), size: 100, amount: 1000, included: 50), 251)),
            "10.00 x 3 = 30.00; packages of 100 for (251 - 50)"
        ),
        (
            .usage(charge(.percentage(metric: "m", percent: 2, fixed: 30), 1000, events: 3), billed: usd(0)),
            "1000 x 2% + 0.30 x 3 = 20.90"
        ),
        (
            .credit(of: line, net: usd(24_500), part: third, paid: Fraction(1, of: 2), left: usd(24_500)),
            "245.00 x 10/30 x 1/2 = 40.83 (rounded half away from zero) is given back of line 1 of INV-3, of which 1/2 was paid"
        ),
        (
            .credit(of: line, net: usd(24_500), part: Fraction(1, of: 2), paid: nil, left: usd(3000)),
            "245.00 x 1/2 = 122.50, but no more than the 30.00 left, is given back of line 1 of INV-3"
        ),
        (
            .minimum(usd(10_000), part: third, lines: usd(2000), billed: usd(500)),
            "minimum 100.00 x 10/30 = 33.33 (rounded half away from zero); the lines come to 20.00, so 13.33 is lacking; less 5.00 billed before = 8.33"
        ),
        (
            .minimum(usd(1000), part: nil, lines: usd(2000), billed: usd(0)),
            "minimum 10.00; the lines come to 20.00, so nothing is lacking"
        ),
        (.percentOff(10, of: usd(4900), use: nil), "10% off 49.00 = -4.90"),
        (.percentOff(15, of: usd(4930), use: 0), "15% off 49.30 = -7.40 (rounded half away from zero)"),
        (.amountOff(usd(500), of: usd(4900), use: 0), "5.00 off 49.00 = -5.00"),
        (.amountOff(usd(500), of: usd(300), use: 0), "5.00 off, but no more than the 3.00 left = -3.00"),
        (.tax(20, of: [usd(4900)]), "20% x 49.00 = 9.80"),
        (
            .tax(7, of: [usd(4900), usd(-150)]),
            "7% x 49.00 + 7% x -1.50 = 3.43 + -0.11 = 3.32 (each rounded half away from zero)"
        ),
        (.given(usd(5000)), "50.00 as given"),
    ]

    @Test(arguments: sentences) func `an explanation is a sentence`(explanation: Explanation, sentence: String) throws {
        #expect(try explanation.sentence { "INV-\($0)" } == sentence)
    }

    @Test(arguments: SeededGenerator.seeds, [Currency.usd, .jpy])
    func `what a charge's sentence says comes to what was charged`(seed: UInt64, currency: Currency) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: currency)
        for _ in 0..<300 {
            let basis = Explanation.Basis(
                plan: nil, interval: .month, model: try samples.model(), timing: .inArrears,
                quantity: try Rational(Int128(samples.count(-20...400)), over: Int128(samples.count(1...4))))
            let charge = Explanation.Charge(
                basis: basis, currency: currency, events: samples.count(), allowances: samples.maybe { $0.part() },
                part: samples.maybe { $0.part() })
            let sentence = try Explanation.charge(charge).sentence { _ in "" }
            var calculator = Calculator(sentence)
            let exact = try calculator.sum() * Rational(currency.minorUnitsPerMajor)
            #expect(try Money.rounding(minorUnits: exact, in: currency) == charge.evaluate(), "\(sentence)")
            #expect(sentence.contains("rounded") == !exact.isWhole, "\(sentence)")
            #expect(try sentence.contains(charge.evaluate().decimal), "\(sentence)")
        }
    }
}

/// Works out the figures with which a sentence begins: `(0.10 x 90 + 5.00) x 10/30`.
private struct Calculator {
    private var words: ArraySlice<String>

    init(_ sentence: String) {
        let figures = sentence.prefix { "0123456789./x()+-% ".contains($0) }
        words =
            figures.replacing("(", with: "( ").replacing(")", with: " )").split(separator: " ").map(String.init)[...]
    }

    mutating func sum() throws -> Rational {
        var total = try product()
        while let sign = words.first, sign == "+" || sign == "-" {
            words.removeFirst()
            let next = try product()
            total = try sign == "+" ? total + next : total - next
        }
        return total
    }

    private mutating func product() throws -> Rational {
        var product = try factor()
        while words.first == "x" {
            words.removeFirst()
            product = try product * factor()
        }
        return product
    }

    private mutating func factor() throws -> Rational {
        let next = words.popFirst()
        let word = try #require(next)
        if word == "(" {
            let sum = try sum()
            words.removeFirst()
            return sum
        }
        let number = try #require(Rational(exactText: word.replacing("%", with: "")))
        return word.hasSuffix("%") ? try number / 100 : number
    }
}
