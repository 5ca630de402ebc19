import Billing
import Dates
import JSONText
import Money

@testable import Accounts

/// Values of every shape that an account can store, made of chance that a seed brings back.
struct TextSamples {
    var random: any RandomNumberGenerator
    let currency: Currency

    /// Something or nothing.
    mutating func maybe<Value>(_ value: (inout TextSamples) throws -> Value) rethrows -> Value? {
        Bool.random(using: &random) ? try value(&self) : nil
    }

    mutating func some<Value>(_ value: (inout TextSamples) throws -> Value) rethrows -> [Value] {
        try (0..<Int.random(in: 0...3, using: &random)).map { _ in try value(&self) }
    }

    mutating func pick<Choice: CaseIterable>(_ type: Choice.Type) -> Choice where Choice.AllCases == [Choice] {
        Choice.allCases[Int.random(in: 0..<Choice.allCases.count, using: &random)]
    }

    mutating func count(_ range: ClosedRange<Int> = 0...9) -> Int { .random(in: range, using: &random) }

    mutating func bool() -> Bool { .random(using: &random) }

    mutating func code() -> String { "c-\(count(0...99))" }

    mutating func money(_ range: ClosedRange<Int64> = -1_000_000...1_000_000) -> Money {
        // Now and then at the very ends, which only whole numbers survive.
        let extreme = count(0...20) == 0 && range.lowerBound < 0
        return Money(minorUnits: extreme ? (bool() ? .max : .min) : .random(in: range, using: &random), currency)
    }

    /// Not negative, with up to three decimals.
    mutating func decimal() throws -> Rational { try Rational(Int128(count(0...100_000)), over: 1000) }

    /// Any exact number: whole, decimal, a third, or long.
    mutating func number() throws -> Rational {
        switch count(0...4) {
        case 0: try Rational(Int128.random(in: -(1 << 100)...(1 << 100), using: &random), over: 7)
        case 1: try Rational(Int128(count(-500...500)), over: Int128(count(1...31)))
        case 2: Rational(count(-9...9))
        default: try decimal()
        }
    }

    mutating func part() -> Fraction {
        let whole = Int64.random(in: 1...40, using: &random)
        return Fraction(.random(in: 0...whole, using: &random), of: whole)
    }

    mutating func date() -> LocalDate { LocalDate(daysSinceEpoch: .random(in: 18_000...22_000, using: &random)) }

    mutating func period() -> Period {
        let start = date()
        return Period(start: start, end: start.adding(days: count(1...400)))
    }

    mutating func instant() -> Instant {
        let whole = Int64.random(in: 1_500_000_000...1_900_000_000, using: &random) * 1_000_000
        return Instant(microseconds: whole + (bool() ? 0 : Int64.random(in: 0..<1_000_000, using: &random)))
    }

    mutating func moment() -> Moment { Moment(date: date(), second: bool() ? 0 : instant().seconds) }

    mutating func span() -> Span {
        if bool() {
            let period = period()
            if let span = Span(Moment(date: period.start, second: 0), Moment(date: period.end, second: 0)) {
                return span
            }
        }
        while true {
            if let span = Span(moment(), moment()) { return span }
        }
    }

    mutating func interval() -> BillingInterval {
        switch count(0...2) {
        case 0: .months(count(1...120))
        case 1: .weeks(count(1...520))
        default: .days(count(1...3660))
        }
    }

    /// Minor units as a catalogue's major units make them.
    mutating func unitPrice() throws -> Rational { try decimal() * Rational(currency.minorUnitsPerMajor) }

    mutating func counted() -> PriceModel.Counted { bool() ? .unit(code()) : .metric(code()) }

    mutating func model() throws -> PriceModel {
        switch count(0...7) {
        case 0: .flat(amount: money(0...100_000))
        case 1: .oneTime(amount: money(0...100_000))
        case 2: .perUnit(unit: code(), amount: try unitPrice(), included: try decimal())
        case 3: .usage(metric: code(), amount: try unitPrice(), included: try decimal())
        case 4: .graduated(counted(), tiers: try tiers())
        case 5: .volume(counted(), tiers: try tiers())
        case 6:
            .package(counted(), size: Rational(count(1...50)), amount: try unitPrice(), included: try decimal())
        default:
            .percentage(metric: code(), percent: try Rational(Int128(count(0...400)), over: 4), fixed: try unitPrice())
        }
    }

    private mutating func tiers() throws -> [PriceModel.Tier] {
        var bound = 0
        var tiers = try some { samples in
            bound += samples.count(1...100)
            return PriceModel.Tier(
                upTo: Rational(bound), unitAmount: try samples.unitPrice(), flatAmount: Rational(samples.count(0...900))
            )
        }
        tiers.append(PriceModel.Tier(upTo: nil, unitAmount: try unitPrice(), flatAmount: .zero))
        return tiers
    }

    mutating func price() throws -> Price {
        Price(
            code: code(), model: try model(), timing: pick(Price.Timing.self), interval: maybe { $0.interval() },
            effectiveFrom: maybe { $0.date() }, movesExistingFrom: maybe { $0.date() })
    }

    mutating func plan(_ code: String) throws -> Plan {
        Plan(code: code, name: code, currency: currency, interval: interval(), prices: try some { try $0.price() })
    }
}

/// What `json` says once it has been through text, as a column keeps it.
func stored(_ json: JSONValue) throws -> JSONNode { try JSONNode(parsing: Array(json.text(sortingKeys: true).utf8)) }
