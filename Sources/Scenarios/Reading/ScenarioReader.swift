internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money

/// Turns the text of a scenario file into values and gathers what is wrong with it on the way.
struct ScenarioReader {
    var fields = FieldReader()
    let zones: (String) -> TimeZoneRules?
    let shippedCatalogue: (String) -> [UInt8]?

    init(zones: @escaping (String) -> TimeZoneRules?, shippedCatalogue: @escaping (String) -> [UInt8]?) {
        self.zones = zones
        self.shippedCatalogue = shippedCatalogue
    }

    private static let keys: Set<String> = [
        "scenario", "source", "settings", "catalog", "customers", "timeline", "until", "expect",
    ]

    mutating func scenario(_ root: JSONNode) -> Scenario? {
        guard let root = fields.checked(root, keys: Self.keys) else { return nil }
        let rule = fields.required(root, "scenario", Field.prose)
        let source = fields.optional(root, "source", Field.prose)
        let settingsNode = fields.object(root, "settings", keys: Self.settingsKeys)
        let named = settingsNode.flatMap { fields.optional($0, "currency", Field.currency) }
        let zone = settingsNode.flatMap { fields.optional($0, "time_zone", zoneRules) } ?? .utc
        let catalogueNode = fields.required(root, "catalog", Field.any)
        let catalogue = catalogueNode.flatMap { self.catalogue($0, currency: named) }
        let currency = named ?? catalogue?.currency ?? .usd
        let settings = settings(settingsNode, currency: currency)
        let customers = customers(root, currency: currency, zone: zone)

        let operations = fields.required(root, "timeline", Field.array) ?? []
        var reader = OperationReader(
            fields: fields, customers: customers, catalogue: catalogue,
            metrics: catalogueNode.flatMap { metrics(of: catalogue, $0) }, currency: currency, zone: zone,
            timeline: operations)
        let timeline = reader.timeline(operations)
        fields = reader.fields
        let until = until(root, timeline: timeline, zone: zone)
        let expect = fields.node(root, "expect")
        if let expect { ResultShape.result.check(expect, faults: &fields.faults) }

        guard let rule, let catalogue, let until else { return nil }
        return Scenario(
            rule: rule, source: source, settings: settings, zone: zone, catalogue: catalogue, customers: customers,
            timeline: timeline, until: until, expect: expect)
    }

    private mutating func until(_ root: JSONNode, timeline: [TimedOperation], zone: TimeZoneRules) -> Instant? {
        guard let node = fields.node(root, "until") else {
            if timeline.isEmpty, fields.faults.isEmpty {
                fields.faults.add(root.fault("without operations \"until\" must say when it ends"))
            }
            return timeline.last?.at
        }
        let until = fields.faults.collect { () throws(JSONFault) in try Field.instant(zone)(node) }
        if let until, let late = timeline.last(where: { $0.at > until }) {
            fields.faults.add(node.fault("\(until) is before the operation of line \(late.line), at \(late.at)"))
        }
        return until
    }

    /// The rules of a zone by its IANA name.
    private var zoneRules: (JSONNode) throws(JSONFault) -> TimeZoneRules {
        { [zones] node throws(JSONFault) in
            let name = try node.string()
            guard let rules = name == "UTC" ? .utc : zones(name) else {
                throw node.fault("unknown time zone \"\(name.prefix(80))\"")
            }
            return rules
        }
    }

    /// The catalogue that stands in the file, or that of a name. Amounts are in `currency`, US dollars if `nil`.
    private mutating func catalogue(_ node: JSONNode, currency: Currency?) -> Catalogue? {
        guard case .string(let name) = node.value else {
            return Catalogue.reading(node, currency: currency ?? .usd, faults: &fields.faults)
        }
        guard let bytes = shippedCatalogue(name) else {
            fields.faults.add(node.fault("no catalogue \"\(name.prefix(80))\" is shipped"))
            return nil
        }
        do throws(CatalogueFaults) {
            let catalogue = try Catalogue.read(bytes, name: name, currency: currency ?? .usd)
            if let currency, currency != catalogue.currency {
                fields.faults.add(node.fault("its prices are in \(catalogue.currency), the settings say \(currency)"))
            }
            return catalogue
        } catch {
            fields.faults.add(error.faults.map { node.fault("\(name): \($0)") })
            return nil
        }
    }

    /// What may be metered, also by a catalogue in the file with something wrong in it.
    private func metrics(of catalogue: Catalogue?, _ node: JSONNode) -> Set<String>? {
        if let catalogue { return Set(catalogue.metrics.map(\.code)) }
        guard case .object = node.value else { return nil }
        let nodes = (try? fields.present(node, "metrics")?.array()) ?? []
        return Set(nodes.compactMap { fields.text($0, "code") })
    }

    private mutating func customers(
        _ root: JSONNode, currency: Currency, zone: TimeZoneRules
    ) -> [ScenarioCustomer] {
        let nodes = fields.required(root, "customers", Field.array) ?? []
        fields.refuseDuplicates(nodes, key: "id", noun: "customer") { $0.uppercased() }
        return nodes.compactMap { customer($0, currency: currency, zone: zone) }
    }

    private mutating func customer(
        _ node: JSONNode, currency: Currency, zone: TimeZoneRules
    ) -> ScenarioCustomer? {
        let keys: Set<String> = [
            "id", "name", "email", "currency", "time_zone", "address", "tax_exempt", "billing_day", "payment",
        ]
        guard let node = fields.checked(node, keys: keys) else { return nil }
        let id = fields.required(node, "id", Field.code)
        let name = fields.optional(node, "name", Field.text)
        let email = fields.optional(node, "email", Field.email)
        let own = fields.optional(node, "currency", Field.currency)
        let ownZone = fields.optional(node, "time_zone", zoneRules)
        let address = fields.node(node, "address").flatMap { fields.address($0) }
        let isTaxExempt = fields.optional(node, "tax_exempt", Field.bool) ?? false
        let billingDay = fields.optional(node, "billing_day", Field.integer(1...31))
        let payment = fields.object(node, "payment", keys: ["method", "net_days", "outcomes"])
        let arrangement = payment.flatMap { fields.arrangement($0) }
        let outcomes = payment.map { fields.values($0, "outcomes", Field.choice(Outcome.self)) } ?? []
        guard let id else { return nil }
        return ScenarioCustomer(
            id: id, name: name ?? id, email: email, currency: own ?? currency, zone: ownZone ?? zone, address: address,
            isTaxExempt: isTaxExempt, billingDay: billingDay, payment: arrangement, outcomes: outcomes)
    }
}

extension FieldReader {
    /// `method` and `net_days` of a payment.
    mutating func arrangement(_ node: JSONNode) -> PaymentArrangement? {
        let method = required(node, "method", Field.choice(PaymentArrangement.Method.self))
        let netDays = optional(node, "net_days", Field.integer(0...365))
        return method.map { PaymentArrangement(method: $0, netDays: netDays) }
    }
}
