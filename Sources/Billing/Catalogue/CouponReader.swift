internal import Dates
internal import JSONText
internal import Money

extension PlanReader {
    /// `prices` are the codes of the prices of all plans, which a coupon may name; `nil` where that was checked before.
    mutating func coupon(_ node: JSONNode, prices: Set<String>?) -> Coupon? {
        let keys: Set = ["code", "percent", "amount", "trial_days", "duration", "applies_to", "limit", "expires"]
        guard fields.check(node, keys: keys) else { return nil }
        let code = fields.required(node, "code", Field.code)
        let benefit = benefit(node)
        let duration = fields.optional(node, "duration", else: .once, PlanReader.duration)
        let appliesTo = appliesTo(node, prices: prices)
        let limit = fields.optional(node, "limit", Field.integer(0...Int64(Int32.max)))
        let expires = fields.optional(node, "expires", Field.date)
        guard let code, let benefit, let duration else { return nil }
        return Coupon(
            code: code, benefit: benefit, duration: duration, appliesTo: appliesTo, limit: limit, expires: expires)
    }

    private mutating func benefit(_ node: JSONNode) -> Coupon.Benefit? {
        let given = ["percent", "amount", "trial_days"].filter { fields.present(node, $0) != nil }
        guard given.count == 1 else {
            fields.faults.add(
                node.fault(
                    "gives \"percent\", \"amount\" or \"trial_days\", not "
                        + (given.isEmpty ? "nothing" : given.map { "\"\($0)\"" }.joined(separator: " and "))))
            return nil
        }
        switch given[0] {
        case "percent": return fields.required(node, "percent", Field.percent).map { .percent($0) }
        case "amount": return fields.required(node, "amount", Field.money(currency)).map { .amount($0) }
        default: return fields.required(node, "trial_days", Field.integer(1...3660)).map { .trialDays($0) }
        }
    }

    private static func duration(_ node: JSONNode) throws(JSONFault) -> Coupon.Duration {
        switch node.value {
        case .string("once"): return .once
        case .string("forever"): return .forever
        case .object(let members) where members.count == 1:
            try node.allowing(keys: ["periods"])
            return .periods(Int(try members[0].value.integer(in: 1...1200)))
        default: throw node.fault("must be \"once\", \"forever\" or {\"periods\": N}")
        }
    }

    private mutating func appliesTo(_ node: JSONNode, prices: Set<String>?) -> [String] {
        guard let field = fields.present(node, "applies_to") else { return [] }
        let nodes = fields.list(node, "applies_to")
        if (try? field.array().isEmpty) == true {
            fields.faults.add(field.fault("names no price; leave it out for all"))
        }
        var codes: [String] = []
        for node in nodes {
            guard let code = fields.faults.collect({ () throws(JSONFault) in try Field.code(node) }) else { continue }
            if let prices, !prices.contains(code) {
                fields.faults.add(node.fault("there is no price \"\(code)\" in any plan"))
            }
            if codes.contains(code) { fields.faults.add(node.fault("price \"\(code)\" stands twice")) }
            codes.append(code)
        }
        return codes
    }
}
