internal import Billing
public import JSONText
public import Money

/// An explanation is stored as one key, its case, with what it is worked out from: an issued line can be worked out
/// again for ever.
extension Explanation {
    /// Throws as `Plan.json()` does, for a price that no catalogue could have had.
    public func json() throws(MoneyFault) -> JSONValue {
        switch self {
        case .charge(let charge): ["charge": try charge.json(billed: nil)]
        case .usage(let charge, let billed): ["usage": try charge.json(billed: billed)]
        case .credit(let reference, let net, let part, let paid, let left):
            [
                "credit": .present([
                    "invoice": .count(reference.invoice), "line": .count(reference.line), "net": .minorUnits(net),
                    "part": .text(part), "paid": paid.map { .text($0) }, "left": .minorUnits(left),
                ])
            ]
        case .minimum(let minimum, let part, let lines, let billed):
            [
                "minimum": .present([
                    "minimum": .minorUnits(minimum), "part": part.map { .text($0) }, "lines": .minorUnits(lines),
                    "billed": .minorUnits(billed),
                ])
            ]
        case .percentOff(let percent, let base, let use):
            [
                "percent_off": .present([
                    "percent": .number(percent), "of": .minorUnits(base), "use": use.map { .count($0) },
                ])
            ]
        case .amountOff(let amount, let base, let use):
            ["amount_off": ["amount": .minorUnits(amount), "of": .minorUnits(base), "use": .count(use)]]
        case .tax(let percent, let nets):
            ["tax": ["percent": .number(percent), "of": .array(nets.map { .minorUnits($0) })]]
        case .given(let amount): ["given": ["amount": .minorUnits(amount)]]
        }
    }

    /// Reads back what `json()` wrote; amounts are in `currency`.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        let money = Field.minorUnits(currency)
        let (name, node) = try node.sort()
        switch name {
        case "charge": self = .charge(try Charge(reading: node, currency: currency))
        case "usage":
            self = .usage(
                try Charge(reading: node, currency: currency, more: ["billed"]),
                billed: try node.required("billed", money))
        case "credit":
            try node.allowing(keys: ["invoice", "line", "net", "part", "paid", "left"])
            self = .credit(
                of: LineReference(
                    invoice: try node.required("invoice", Field.place), line: try node.required("line", Field.place)),
                net: try node.required("net", money), part: try node.required("part", Field.part),
                paid: try node.optional("paid", Field.part), left: try node.required("left", money))
        case "minimum":
            try node.allowing(keys: ["minimum", "part", "lines", "billed"])
            self = .minimum(
                try node.required("minimum", money), part: try node.optional("part", Field.part),
                lines: try node.required("lines", money), billed: try node.required("billed", money))
        case "percent_off":
            try node.allowing(keys: ["percent", "of", "use"])
            self = .percentOff(
                try node.required("percent", Field.number), of: try node.required("of", money),
                use: try node.optional("use", Field.place))
        case "amount_off":
            try node.allowing(keys: ["amount", "of", "use"])
            self = .amountOff(
                try node.required("amount", money), of: try node.required("of", money),
                use: try node.required("use", Field.place))
        case "tax":
            try node.allowing(keys: ["percent", "of"])
            self = .tax(try node.required("percent", Field.number), of: try node.required("of", Field.list(money)))
        case "given":
            try node.allowing(keys: ["amount"])
            self = .given(try node.required("amount", money))
        default: throw node.fault("\"\(name)\" explains nothing")
        }
    }
}

extension Explanation.Charge {
    fileprivate func json(billed: Money?) throws(MoneyFault) -> JSONValue {
        .present([
            "plan": basis.plan.map { .string($0) }, "interval": basis.interval.json,
            "price": try basis.model.json(in: currency), "bill": .string(basis.timing.rawValue),
            "quantity": .number(basis.quantity), "events": events == 0 ? nil : .count(events),
            "allowances": allowances.map { .text($0) }, "part": part.map { .text($0) },
            "billed": billed.map { .minorUnits($0) },
        ])
    }

    fileprivate init(reading node: JSONNode, currency: Currency, more: Set<String> = []) throws(JSONFault) {
        let keys: Set = ["plan", "interval", "price", "bill", "quantity", "events", "allowances", "part"]
        try node.allowing(keys: keys.union(more))
        let basis = Explanation.Basis(
            plan: try node.optional("plan", Field.string), interval: try node.required("interval", Field.interval),
            model: try PriceModel(reading: node.required("price"), currency: currency),
            timing: try node.required("bill", Field.choice(Price.Timing.self)),
            quantity: try node.required("quantity", Field.number))
        self.init(
            basis: basis, currency: currency, events: try node.optional("events", Field.place) ?? 0,
            allowances: try node.optional("allowances", Field.part), part: try node.optional("part", Field.part))
    }
}
