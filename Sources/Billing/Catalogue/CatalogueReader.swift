internal import JSONText
internal import Money

/// Turns the text of a catalogue into values and gathers what is wrong with it on the way.
struct CatalogueReader {
    private var fields = FieldReader()
    private let fallback: Currency?

    /// `currency` is for a file that names none.
    init(currency: Currency?) { fallback = currency }

    var faults: JSONFaultList {
        get { fields.faults }
        set { fields.faults = newValue }
    }

    mutating func catalogue(_ root: JSONNode) -> Catalogue? {
        fields.check(root, keys: ["seller", "currency", "plans", "metrics"], later: ["coupons"])
        guard case .object = root.value else { return nil }
        let own = fields.optional(root, "currency", Field.currency)
        let seller = fields.node(root, "seller").flatMap { self.seller($0, currency: own ?? fallback) }
        let metricNodes = fields.list(root, "metrics")
        let metrics = metricNodes.compactMap { metric($0) }
        fields.refuseDuplicates(metricNodes, key: "code", noun: "metric")
        let planNodes = fields.required(root, "plans", Field.array) ?? []
        fields.refuseDuplicates(planNodes, key: "code", noun: "plan")
        guard let currency = own ?? seller?.currency ?? fallback else {
            fields.faults.add(root.fault("no currency is named, so no amount can be read"))
            return nil
        }
        let codes = Set(metrics.map(\.code))
        let plans = planNodes.compactMap { plan($0, currency: currency, metrics: codes) }
        return Catalogue(seller: seller, currency: currency, plans: plans, metrics: metrics)
    }

    private mutating func seller(_ node: JSONNode, currency: Currency?) -> Seller? {
        fields.check(node, keys: ["code", "name", "time_zone", "currency", "invoice"])
        let code = fields.required(node, "code", Field.code)
        let name = fields.required(node, "name", Field.text)
        let zone = fields.optional(node, "time_zone", Field.text) ?? "UTC"
        let own = fields.optional(node, "currency", Field.currency)
        let settings = fields.node(node, "invoice").map { invoiceSettings($0) } ?? InvoiceSettings()
        guard let code, let name, let currency = own ?? currency else { return nil }
        return Seller(code: code, name: name, timeZone: zone, currency: currency, invoices: settings)
    }

    private mutating func invoiceSettings(_ node: JSONNode) -> InvoiceSettings {
        fields.check(node, keys: ["prefix", "numbering", "net_days"])
        let scheme = fields.optional(node, "numbering", Field.choice(InvoiceNumbering.Scheme.self)) ?? .customer
        let prefix = fields.optional(node, "prefix", Field.code)
        let netDays = fields.optional(node, "net_days", Field.integer(0...365)) ?? 0
        return InvoiceSettings(numbering: InvoiceNumbering(scheme, prefix: prefix), netDays: netDays)
    }

    private mutating func metric(_ node: JSONNode) -> Metric? {
        fields.check(node, keys: ["code", "aggregation", "field"])
        let code = fields.required(node, "code", Field.code)
        let aggregation = fields.required(node, "aggregation", Field.choice(Metric.Aggregation.self))
        let field = fields.optional(node, "field", Field.text)
        guard let code, let aggregation else { return nil }
        if aggregation == .unique, field == nil {
            fields.faults.add(node.fault("unique needs the \"field\" whose values it counts"))
        }
        return Metric(code: code, aggregation: aggregation, field: field)
    }

    mutating func plan(_ node: JSONNode, currency: Currency, metrics: Set<String>) -> Plan? {
        fields.check(
            node, keys: ["code", "name", "interval", "prices", "trial_days", "limits", "entitlements"],
            later: ["minimum", "discounts"])
        guard case .object = node.value else { return nil }
        let code = fields.required(node, "code", Field.code)
        let name = fields.optional(node, "name", Field.text)
        let interval = fields.required(node, "interval", Field.interval)
        let priceNodes = fields.required(node, "prices", Field.array) ?? []
        fields.refuseDuplicates(priceNodes, key: "code", noun: "price")
        let prices = priceNodes.compactMap { price($0, currency: currency) }
        let trialDays = fields.optional(node, "trial_days", Field.integer(0...3660)) ?? 0
        let limits = limits(node, known: metrics.union(prices.compactMap(\.model.unit)))
        let entitlements = entitlements(node)
        guard let code, let interval else { return nil }
        return Plan(
            code: code, name: name ?? code, currency: currency, interval: interval, prices: prices,
            trialDays: trialDays, limits: limits, entitlements: entitlements)
    }

    private mutating func price(_ node: JSONNode, currency: Currency) -> Price? {
        guard let kind = fields.required(node, "model", { node throws(JSONFault) in try node.string() }),
            let model = model(kind, node, currency: currency)
        else { return nil }
        let code = fields.required(node, "code", Field.code)
        let timing = fields.optional(node, "bill", Field.choice(Price.Timing.self)) ?? .inAdvance
        let interval = fields.optional(node, "interval", Field.interval)
        guard let code else { return nil }
        return Price(code: code, model: model, timing: timing, interval: interval)
    }

    private mutating func model(_ kind: String, _ node: JSONNode, currency: Currency) -> PriceModel? {
        let common: Set<String> = ["code", "model", "bill", "interval"]
        switch kind {
        case "flat":
            fields.check(node, keys: common.union(["amount"]), later: ["effective_from"])
            return fields.required(node, "amount", Field.money(currency)).map { .flat(amount: $0) }
        case "per_unit":
            fields.check(node, keys: common.union(["unit", "amount", "included"]), later: ["effective_from"])
            let unit = fields.required(node, "unit", Field.code)
            let amount = fields.required(node, "amount", Field.unitPrice(currency))
            let included = fields.optional(node, "included", Field.quantity) ?? .zero
            guard let unit, let amount else { return nil }
            return .perUnit(unit: unit, amount: amount, included: included)
        case "one_time", "usage", "graduated", "volume", "package", "percentage":
            fields.faults.add((fields.node(node, "model") ?? node).fault("model '\(kind)' is not supported yet"))
            return nil
        default:
            fields.faults.add((fields.node(node, "model") ?? node).fault("unknown model '\(kind)'"))
            return nil
        }
    }

    private mutating func limits(_ node: JSONNode, known: Set<String>) -> [Limit] {
        var limits: [Limit] = []
        for member in fields.optional(node, "limits", Field.members) ?? [] {
            if !known.contains(member.key) {
                fields.faults.add(member.value.fault("\"\(member.key)\" is neither a metric nor a unit of this plan"))
            }
            let maximum: Int64?
            var isHard = false
            if case .object = member.value.value {
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
