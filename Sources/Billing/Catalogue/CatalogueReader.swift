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

    /// A whole file.
    mutating func catalogue(_ root: JSONNode) -> Catalogue? {
        guard fields.check(root, keys: ["seller", "currency", "plans", "metrics", "coupons"]) else { return nil }
        let own = fields.optional(root, "currency", Field.currency)
        let seller = fields.node(root, "seller").flatMap { self.seller($0, currency: own ?? fallback) }
        if let currency = own ?? seller?.currency ?? fallback {
            return content(root, seller: seller, currency: currency)
        }
        if fields.present(root, "currency") == nil {
            fields.faults.add(root.fault("no currency is named, so no amount can be read"))
        }
        // Read all the same, for the other faults: in a currency so fine that it causes none.
        if let finest = try? Currency(code: "CLF") { _ = content(root, seller: nil, currency: finest) }
        return nil
    }

    /// A catalogue inside another file, which says itself who sells and in which currency.
    mutating func part(_ node: JSONNode, currency: Currency) -> Catalogue? {
        guard fields.check(node, keys: ["plans", "metrics", "coupons"]) else { return nil }
        return content(node, seller: nil, currency: currency)
    }

    private mutating func content(_ node: JSONNode, seller: Seller?, currency: Currency) -> Catalogue {
        let metricNodes = fields.list(node, "metrics")
        let metrics = metricNodes.compactMap { metric($0) }
        fields.refuseDuplicates(metricNodes, key: "code", noun: "metric")
        let planNodes = fields.required(node, "plans", Field.array) ?? []
        fields.refuseDuplicates(planNodes, key: "code", noun: "plan")
        let couponNodes = fields.list(node, "coupons")
        fields.refuseDuplicates(couponNodes, key: "code", noun: "coupon")

        // A metric that is wrong in itself is known none the less: its own fault is enough.
        let wrong = Set(metricNodes.compactMap { fields.text($0, "code") }).subtracting(metrics.map(\.code))
        var reader = PlanReader(
            currency: currency, metrics: metrics + wrong.map { Metric(code: $0, aggregation: .sum) }, fields: fields)
        let plans = planNodes.compactMap { reader.plan($0) }
        let prices = Set(planNodes.flatMap { PlanReader.texts("code", of: $0, "prices") })
        let coupons = couponNodes.compactMap { reader.coupon($0, prices: prices) }
        fields = reader.fields
        checkOffers(node, coupons: Set(couponNodes.compactMap { fields.text($0, "code") }))
        return Catalogue(seller: seller, currency: currency, plans: plans, metrics: metrics, coupons: coupons)
    }

    /// What is offered to whoever goes must be a coupon of this catalogue.
    private mutating func checkOffers(_ root: JSONNode, coupons: Set<String>) {
        let cancellation = fields.present(root, "seller").flatMap { fields.present($0, "cancellation") }
        let winBack = cancellation.flatMap { fields.present($0, "win_back") }
        let plans = (try? fields.present(root, "plans")?.array()) ?? []
        let offers =
            [(cancellation, "offer"), (winBack, "coupon")] + plans.map { (Optional($0), "retention_offer") }
        for (node, key) in offers {
            guard let field = node.flatMap({ fields.present($0, key) }), let code = try? field.string() else {
                continue
            }
            if !coupons.contains(code) { fields.faults.add(field.fault("there is no coupon \"\(code)\"")) }
        }
    }

    private mutating func seller(_ node: JSONNode, currency: Currency?) -> Seller? {
        let keys: Set = [
            "code", "name", "time_zone", "currency", "language", "invoice", "dunning", "brakes", "reminders",
            "cancellation", "branding",
        ]
        guard fields.check(node, keys: keys) else { return nil }
        let code = fields.required(node, "code", Field.code)
        let name = fields.required(node, "name", Field.text)
        let zone = fields.optional(node, "time_zone", Field.text) ?? "UTC"
        let own = fields.optional(node, "currency", Field.currency)
        let language = fields.optional(node, "language", Field.language)
        let settings = fields.node(node, "invoice").map { invoiceSettings($0) } ?? InvoiceSettings()
        let dunning = fields.node(node, "dunning").flatMap { Dunning.reading($0, faults: &fields.faults) } ?? Dunning()
        let brakes = fields.node(node, "brakes").map { Brakes.reading($0, &fields) }
        let reminders = fields.node(node, "reminders").map { Reminders.reading($0, &fields) } ?? Reminders()
        let retention = fields.node(node, "cancellation").map { Retention.reading($0, &fields) } ?? Retention()
        let branding = fields.node(node, "branding").map { Branding.reading($0, &fields) }
        guard let code, let name, let currency = own ?? currency else { return nil }
        return Seller(
            code: code, name: name, timeZone: zone, currency: currency, invoices: settings, dunning: dunning,
            brakes: brakes, reminders: reminders, retention: retention, branding: branding, language: language)
    }

    private mutating func invoiceSettings(_ node: JSONNode) -> InvoiceSettings {
        fields.check(node, keys: ["prefix", "numbering", "net_days"])
        let scheme = fields.optional(node, "numbering", Field.choice(InvoiceNumbering.Scheme.self)) ?? .customer
        let prefix = fields.optional(node, "prefix", Field.code)
        let netDays = fields.optional(node, "net_days", Field.integer(0...365)) ?? 0
        return InvoiceSettings(numbering: InvoiceNumbering(scheme, prefix: prefix), netDays: netDays)
    }

    private mutating func metric(_ node: JSONNode) -> Metric? {
        guard fields.check(node, keys: ["code", "aggregation", "field"]) else { return nil }
        let code = fields.required(node, "code", Field.code)
        let aggregation = fields.optional(
            node, "aggregation", else: .sum, Field.choice(Metric.Aggregation.self))
        let field = fields.optional(node, "field", Field.text)
        guard let code, let aggregation else { return nil }
        if aggregation == .unique, field == nil {
            fields.faults.add(node.fault("unique needs the \"field\" whose values it counts"))
        }
        return Metric(code: code, aggregation: aggregation, field: field)
    }
}
