import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@Suite struct PlanTextTests {
    /// Of 300 plans with everything a plan can have.
    @Test(arguments: SeededGenerator.seeds)
    func `a plan reads back from what is stored of it`(seed: UInt64) throws {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<300 {
            let plan = random.plan()
            let text = try plan.json().text()
            #expect(try Plan.read(Array(text.utf8), name: "stored", currency: plan.currency) == plan, "\(text)")
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `a coupon reads back from what is stored of it`(seed: UInt64) throws {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<300 {
            let coupon = random.coupon(.usd)
            let text = try coupon.json().text()
            #expect(try Coupon.read(Array(text.utf8), name: "stored", currency: .usd) == coupon, "\(text)")
        }
    }

    @Test func `a rate that no decimal number can say is not written`() throws {
        let third = try Rational(1, over: 3)
        let plan = Plan(
            code: "p", name: "p", currency: .usd, interval: .month,
            prices: [Price(code: "x", model: .usage(metric: "calls", amount: third, included: .zero))])
        #expect(throws: MoneyFault.notANumber("1/300")) { try plan.json() }
    }
}

/// Plans and coupons as a catalogue could hold them, from a seed.
struct RandomCatalogue {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func plan() -> Plan {
        let currency = pick([Currency.usd, .jpy, .eur])
        let prices = (0..<int(0...5)).map { price("price-\($0)", currency) }
        let discounts = (0..<int(0...2)).map { index in
            PlanDiscount(
                code: "discount-\(index)", percent: decimal(0...100), minimumTermMonths: chance() ? int(1...60) : nil,
                volume: chance() ? PlanDiscount.Volume(unit: "seat", minimum: decimal(0...500)) : nil)
        }
        let limits = (0..<int(0...3)).map {
            Limit(subject: "limit-\($0)", maximum: Int64(int(0...9)), isHard: chance())
        }
        return Plan(
            code: "p-\(int(0...9))", name: pick(["Pro", "Größe \"L\"", "\n"]), currency: currency, interval: interval(),
            prices: prices, trialDays: chance() ? int(1...30) : 0, minimum: chance() ? money(currency) : nil,
            discounts: discounts, limits: limits,
            trialLimits: (0..<int(0...3)).map {
                Limit(subject: "limit-\($0)", maximum: Int64(int(0...9)), isHard: true)
            }, retiredFrom: chance() ? date() : nil, retentionOffer: chance() ? "stay" : nil)
    }

    mutating func price(_ code: String, _ currency: Currency) -> Price {
        Price(
            code: code, model: model(currency), timing: pick(Price.Timing.allCases),
            interval: chance() ? interval() : nil, effectiveFrom: chance() ? date() : nil,
            movesExistingFrom: chance() ? date() : nil)
    }

    mutating func model(_ currency: Currency) -> PriceModel {
        let included = chance() ? decimal(0...1000) : .zero
        return switch int(0...7) {
        case 0: .flat(amount: money(currency))
        case 1: .oneTime(amount: money(currency))
        case 2: .perUnit(unit: "seat", amount: decimal(0...10_000), included: included)
        case 3: .usage(metric: "calls", amount: decimal(0...10_000), included: included)
        case 4: .graduated(counted(), tiers: tiers())
        case 5: .volume(counted(), tiers: tiers())
        case 6: .package(counted(), size: decimal(1...500), amount: decimal(0...10_000), included: included)
        default: .percentage(metric: "paid", percent: decimal(0...99), fixed: chance() ? decimal(0...100) : .zero)
        }
    }

    mutating func tiers() -> [PriceModel.Tier] {
        var bound = 0
        var tiers: [PriceModel.Tier] = (0..<int(0...4)).map { _ in
            bound += int(1...50)
            return tier(upTo: Rational(bound))
        }
        tiers.append(tier(upTo: nil))
        return tiers
    }

    private mutating func tier(upTo: Rational?) -> PriceModel.Tier {
        .init(upTo: upTo, unitAmount: decimal(0...1000), flatAmount: chance() ? Rational(int(0...500)) : .zero)
    }

    mutating func coupon(_ currency: Currency) -> Coupon {
        let benefit: Coupon.Benefit =
            switch int(0...2) {
            case 0: .percent(decimal(0...99))
            case 1: .amount(money(currency))
            default: .trialDays(int(1...30))
            }
        return Coupon(
            code: "c-\(int(0...9))", benefit: benefit, duration: pick([.once, .forever, .periods(int(1...24))]),
            appliesTo: chance() ? ["a", "b"] : [], limit: chance() ? int(0...100) : nil,
            expires: chance() ? date() : nil)
    }

    /// A whole part in the range, and up to four decimals.
    mutating func decimal(_ range: ClosedRange<Int>) -> Rational {
        let digits = pick([1, 10, 100, 10_000])
        guard let part = try? Rational(Int128(int(0...digits - 1)), over: Int128(digits)),
            let sum = try? Rational(int(range)) + part
        else { return .one }
        return min(sum, Rational(range.upperBound))
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func chance() -> Bool { Bool.random(using: &generator) }
    private mutating func money(_ currency: Currency) -> Money { Money(minorUnits: Int64(int(0...999_999)), currency) }
    private mutating func date() -> LocalDate { LocalDate(daysSinceEpoch: Int32(int(20_000...22_000))) }
    private mutating func counted() -> PriceModel.Counted { chance() ? .unit("seat") : .metric("calls") }

    private mutating func interval() -> BillingInterval {
        pick([.month, .quarter, .year, .months(int(1...120)), .weeks(int(1...520)), .days(int(1...3660))])
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value { values[int(0...values.count - 1)] }
}
