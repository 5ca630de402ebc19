public import JSONText
public import Money

extension Price {
    /// Reads one price as a catalogue writes it; `metrics` are the codes it may refer to. `nil` if anything is wrong with
    /// it, and then `faults` has all of it.
    public static func reading(
        _ node: JSONNode, currency: Currency, metrics: Set<String>, faults: inout JSONFaultList
    ) -> Price? {
        let known = metrics.sorted().map { Metric(code: $0, aggregation: .sum) }
        var reader = PlanReader(currency: currency, metrics: known)
        let price = reader.price(node)
        faults.add(reader.fields.faults.faults)
        return reader.fields.faults.isEmpty ? price : nil
    }
}

extension Price {
    /// Reads back what `json(in:)` wrote; the metric that it names was checked before. Throws the first fault.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        self = try PlanReader.stored(in: currency) { $0.price(node) }
    }
}

extension PriceModel {
    /// Reads back what `json(in:)` wrote; the metric that it names was checked before. Throws the first fault.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        self = try PlanReader.stored(in: currency) { $0.model(node) }
    }
}

extension PriceModel.Tier {
    /// Reads a list of tiers as a catalogue writes it: ascending, the last without a bound. `nil` if anything is wrong
    /// with it, and then `faults` has all of it.
    public static func reading(
        _ node: JSONNode, currency: Currency, faults: inout JSONFaultList
    ) -> [PriceModel.Tier]? {
        var reader = PlanReader(currency: currency, metrics: nil)
        let tiers = reader.tiers(node)
        faults.add(reader.fields.faults.faults)
        return reader.fields.faults.isEmpty ? tiers : nil
    }
}

/// The models by name, with the keys that each has beside those of every price.
private enum ModelName: String, CaseIterable {
    case flat
    case oneTime = "one_time"
    case perUnit = "per_unit"
    case usage, graduated, volume, package, percentage

    var keys: Set<String> {
        switch self {
        case .flat, .oneTime: ["amount"]
        case .perUnit: ["unit", "amount", "included"]
        case .usage: ["metric", "unit_amount", "included"]
        case .graduated, .volume: ["unit", "metric", "tiers"]
        case .package: ["unit", "metric", "size", "amount", "included"]
        case .percentage: ["metric", "percent", "fixed"]
        }
    }
}

extension PlanReader {
    private static let commonKeys: Set = [
        "code", "model", "bill", "interval", "effective_from", "move_existing_from",
    ]

    mutating func price(_ node: JSONNode) -> Price? {
        guard fields.isObject(node) else { return nil }
        let code = fields.required(node, "code", Field.code)
        let timing = fields.optional(node, "bill", Field.choice(Price.Timing.self))
        let interval = fields.optional(node, "interval", Field.interval)
        let effectiveFrom = fields.optional(node, "effective_from", Field.date)
        let movesFrom = fields.optional(node, "move_existing_from", Field.date)
        guard let name = fields.required(node, "model", Field.choice(ModelName.self)) else { return nil }
        fields.check(node, keys: PlanReader.commonKeys.union(name.keys))
        if timing == .inAdvance, name.keys.contains("metric"), let field = fields.present(node, "bill"),
            fields.present(node, "metric") != nil
        {
            fields.faults.add(field.fault("usage is billed in arrears"))
        }
        guard let model = model(name, node), let code else { return nil }
        return Price(
            code: code, model: model, timing: timing ?? .inAdvance, interval: interval, effectiveFrom: effectiveFrom,
            movesExistingFrom: movesFrom)
    }

    /// What `read` makes of something that was checked when it was stored. Throws the first fault.
    fileprivate static func stored<Value>(
        in currency: Currency, _ read: (inout PlanReader) -> Value?
    ) throws(JSONFault) -> Value {
        var reader = PlanReader(currency: currency, metrics: nil)
        let value = read(&reader)
        if let fault = reader.fields.faults.faults.first { throw fault }
        guard let value else { preconditionFailure("nothing was read, and nothing is wrong with it") }
        return value
    }

    fileprivate mutating func model(_ node: JSONNode) -> PriceModel? {
        guard fields.isObject(node), let name = fields.required(node, "model", Field.choice(ModelName.self)) else {
            return nil
        }
        fields.check(node, keys: name.keys.union(["model"]))
        return model(name, node)
    }

