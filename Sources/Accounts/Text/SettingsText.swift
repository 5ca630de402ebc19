internal import Billing
public import JSONText
internal import Money

/// A seller's settings are stored in the words of a scenario's `settings`, with every default written out, so that a
/// later default does not change what was agreed.
extension BillingSettings {
    public var json: JSONValue {
        .present([
            "currency": .string(currency.code),
            "proration": [
                "unit": .string(proration.unit.rawValue), "credit": .string(proration.credit.rawValue),
                "allowances": .string(proration.allowances.rawValue),
            ],
            "invoice": .present([
                "net_days": .count(netDays), "numbering": .string(numbering.scheme.rawValue),
                "prefix": numbering.prefix.map { .string($0) },
            ]), "dunning": dunning.json, "tax": ["rates": .array(taxRates.map(\.json))], "brakes": brakes?.json,
            "reminders": reminders.json, "cancellation": retention.json,
            "documents": rendersDocuments ? .bool(true) : nil,
        ])
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: [
            "currency", "proration", "invoice", "dunning", "tax", "brakes", "reminders", "cancellation", "documents",
        ])
        let invoice = try node.required("invoice")
        try invoice.allowing(keys: ["net_days", "numbering", "prefix"])
        let tax = try node.required("tax")
        try tax.allowing(keys: ["rates"])
        self.init(
            currency: try node.required("currency", Field.currency),
            proration: try node.required("proration", Proration.init(reading:)),
            numbering: InvoiceNumbering(
                try invoice.required("numbering", Field.choice(InvoiceNumbering.Scheme.self)),
                prefix: try invoice.optional("prefix", Field.string)),
            netDays: try invoice.required("net_days", Field.place),
            dunning: try node.required("dunning", Dunning.init(reading:)),
            taxRates: try tax.list("rates", TaxRate.init(reading:)),
            brakes: try node.optional("brakes", Brakes.init(reading:)),
            reminders: try node.optional("reminders", Reminders.init(reading:)) ?? Reminders(),
            retention: try node.optional("cancellation", Retention.init(reading:)) ?? Retention())
        rendersDocuments = try node.optional("documents", Field.bool) ?? false
    }
}

extension Proration {
    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["unit", "credit", "allowances"])
        self.init(
            unit: try node.required("unit", Field.choice(Unit.self)),
            credit: try node.required("credit", Field.choice(CreditBasis.self)),
            allowances: try node.required("allowances", Field.choice(Allowances.self)))
    }
}

extension Dunning {
    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        var faults = JSONFaultList()
        let dunning = Dunning.reading(node, faults: &faults)
        if let fault = faults.faults.first { throw fault }
        guard let dunning else { preconditionFailure("no dunning was read, and nothing is wrong with it") }
        self = dunning
    }
}

extension Reminders {
    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        var fields = FieldReader()
        self = Reminders.reading(node, &fields)
        if let fault = fields.faults.faults.first { throw fault }
    }
}

extension Retention {
    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        var fields = FieldReader()
        self = Retention.reading(node, &fields)
        if let fault = fields.faults.faults.first { throw fault }
    }
}

extension TaxRate {
    fileprivate var json: JSONValue {
        .present([
            "country": .string(country), "region": region.map { .string($0) }, "percent": .number(percent),
        ])
    }

    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["country", "region", "percent"])
        self.init(
            country: try node.required("country", Field.string), region: try node.optional("region", Field.string),
            percent: try node.required("percent", Field.percent))
    }
}

extension Brakes {
    fileprivate var json: JSONValue {
        .present(["max_lines": maximumLines.map { .count($0) }, "max_growth": maximumGrowth.map { .number($0) }])
    }

    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["max_lines", "max_growth"])
        self.init(
            maximumLines: try node.optional("max_lines", Field.place),
            maximumGrowth: try node.optional("max_growth", Field.number))
    }
}
