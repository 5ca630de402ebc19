import Billing
import Chance
import Money
import Testing

@Suite struct PriceModelTests {
    /// A model as a catalogue writes it, with the metric `m`, and what quantities cost: in major units, unrounded.
    struct Case: CustomTestStringConvertible, Sendable {
        let source: String
        let model: String
        let costs: [String: String]
        var events = 0
        var allowances = "1"

        var testDescription: String { source }
    }

    static let cases = [
        Case(
            source: "0.05 each over 1,000, published with the practice catalogue",
            model: #""model": "usage", "metric": "m", "unit_amount": "0.05", "included": 1000"#,
            costs: ["0": "0", "1000": "0", "1000.5": "0.025", "1350": "17.5", "1900": "45", "-3": "0"]),
        Case(
            source: "employees over 50 at 75.00",
            model: #""model": "per_unit", "unit": "m", "amount": "75.00", "included": 50"#,
            costs: ["50": "0", "52": "150"]),
        Case(
            source: "a third of the allowance, for 10 of 30 days",
            model: #""model": "usage", "metric": "m", "unit_amount": "0.03", "included": 1000"#,
            costs: ["333": "0", "334": "0.02", "1000": "20"], allowances: "1/3"),
        Case(
            source: "graduated, with flat amounts: the first at 0, others once entered (Lago)",
            model:
                #""model": "graduated", "metric": "m", "tiers": [{"up_to": 5, "unit_amount": "10.00", "flat_amount": "100.00"}, {"up_to": null, "unit_amount": "5.00", "flat_amount": "50.00"}]"#,
            costs: ["0": "100", "1": "110", "5": "150", "5.5": "202.5", "6": "205", "8": "215", "-1": "100"]),
        Case(
            source: "graduated, of three tiers (Stripe, tiered pricing)",
            model:
                #""model": "graduated", "metric": "m", "tiers": [{"up_to": 5, "unit_amount": "7"}, {"up_to": 10, "unit_amount": "6.50"}, {"up_to": null, "unit_amount": "6"}]"#,
            costs: [
                "0": "0", "1": "7", "5": "35", "6": "41.5", "10": "67.5", "11": "73.5", "20": "127.5", "25": "157.5",
            ]),
        Case(
            source: "volume, of three tiers (Stripe, tiered pricing)",
            model:
                #""model": "volume", "metric": "m", "tiers": [{"up_to": 5, "unit_amount": "7"}, {"up_to": 10, "unit_amount": "6.50"}, {"up_to": null, "unit_amount": "6"}]"#,
            costs: [
                "0": "0", "1": "7", "5": "35", "6": "39", "10": "65", "11": "66", "20": "120", "25": "150", "-1": "0",
            ]),
        Case(
            source: "volume, its flat amounts and bounds at half a cycle: bounds shrink, amounts do not",
            model:
                #""model": "volume", "metric": "m", "tiers": [{"up_to": 10, "unit_amount": "2", "flat_amount": "9"}, {"up_to": null, "unit_amount": "1", "flat_amount": "3"}]"#,
            costs: ["0": "9", "5": "19", "6": "9"], allowances: "1/2"),
        Case(
            source: "graduated, at half a cycle",
            model:
                #""model": "graduated", "metric": "m", "tiers": [{"up_to": 10, "unit_amount": "2"}, {"up_to": null, "unit_amount": "1"}]"#,
            costs: ["5": "10", "6": "11"], allowances: "1/2"),
        Case(
            source: "packages of 100 are rounded up (Kill Bill, consumable in arrears: 199 are two blocks)",
            model: #""model": "package", "metric": "m", "size": 100, "amount": "2.95""#,
            costs: ["0": "0", "0.1": "2.95", "100": "2.95", "101": "5.9", "199": "5.9", "-5": "0"]),
        Case(
            source: "packages over what is included",
            model: #""model": "package", "metric": "m", "size": "2.5", "amount": "1", "included": 10"#,
            costs: ["10": "0", "10.1": "1", "12.5": "1", "12.6": "2"]),
        Case(
            source: "2.9 % and 0.30 for each of two events",
            model: #""model": "percentage", "metric": "m", "percent": "2.9", "fixed": "0.30""#,
            costs: ["149.5": "4.9355", "0": "0.6"], events: 2),
        Case(source: "flat", model: #""model": "flat", "amount": "299.00""#, costs: ["1": "299"]),
        Case(source: "once", model: #""model": "one_time", "amount": "50.00""#, costs: ["1": "50"]),
    ]

    @Test(arguments: cases) func `a model costs what its source says`(example: Case) throws {
        let plan = try Sample.catalogue(
            #"[{"code": "p", "prices": [{"code": "x", \#(example.model)}]}]"#, metrics: #"[{"code": "m"}]"#
        ).plans[0]
        let share = example.allowances.split(separator: "/").compactMap { Int128($0) }
        let allowances = try share.count == 2 ? Rational(share[0], over: share[1]) : .one
        for (quantity, cost) in example.costs {
            let minor = try plan.prices[0].model.cost(
                of: Rational(parsing: quantity), events: example.events, allowances: allowances, in: .usd)
            #expect(try minor == Rational(parsing: cost) * 100, "\(quantity)")
        }
    }

    @Test(arguments: SeededGenerator.seeds) func `graduated tiers cost the sum of what lies in each`(seed: UInt64)
        throws
    {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<300 {
            let tiers = random.tiers()
            let quantity = random.decimal(0...250)
            // By counting from tier to tier what is left of the quantity, the other way round than the model does.
            var (left, lower, expected) = (quantity, Rational.zero, tiers[0].flatAmount)
            for (index, tier) in tiers.enumerated() where index == 0 || left > .zero {
                let width = try tier.upTo.map { (bound) throws(MoneyFault) in try bound - lower } ?? left
                let part = min(left, width)
                expected = try expected + part * tier.unitAmount + (index == 0 ? .zero : tier.flatAmount)
                left = try left - part
                lower = tier.upTo ?? lower
            }
            #expect(try PriceModel.graduated(.metric("m"), tiers: tiers).cost(of: quantity, in: .usd) == expected)
        }
    }

    @Test(arguments: SeededGenerator.seeds) func `more never costs less, but where a volume tier says so`(seed: UInt64)
        throws
    {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<300 {
            let model = random.model(.usd)
            let less = random.decimal(0...200)
            let more = try less + random.decimal(0...200)
            if case .volume(_, let tiers) = model, tiers.count > 1 { continue }
            #expect(try model.cost(of: less, in: .usd) <= model.cost(of: more, in: .usd), "\(model): \(less), \(more)")
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `a package costs at least its part, and less than one package more`(seed: UInt64) throws {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<300 {
            let (size, amount) = (random.decimal(1...500), random.decimal(1...1000))
            let (quantity, included) = (random.decimal(0...2000), random.decimal(0...500))
            let cost = try PriceModel.package(.metric("m"), size: size, amount: amount, included: included)
                .cost(of: quantity, in: .usd)
            let each = try PriceModel.usage(metric: "m", amount: amount / size, included: included)
                .cost(of: quantity, in: .usd)
            #expect(try each <= cost && cost < each + amount)
            #expect(try (cost / amount).isWhole)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `one tier is a price per unit, graduated or by volume`(seed: UInt64) throws {
        var random = RandomCatalogue(seed: seed)
        for _ in 0..<100 {
            let (amount, quantity) = (random.decimal(0...1000), random.decimal(0...1000))
            let tiers = [PriceModel.Tier(upTo: nil, unitAmount: amount)]
            let models: [PriceModel] = [
                .graduated(.metric("m"), tiers: tiers), .volume(.metric("m"), tiers: tiers),
                .package(.metric("m"), size: .one, amount: amount, included: .zero),
            ]
            let each = try PriceModel.usage(metric: "m", amount: amount, included: .zero).cost(of: quantity, in: .usd)
            #expect(try models[0].cost(of: quantity, in: .usd) == each)
            #expect(try models[1].cost(of: quantity, in: .usd) == each)
            #expect(try models[2].cost(of: quantity, in: .usd) >= each)
        }
    }
}