    private mutating func model(_ name: ModelName, _ node: JSONNode) -> PriceModel? {
        switch name {
        case .flat:
            return fields.required(node, "amount", Field.money(currency)).map { .flat(amount: $0) }
        case .oneTime:
            return fields.required(node, "amount", Field.money(currency)).map { .oneTime(amount: $0) }
        case .perUnit:
            let unit = fields.required(node, "unit", Field.code)
            let amount = fields.required(node, "amount", Field.unitPrice(currency))
            let included = fields.optional(node, "included", Field.quantity) ?? .zero
            guard let unit, let amount else { return nil }
            return .perUnit(unit: unit, amount: amount, included: included)
        case .usage:
            let metric = metric(node)
            let amount = fields.required(node, "unit_amount", Field.unitPrice(currency))
            let included = fields.optional(node, "included", Field.quantity) ?? .zero
            guard let metric, let amount else { return nil }
            return .usage(metric: metric, amount: amount, included: included)
        case .graduated, .volume:
            let counted = counted(node)
            let tiers = fields.required(node, "tiers") { (node) throws(JSONFault) in node }.flatMap { self.tiers($0) }
            guard let counted, let tiers else { return nil }
            return name == .graduated ? .graduated(counted, tiers: tiers) : .volume(counted, tiers: tiers)
        case .package: return package(node)
        case .percentage: return percentage(node)
        }
    }

    private mutating func package(_ node: JSONNode) -> PriceModel? {
        let counted = counted(node)
        let size = fields.required(node, "size", Field.positive)
        let amount = fields.required(node, "amount", Field.unitPrice(currency))
        let included = fields.optional(node, "included", Field.quantity) ?? .zero
        guard let counted, let size, let amount else { return nil }
        return .package(counted, size: size, amount: amount, included: included)
    }

    private mutating func percentage(_ node: JSONNode) -> PriceModel? {
        let metric = metric(node)
        let percent = fields.required(node, "percent", Field.percent)
        let fixed = fields.optional(node, "fixed", Field.unitPrice(currency)) ?? .zero
        if let metric, let known = metrics?.first(where: { $0.code == metric }), known.aggregation != .sum {
            let reason = "a percentage is of a sum, and \"\(metric)\" is a \(known.aggregation.rawValue)"
            fields.faults.add((fields.present(node, "metric") ?? node).fault(reason))
        }
        guard let metric, let percent else { return nil }
        return .percentage(metric: metric, percent: percent, fixed: fixed)
    }

    private mutating func metric(_ node: JSONNode) -> String? {
        guard let code = fields.required(node, "metric", Field.code) else { return nil }
        if let metrics, !metrics.contains(where: { $0.code == code }) {
            fields.faults.add((fields.present(node, "metric") ?? node).fault("there is no metric \"\(code)\""))
        }
        return code
    }

    /// `unit` or `metric`, and not both.
    private mutating func counted(_ node: JSONNode) -> PriceModel.Counted? {
        switch (fields.present(node, "unit"), fields.present(node, "metric")) {
        case (_?, nil): return fields.required(node, "unit", Field.code).map { .unit($0) }
        case (nil, _?): return metric(node).map { .metric($0) }
        case (nil, nil): fields.faults.add(node.fault("needs the \"unit\" or the \"metric\" that it counts"))
        case (_?, let field?): fields.faults.add(field.fault("counts a \"unit\" or a \"metric\", not both"))
        }
        return nil
    }

    mutating func tiers(_ node: JSONNode) -> [PriceModel.Tier]? {
        guard let nodes = fields.faults.collect({ () throws(JSONFault) in try node.array() }) else { return nil }
        guard let last = nodes.last else {
            fields.faults.add(node.fault("needs at least one tier"))
            return nil
        }
        var lower = Rational.zero
        let tiers = nodes.compactMap { node in
            let tier = tier(node)
            if let bound = fields.present(node, "up_to") {
                check(bound, of: tier, over: &lower, isLast: node.path == last.path)
            }
            return tier
        }
        return tiers.count == nodes.count ? tiers : nil
    }

    private mutating func tier(_ node: JSONNode) -> PriceModel.Tier? {
        guard fields.check(node, keys: ["up_to", "unit_amount", "flat_amount"]) else { return nil }
        let upTo = fields.required(node, "up_to") { (node) throws(JSONFault) -> Rational? in
            node.value == .null ? nil : try Field.quantity(node)
        }
        let unitAmount = fields.required(node, "unit_amount", Field.unitPrice(currency))
        let flatAmount = fields.optional(node, "flat_amount", Field.money(currency))
        guard let upTo, let unitAmount else { return nil }
        return PriceModel.Tier(
            upTo: upTo, unitAmount: unitAmount, flatAmount: flatAmount.map { Rational($0.minorUnits) } ?? .zero)
    }

    /// Tiers leave no gap: each ends above the one before, and only the last has no end.
    private mutating func check(
        _ bound: JSONNode, of tier: PriceModel.Tier?, over lower: inout Rational, isLast: Bool
    ) {
        switch (bound.value, isLast) {
        case (.null, true): break
        case (.null, false): fields.faults.add(bound.fault("only the last tier has no bound"))
        case (_, true): fields.faults.add(bound.fault("must be null in the last tier, which has no bound"))
        case (_, false):
            guard let upTo = tier?.upTo else { return }
            if upTo <= lower { fields.faults.add(bound.fault("\(upTo) does not lie above \(lower)")) }
            lower = max(lower, upTo)
        }
    }
}
