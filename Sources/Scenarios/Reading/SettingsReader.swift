internal import Accounts
internal import Billing
internal import JSONText
internal import Money

/// How the seller of a scenario bills.
extension ScenarioReader {
    static let settingsKeys: Set<String> = ["time_zone", "currency", "proration", "invoice", "dunning", "tax"]

    /// The settings, their defaults where the file says nothing.
    mutating func settings(_ node: JSONNode?, currency: Currency) -> BillingSettings {
        var settings = BillingSettings(currency: currency)
        guard let node else { return settings }
        if let node = fields.object(node, "proration", keys: ["unit", "credit", "allowances"]) {
            settings.proration = proration(node)
        }
        if let node = fields.object(node, "invoice", keys: ["net_days", "numbering", "prefix"]) {
            settings.netDays = fields.optional(node, "net_days", Field.integer(0...365)) ?? 0
            let scheme = fields.optional(node, "numbering", Field.choice(InvoiceNumbering.Scheme.self)) ?? .customer
            settings.numbering = InvoiceNumbering(scheme, prefix: fields.optional(node, "prefix", Field.code))
        }
        if let node = fields.node(node, "dunning"), let dunning = Dunning.reading(node, faults: &fields.faults) {
            settings.dunning = dunning
        }
        if let node = fields.object(node, "tax", keys: ["rates"]) { settings.taxRates = taxRates(node) }
        return settings
    }

    private mutating func proration(_ node: JSONNode) -> Proration {
        Proration(
            unit: fields.optional(node, "unit", Field.choice(Proration.Unit.self)) ?? .day,
            credit: fields.optional(node, "credit", Field.choice(Proration.CreditBasis.self)) ?? .full,
            allowances: fields.optional(node, "allowances", Field.choice(Proration.Allowances.self)) ?? .whole)
    }

    private mutating func taxRates(_ node: JSONNode) -> [TaxRate] {
        var rates: [TaxRate] = []
        for node in fields.objects(node, "rates", keys: ["country", "region", "percent"]) {
            let country = fields.required(node, "country", Field.country)
            let region = fields.optional(node, "region", Field.text)
            let percent = fields.required(node, "percent", Field.percent)
            guard let country, let percent else { continue }
            let rate = TaxRate(country: country, region: region, percent: percent)
            if rates.contains(where: { $0.code == rate.code }) {
                fields.faults.add(node.fault("tax rate \"\(rate.code)\" stands twice"))
            }
            rates.append(rate)
        }
        return rates
    }
}
