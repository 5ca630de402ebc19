internal import Billing
public import Dates
public import JSONText
public import Money

/// What a line keeps beside its columns, as one value: whether it bills time and from which second to which, its shares
/// in discounts and taxes, and what it promises.
extension InvoiceLine {
    /// An empty object where there is nothing to keep.
    public var extras: JSONValue {
        .present([
            "span": span?.json(besides: period), "discounts": .list(discounts.map(\.json)),
            "taxes": .list(taxes.map(\.json)), "obligation": obligation?.json,
        ])
    }

    /// The line of which `extras` are what `extras` wrote, the rest being its columns. Amounts are in the currency of
    /// `amount`.
    public init(
        reading extras: JSONNode, kind: Kind, code: String, subscription: String?, period: Period?,
        quantity: Rational?, factor: Fraction?, amount: Money, explanation: Explanation
    ) throws(JSONFault) {
        try extras.allowing(keys: ["span", "discounts", "taxes", "obligation"])
        let currency = amount.currency
        self.init(
            kind: kind, code: code, subscription: subscription,
            span: try extras.optional("span") { (node) throws(JSONFault) in
                try Span(reading: node, besides: period)
            },
            period: period, quantity: quantity, factor: factor, amount: amount, explanation: explanation,
            obligation: try extras.optional("obligation") { (node) throws(JSONFault) in
                try Obligation(reading: node, currency: currency)
            },
            discounts: try extras.list("discounts") { (node) throws(JSONFault) in
                try DiscountShare(reading: node, currency: currency)
            },
            taxes: try extras.list("taxes", TaxShare.reading(currency)))
    }
}

extension Span {
    /// `period` if it is that from midnight to midnight.
    fileprivate func json(besides period: Period?) -> JSONValue {
        if start.second == 0, end.second == 0, self.period == period, period != nil { return "period" }
        return [start.json, end.json]
    }

    fileprivate init(reading node: JSONNode, besides period: Period?) throws(JSONFault) {
        let bounds: [Moment]
        if case .string("period") = node.value {
            guard let period else { throw node.fault("there is no period") }
            bounds = [period.start, period.end].map { Moment(date: $0, second: 0) }
        } else {
            bounds = try node.array().map { (node) throws(JSONFault) in try Moment(reading: node) }
        }
        guard bounds.count == 2, let span = Span(bounds[0], bounds[1]) else {
            throw node.fault("must be two moments, the later one last")
        }
        self = span
    }
}

extension InvoiceLine.DiscountShare {
    fileprivate var json: JSONValue { ["code": .string(code), "amount": .minorUnits(amount)] }

    fileprivate init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        try node.allowing(keys: ["code", "amount"])
        self.init(
            code: try node.required("code", Field.string),
            amount: try node.required("amount", Field.minorUnits(currency)))
    }
}

extension InvoiceLine.TaxShare {
    fileprivate var json: JSONValue {
        ["code": .string(code), "percent": .number(percent), "amount": .minorUnits(amount)]
    }

    fileprivate static func reading(_ currency: Currency) -> (JSONNode) throws(JSONFault) -> Self {
        { node throws(JSONFault) in
            try node.allowing(keys: ["code", "percent", "amount"])
            return Self(
                code: try node.required("code", Field.string), percent: try node.required("percent", Field.number),
                amount: try node.required("amount", Field.minorUnits(currency)))
        }
    }
}

extension Obligation {
    public var json: JSONValue {
        .present(["standalone": .minorUnits(standalone), "period": period.map { .period($0) }])
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        try node.allowing(keys: ["standalone", "period"])
        self.init(
            standalone: try node.required("standalone", Field.minorUnits(currency)),
            period: try node.optional("period", Field.period))
    }
}

extension CreditNote.Share {
    public var json: JSONValue {
        .present(["line": .count(line), "net": .minorUnits(net), "taxes": .list(taxes.map(\.json))])
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        try node.allowing(keys: ["line", "net", "taxes"])
        self.init(
            line: try node.required("line", Field.place), net: try node.required("net", Field.minorUnits(currency)),
            taxes: try node.list("taxes", InvoiceLine.TaxShare.reading(currency)))
    }
}

extension [CreditNote.Share] {
    public var json: JSONValue { .array(map(\.json)) }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        self = try node.array().map { (node) throws(JSONFault) in
            try CreditNote.Share(reading: node, currency: currency)
        }
    }
}
