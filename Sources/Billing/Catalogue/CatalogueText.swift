internal import Dates
public import JSONText
public import Money

/// A catalogue as a file writes it, so that what was read can be shown, stored and read again.
extension Catalogue {
    /// Throws as `Plan.json()` does.
    public func json() throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let seller { members.append(.init("seller", seller.json)) }
        members.append(.init("currency", .string(currency.code)))
        members.append(.init("metrics", .array(metrics.map(\.json))))
        let planList = try plans.map { (plan) throws(MoneyFault) in try plan.json() }
        members.append(.init("plans", .array(planList)))
        let couponList = try coupons.map { (coupon) throws(MoneyFault) in try coupon.json() }
        members.append(.init("coupons", .array(couponList)))
        return .object(members)
    }
}

extension Seller {
    /// As a catalogue writes it.
    public var json: JSONValue {
        var invoice: [JSONValue.Member] = [
            .init("numbering", .string(invoices.numbering.scheme.rawValue)),
            .init("net_days", .integer(Int64(invoices.netDays))),
        ]
        if let prefix = invoices.numbering.prefix { invoice.append(.init("prefix", .string(prefix))) }
        return .present([
            "code": .string(code), "name": .string(name), "time_zone": .string(timeZone),
            "currency": .string(currency.code), "invoice": .object(invoice), "dunning": dunning.json,
            "brakes": brakes?.json, "reminders": reminders == Reminders() ? nil : reminders.json,
            "cancellation": retention.json,
            "branding": branding?.json,
        ])
    }
}

extension Dunning {
    /// As a catalogue writes it.
    public var json: JSONValue {
        [
            "retry_days": .array(retryDays.map { .integer(Int64($0)) }), "grace_days": .integer(Int64(graceDays)),
            "final": .string(final.rawValue),
        ]
    }
}

extension Metric {
    /// As a catalogue writes it.
    public var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("code", .string(code)), .init("aggregation", .string(aggregation.rawValue)),
        ]
        if let field { members.append(.init("field", .string(field))) }
        return .object(members)
    }
}

extension Coupon {
    /// The coupon as a catalogue writes it. Throws as `Plan.json()` does.
    public func json() throws(MoneyFault) -> JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(code))]
        switch benefit {
        case .percent(let percent): members.append(.init("percent", try percent.json()))
        case .amount(let amount): members.append(.init("amount", .string(amount.decimal)))
        case .trialDays(let days): members.append(.init("trial_days", .integer(Int64(days))))
        }
        switch duration {
        case .once: members.append(.init("duration", "once"))
        case .forever: members.append(.init("duration", "forever"))
        case .periods(let count): members.append(.init("duration", ["periods": .integer(Int64(count))]))
        }
        if !appliesTo.isEmpty { members.append(.init("applies_to", .array(appliesTo.map { .string($0) }))) }
        if let limit { members.append(.init("limit", .integer(Int64(limit)))) }
        if let expires { members.append(.init("expires", .string(expires.description))) }
        return .object(members)
    }

    /// Reads back what `json()` wrote; the prices it names were checked with the catalogue. Throws with every fault;
    /// `name` says where the text came from.
    public static func read(_ bytes: [UInt8], name: String, currency: Currency) throws(CatalogueFaults) -> Coupon {
        var reader = PlanReader(currency: currency, metrics: nil)
        let root = reader.fields.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let coupon = reader.coupon(root, prices: nil), reader.fields.faults.isEmpty else {
            throw CatalogueFaults(name: name, faults: reader.fields.faults.byLine)
        }
        return coupon
    }
}
