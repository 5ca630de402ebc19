import Chance
import Money
import Testing

@Suite struct CurrencyTests {
    @Test(arguments: [("JPY", 0), ("USD", 2), ("BHD", 3), ("CLF", 4), ("XCG", 2), ("KRW", 0), ("TND", 3)])
    func `a currency knows its decimals`(code: String, exponent: Int) throws {
        #expect(try Currency(code: code).exponent == exponent)
    }

    @Test(arguments: ["", "usd", "US", "USDX", "XYZ", "BGN", "XAU", "ЕUR"])
    func `an unknown code is refused and named`(code: String) {
        #expect(throws: MoneyFault.unknownCurrency(code)) { try Currency(code: code) }
    }

    @Test func `the list holds each active code once`() {
        #expect(Currency.allCodes.count == 165)
        #expect(Currency.allCodes.allSatisfy { $0.utf8.count == 3 })
    }
}

@Suite struct RationalTests {
    @Test func `a fraction is reduced and its denominator positive`() throws {
        let value = try Rational(-28, over: -62)
        #expect((value.numerator, value.denominator) == (14, 31))
        #expect(try Rational(3, over: -6) == Rational(-1, over: 2))
        #expect(try Rational(0, over: -7) == .zero)
        #expect(throws: MoneyFault.divisionByZero) { try Rational(1, over: 0) }
    }

    @Test(arguments: [
        ("0.05", "0.05"), ("-0.5", "-0.5"), ("1350", "1350"), ("2.50", "2.5"), ("0", "0"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
    ])
    func `decimal text is read and printed`(text: String, printed: String) throws {
        #expect(try Rational(parsing: text).description == printed)
    }

    @Test(arguments: ["", "-", ".", "1.", ".5", "1e3", "+1", "1,5", "1.2.3", " 1", "٣", "1234567890123456789"])
    func `other text is refused`(text: String) {
        #expect(throws: MoneyFault.notANumber(text)) { try Rational(parsing: text) }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `arithmetic obeys its laws`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func any() throws -> Rational {
            try Rational(.random(in: -100_000...100_000, using: &random), over: .random(in: 1...5000, using: &random))
        }
        for _ in 0..<300 {
            let (a, b, c) = (try any(), try any(), try any())
            #expect(try a + b == b + a)
            #expect(try (a + b) + c == a + (b + c))
            #expect(try a * (b + c) == a * b + a * c)
            #expect(try a - a == .zero)
            if b != .zero { #expect(try (a / b) * b == a) }
            let difference = try a - b
            #expect((a < b) == difference.isNegative)
            #expect(Rational(a.floor) <= a)
            #expect(try Rational(a.floor) + 1 > a)
        }
    }

    @Test func `overflow is an error, and comparison never overflows`() throws {
        let huge = try Rational(.max, over: 3)
        let tiny = try Rational(1, over: .max)
        #expect(throws: MoneyFault.overflow) { try huge * huge }
        #expect(throws: MoneyFault.overflow) { try Rational(Int128.max) + 1 }
        #expect(throws: MoneyFault.overflow) { try tiny * tiny }
        #expect(tiny < huge)
        #expect(huge > Rational(Int128.max / 3))
    }

    @Test(arguments: [
        (5, 2, 3), (-5, 2, -3), (7, 3, 2), (-7, 3, -2), (8, 3, 3), (1, 2, 1), (-1, 2, -1), (1, 3, 0), (0, 1, 0),
        (4, 2, 2),
    ])
    func `a half is rounded away from zero`(numerator: Int128, denominator: Int128, rounded: Int128) throws {
        #expect(try Rational(numerator, over: denominator).roundedHalfAwayFromZero == rounded)
    }
}

@Suite struct MoneyTests {
    @Test(arguments: [
        ("29.95", "USD", 2995), ("-0.05", "USD", -5), ("1200", "JPY", 1200), ("1.250", "BHD", 1250),
        ("10", "EUR", 1000),
        ("29.9500", "USD", 2995),
    ])
    func `major units are read exactly`(text: String, code: String, minorUnits: Int64) throws {
        #expect(try Money(parsing: text, Currency(code: code)).minorUnits == minorUnits)
    }

    @Test func `too many decimals, or too much, is an error`() throws {
        #expect(throws: MoneyFault.tooManyDecimals("29.955", .usd)) { try Money(parsing: "29.955", .usd) }
        #expect(throws: MoneyFault.tooManyDecimals("0.5", .jpy)) { try Money(parsing: "0.5", .jpy) }
        #expect(throws: MoneyFault.overflow) { try Money(parsing: "999999999999999999", .usd) }
    }

    @Test(arguments: [
        (2995, "USD", "29.95 USD"), (-5, "USD", "-0.05 USD"), (0, "USD", "0.00 USD"), (-1200, "JPY", "-1200 JPY"),
        (1, "CLF", "0.0001 CLF"), (Int64.min, "BHD", "-9223372036854775.808 BHD"),
    ])
    func `printing is exact`(minorUnits: Int64, code: String, text: String) throws {
        #expect(try Money(minorUnits: minorUnits, Currency(code: code)).description == text)
    }

    @Test func `adding other currencies, or past the end, is an error`() throws {
        let dollar = Money(minorUnits: 100, .usd)
        #expect(throws: MoneyFault.currencyMismatch(.usd, .eur)) { try dollar + Money(minorUnits: 1, .eur) }
        #expect(throws: MoneyFault.overflow) { try dollar + Money(minorUnits: .max, .usd) }
        #expect(throws: MoneyFault.overflow) { try Money(minorUnits: .min, .usd).negated() }
        #expect(try Money.sum([dollar, dollar], in: .usd).minorUnits == 200)
        #expect(try Money.sum([], in: .usd) == .zero(.usd))
    }

    @Test(
        arguments: [
            (100, [1, 1, 1], [34, 33, 33]), (-100, [1, 1, 1], [-34, -33, -33]), (5, [0, 1], [0, 5]),
            (1, [1, 1], [1, 0]),
            (10, [3, 3, 4], [3, 3, 4]), (0, [1, 2], [0, 0]), (7, [1, 2, 4], [1, 2, 4]),
            (100, [1, 2, 3], [17, 33, 50]),
        ] as [(Int64, [Int], [Int64])])
    func `the largest remainders get what is left, the first of equals`(
        amount: Int64, weights: [Int], shares: [Int64]
    ) throws {
        #expect(try Money(minorUnits: amount, .usd).split(by: weights).map(\.minorUnits) == shares)
    }

    @Test(arguments: [[], [0], [0, 0], [1, -1]] as [[Int]])
    func `weights must have something to share by`(weights: [Int]) {
        #expect(throws: MoneyFault.noShares) { try Money(minorUnits: 1, .usd).split(by: weights) }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `a split loses nothing and no share is a unit off`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let amount = Money(minorUnits: .random(in: -1_000_000_000...1_000_000_000, using: &random), .usd)
            var weights = [1]
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                weights.append(.random(in: 0...1000, using: &random))
            }
            let shares = try amount.split(by: weights)
            #expect(try Money.sum(shares, in: .usd) == amount)
            let total = weights.reduce(0, +)
            for (share, weight) in zip(shares, weights) {
                let exact = try Rational(amount.minorUnits) * Rational(Int128(weight), over: Int128(total))
                #expect(try (Rational(share.minorUnits) - exact).magnitude < 1)
            }
        }
    }
}
