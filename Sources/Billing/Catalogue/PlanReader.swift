internal import JSONText
internal import Money

/// Reads plans, and gathers what is wrong with them on the way. Prices and coupons are in files of their own.
struct PlanReader {
    let currency: Currency
    /// What can be referred to; `nil` where references were checked before.
    let metrics: [Metric]?
    var fields = FieldReader()

    mutating func plan(_ node: JSONNode) -> Plan? {
        let keys: Set = [
            "code", "name", "interval", "prices", "trial_days", "minimum", "discounts", "limits", "entitlements",
            "trial_limits", "retired_from", "retention_offer",
        ]
        guard fields.check(node, keys: keys) else { return nil }
        let code = fields.required(node, "code", Field.code)
        let name = fields.optional(node, "name", Field.text)
        let interval = fields.optional(node, "interval", else: .month, Field.interval)
        let priceNodes = fields.required(node, "prices", Field.array) ?? []
        let prices = priceNodes.compactMap { price($0) }
        refuseDuplicateVersions(priceNodes)
        // By their text, so that a price that is wrong elsewhere does not make every mention of its unit wrong.
        let units = Set(PlanReader.texts("unit", of: node, "prices"))
        let trialDays = fields.optional(node, "trial_days", Field.integer(0...3660)) ?? 0
        let minimum = fields.optional(node, "minimum", Field.money(currency))
        let discounts = discounts(node, units: units)
        let limits = limitList(node, "limits", of: units)
        let entitlements = entitlements(node)
        let trialLimits = limitList(node, "trial_limits", of: units.union(entitlements.map(\.code)))
        let retiredFrom = fields.optional(node, "retired_from", Field.date)
        let retentionOffer = fields.optional(node, "retention_offer", Field.code)
        guard let code, let interval else { return nil }
        return Plan(
            code: code, name: name ?? code, currency: currency, interval: interval, prices: prices,
            trialDays: trialDays, minimum: minimum, discounts: discounts, limits: limits, entitlements: entitlements,
            trialLimits: trialLimits, retiredFrom: retiredFrom, retentionOffer: retentionOffer)
    }

    /// The texts of `key` in the objects of a list, as far as there are any.
    static func texts(_ key: String, of node: JSONNode, _ list: String) -> [String] {
        let elements = (try? node.optional(list)?.array()) ?? []
        return elements.compactMap { try? $0.optional(key)?.string() }
    }

    /// A code may stand several times, but from a date only one of its versions can begin.
    private mutating func refuseDuplicateVersions(_ nodes: [JSONNode]) {
        var seen: Set<String> = []
        for node in nodes {
            guard let field = fields.present(node, "code"), let code = try? field.string() else { continue }
            let from = fields.text(node, "effective_from")
            guard !seen.insert("\(code) \(from ?? "")").inserted else { continue }
            fields.faults.add(
                field.fault("price \"\(code)\" stands twice" + (from.map { " with effective_from \($0)" } ?? "")))
        }
    }

    private mutating func discounts(_ node: JSONNode, units: Set<String>) -> [PlanDiscount] {
        let nodes = fields.list(node, "discounts")
        fields.refuseDuplicates(nodes, key: "code", noun: "discount")
        return nodes.compactMap { discount($0, units: units) }
    }

    private mutating func discount(_ node: JSONNode, units: Set<String>) -> PlanDiscount? {
        guard fields.check(node, keys: ["code", "percent", "min_term_months", "unit", "min_quantity"]) else {
            return nil
        }
        let code = fields.required(node, "code", Field.code)
        let percent = fields.required(node, "percent", Field.percent)
        let term = fields.optional(node, "min_term_months", Field.integer(1...1200))
        let unit = fields.optional(node, "unit", Field.code)
        let minimum = fields.optional(node, "min_quantity", Field.quantity)
        switch (fields.present(node, "unit"), fields.present(node, "min_quantity")) {
        case (let field?, nil):
            fields.faults.add(field.fault("\"unit\" needs the \"min_quantity\" from which it holds"))
        case (nil, let field?): fields.faults.add(field.fault("\"min_quantity\" needs the \"unit\" that it counts"))
        case (let field?, _?):
            if metrics != nil, let unit, !units.contains(unit) {
                fields.faults.add(field.fault("\"\(unit)\" is no unit of this plan"))
            }
        case (nil, nil): break
        }
        guard let code, let percent else { return nil }
        var volume: PlanDiscount.Volume?
        if let unit, let minimum { volume = PlanDiscount.Volume(unit: unit, minimum: minimum) }
        return PlanDiscount(code: code, percent: percent, minimumTermMonths: term, volume: volume)
    }

    /// Of metrics and of those subjects. A trial's are numbers alone, and hard.
    private mutating func limitList(_ node: JSONNode, _ key: String, of subjects: Set<String>) -> [Limit] {
        let known = metrics.map { subjects.union($0.map(\.code)) }
        let isTrials = key == "trial_limits"
        let what = isTrials ? "no metric, and no unit or entitlement" : "neither a metric nor a unit"
        var limits: [Limit] = []
        for member in fields.optional(node, key, Field.members) ?? [] {
            if let known, !known.contains(member.key) {
                fields.faults.add(member.value.fault("\"\(member.key)\" is \(what) of this plan"))
            }
            let maximum: Int64?
            var isHard = isTrials
            if !isTrials, case .object = member.value.value {
                fields.check(member.value, keys: ["max", "hard"])
                maximum = fields.required(member.value, "max", Field.count)
                isHard = fields.optional(member.value, "hard", Field.bool) ?? false
            } else {
                maximum = fields.faults.collect { () throws(JSONFault) in try Field.count(member.value) }
            }
            if let maximum { limits.append(Limit(subject: member.key, maximum: maximum, isHard: isHard)) }
        }
        return limits.sorted { $0.subject < $1.subject }
    }

    /// A list of codes, or an object from code to what is granted.
    private mutating func entitlements(_ node: JSONNode) -> [Entitlement] {
        guard let field = fields.node(node, "entitlements") else { return [] }
        var entitlements: [Entitlement] = []
        if case .array(let codes) = field.value {
            for node in codes {
                guard let code = fields.faults.collect({ () throws(JSONFault) in try Field.code(node) }) else {
                    continue
                }
                if entitlements.contains(where: { $0.code == code }) {
                    fields.faults.add(node.fault("entitlement \"\(code)\" stands twice"))
                }
                entitlements.append(Entitlement(code: code, value: .granted(true)))
            }
        } else {
            for member in fields.faults.collect({ () throws(JSONFault) in try field.members() }) ?? [] {
                guard let value = entitlement(member.value) else { continue }
                entitlements.append(Entitlement(code: member.key, value: value))
            }
        }
        return entitlements.sorted { $0.code < $1.code }
    }

    private mutating func entitlement(_ node: JSONNode) -> Entitlement.Value? {
        switch node.value {
        case .bool(let granted): .granted(granted)
        case .string(let text): .text(text)
        default: fields.faults.collect { () throws(JSONFault) in try .number(node.integer()) }
        }
    }
}
