internal import JSONText

/// What operations may name.
struct WrittenCatalogue {
    var plans: [String] = []
    /// The codes of prices, by plan.
    var prices: [String: [String]] = [:]
    /// Prices that can be published anew or agreed, with an amount or with tiers.
    var publishable: [(plan: String, price: String, hasTiers: Bool, isWhole: Bool)] = []
    var coupons: [String] = []
    /// The metrics that a price bills, and those that nobody bills.
    var metrics: [String] = []

    static let units = ["seat", "box"]
}

extension HistoryWriter {
    mutating func catalog() -> JSONValue {
        catalogue.metrics = ["calls", "bytes", "peak", "level", "users", "stored"]
        let metrics: [JSONValue] = [
            ["code": "calls", "aggregation": "count"], ["code": "bytes", "aggregation": "sum"],
            ["code": "peak", "aggregation": "max"], ["code": "level", "aggregation": "last"],
            ["code": "users", "aggregation": "unique", "field": "who"],
            ["code": "stored", "aggregation": "time_weighted"],
        ]
        let plans = ["basic", "plus", "pro"].prefix(dice.number(1...3)).map { plan($0) }
        let coupons = ["ten", "five", "later", "half"].prefix(dice.number(0...4)).map { coupon($0) }
        return ["plans": .array(plans), "metrics": .array(metrics), "coupons": .array(coupons)]
    }

    mutating func interval() -> JSONValue {
        dice.pick(weighed: [
            (8, "month"), (2, "quarter"), (3, "year"), (1, ["months": 2]), (1, ["weeks": 1]), (1, ["weeks": 2]),
            (1, ["days": 10]), (1, ["days": 45]),
        ])
    }

    private mutating func plan(_ code: String) -> JSONValue {
        catalogue.plans.append(code)
        var plan: [JSONValue.Member] = [.init("code", .string(code)), .init("interval", interval())]
        var prices: [JSONValue] = []
        for place in 0..<dice.pick(weighed: [(3, 1), (3, 2), (2, 3), (1, 4)]) {
            // Some codes are shared, so that a change of plan meets the same price again.
            let price = place == 0 ? "base" : dice.chance(50) ? "p\(place)" : "\(code)-\(place)"
            let model = model()
            catalogue.prices[code, default: []].append(price)
            note(model, price, of: code)
            prices.append(.object([.init("code", .string(price))] + model))
            if dice.chance(10) {
                prices.append(
                    .object([.init("code", .string(price))] + model + [.init("effective_from", "2027-06-01")]))
            }
        }
        plan.append(.init("prices", .array(prices)))
        if dice.chance(15) { plan.append(.init("trial_days", .integer(Int64(dice.pick([1, 7, 14, 31]))))) }
        if dice.chance(20) { plan.append(.init("minimum", money(atLeast: 1))) }
        if dice.chance(30) { plan.append(.init("discounts", discounts())) }
        if dice.chance(20) {
            plan.append(
                .init(
                    "limits", ["calls": ["max": .integer(Int64(dice.number(1...9))), "hard": .bool(dice.chance(50))]]))
        }
        return .object(plan)
    }

    private mutating func note(_ model: [JSONValue.Member], _ price: String, of plan: String) {
        guard case .string(let name) = model[0].value, name != "percentage" else { return }
        catalogue.publishable.append(
            (plan, price, name == "graduated" || name == "volume", name == "flat" || name == "one_time"))
    }

    private mutating func discounts() -> JSONValue {
        var discounts: [JSONValue] = [["code": "loyal", "percent": .string(dice.pick(["10", "33.3", "50", "100"]))]]
        if dice.chance(40) { discounts.append(["code": "term", "percent": "15", "min_term_months": 12]) }
        return .array(discounts)
    }

    private mutating func coupon(_ code: String) -> JSONValue {
        catalogue.coupons.append(code)
        var coupon: [JSONValue.Member] = [.init("code", .string(code))]
        switch dice.number(0...9) {
        case 0...4: coupon.append(.init("percent", .string(dice.pick(["10", "25", "33.33", "100"]))))
        case 5...7: coupon.append(.init("amount", money(atLeast: 1)))
        default: coupon.append(.init("trial_days", 10))
        }
        coupon.append(.init("duration", dice.pick(["once", "forever", ["periods": 1], ["periods": 3]])))
        if dice.chance(25) { coupon.append(.init("applies_to", ["base"])) }
        if dice.chance(20) { coupon.append(.init("limit", 1)) }
        if dice.chance(20) { coupon.append(.init("expires", "2027-03-01")) }
        return .object(coupon)
    }

    /// Everything of a price but its code; the model first.
    mutating func model() -> [JSONValue.Member] {
        let name = dice.pick(weighed: [
            (6, "flat"), (4, "per_unit"), (1, "one_time"), (3, "usage"), (2, "graduated"), (2, "volume"),
            (2, "package"), (1, "percentage"),
        ])
        var price: [JSONValue.Member] = [.init("model", .string(name))]
        let unit = JSONValue.Member("unit", .string(dice.pick(WrittenCatalogue.units)))
        let metric = JSONValue.Member("metric", .string(dice.pick(catalogue.metrics)))
        let isMetered = dice.chance(50)
        let included = JSONValue.Member("included", dice.pick(["0", "1", "5", "2.5"]))
        switch name {
        case "flat", "one_time": price.append(.init("amount", money()))
        case "per_unit":
            price += [unit, .init("amount", unitPrice())]
            if dice.chance(30) { price.append(included) }
        case "usage":
            price += [metric, .init("unit_amount", unitPrice())]
            if dice.chance(40) { price.append(included) }
        case "graduated", "volume": price += [isMetered ? metric : unit, .init("tiers", tiers())]
        case "package":
            price += [
                isMetered ? metric : unit, .init("size", dice.pick(["1", "3", "2.5"])), .init("amount", unitPrice()),
            ]
            if dice.chance(30) { price.append(included) }
        default: price += [.init("metric", "bytes"), .init("percent", "2.9"), .init("fixed", unitPrice())]
        }
        if !price.contains(where: { $0.key == "metric" }), dice.chance(30) { price.append(.init("bill", "in_arrears")) }
        if dice.chance(12) { price.append(.init("interval", interval())) }
        return price
    }

    mutating func tiers() -> JSONValue {
        var tiers: [JSONValue] = []
        for bound in ["2", "10"].prefix(dice.number(0...2)) { tiers.append(tier(.string(bound))) }
        return .array(tiers + [tier(.null)])
    }

    private mutating func tier(_ bound: JSONValue) -> JSONValue {
        var tier: [JSONValue.Member] = [.init("up_to", bound), .init("unit_amount", unitPrice())]
        if dice.chance(30) { tier.append(.init("flat_amount", money())) }
        return .object(tier)
    }
}
