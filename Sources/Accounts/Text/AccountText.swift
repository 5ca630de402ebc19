internal import Billing
internal import Dates
public import JSONText
public import Money

/// What an account keeps beside its lists and the customer's own columns, as one value.
extension Account {
    /// An empty object while there is nothing to keep.
    public var stateJSON: JSONValue {
        .present([
            "open_month": openMonth.map { .text($0) },
            "last_month_entries": lastMonthEntries == 0 ? nil : .count(lastMonthEntries),
            "dunning_paused_since": dunningPausedSince.map { .text($0) },
            "collects_now": .list(collectsNow.sorted().map { .count($0) }), "reactivation": reactivation?.json,
            "alerts": .list(alerts.sorted().map { .string($0) }), "refunds_unused": refundsUnused ? true : nil,
            "parking": parking?.json, "invited_since": invitedSince.map { .text($0) },
        ])
    }

    /// Takes back what `stateJSON` wrote.
    public mutating func restoreState(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: [
            "open_month", "last_month_entries", "dunning_paused_since", "collects_now", "reactivation", "alerts",
            "refunds_unused", "parking", "invited_since",
        ])
        openMonth = try node.optional("open_month", Field.date)
        lastMonthEntries = try node.optional("last_month_entries", Field.place) ?? 0
        dunningPausedSince = try node.optional("dunning_paused_since", Field.instant)
        collectsNow = Set(try node.list("collects_now", Field.place))
        reactivation = try node.optional("reactivation", Reactivation.init(reading:))
        alerts = Set(try node.list("alerts", Field.string))
        refundsUnused = try node.optional("refunds_unused", Field.bool) ?? false
        invitedSince = try node.optional("invited_since", Field.date)
        parking = try node.optional("parking") { [currency] (node) throws(JSONFault) in
            try Parking(reading: node, currency: currency)
        }
    }
}

extension Parking {
    public var json: JSONValue {
        .present([
            "since": .text(since), "reason": .string(reason), "total": .minorUnits(total),
            "fingerprint": .string(fingerprint), "released": isReleased ? true : nil,
        ])
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        try node.allowing(keys: ["since", "reason", "total", "fingerprint", "released"])
        self.init(
            since: try node.required("since", Field.instant), reason: try node.required("reason", Field.string),
            total: try node.required("total", Field.minorUnits(currency)),
            fingerprint: try node.required("fingerprint", Field.string),
            isReleased: try node.optional("released", Field.bool) ?? false)
    }
}

extension Reactivation {
    public var json: JSONValue {
        .present(["subscription": .string(subscription), "at": .text(at), "invoice": invoice.map { .count($0) }])
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["subscription", "at", "invoice"])
        self.init(
            subscription: try node.required("subscription", Field.string),
            at: try node.required("at", Field.instant), invoice: try node.optional("invoice", Field.place))
    }
}

extension DunningCase {
    /// All of it but the invoice that it is about.
    public var json: JSONValue {
        [
            "since": .text(since), "steps": .count(steps), "retries": .bool(retries),
            "held_microseconds": .integer(held.microseconds), "extra_days": .count(extraDays), "is_over": .bool(isOver),
        ]
    }

    /// Reads back what `json` wrote.
    public init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["since", "steps", "retries", "held_microseconds", "extra_days", "is_over"])
        self.init(
            since: try node.required("since", Field.instant), steps: try node.required("steps", Field.place),
            retries: try node.required("retries", Field.bool),
            held: .microseconds(try node.required("held_microseconds").integer()),
            extraDays: try node.required("extra_days", Field.place), isOver: try node.required("is_over", Field.bool))
    }
}

extension Duration {
    /// Exact for what lies between two instants.
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}

extension UsageEvent {
    /// In alphabetical order.
    public var propertiesJSON: JSONValue {
        .object(properties.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })
    }

    /// Reads back what `propertiesJSON` wrote.
    public static func properties(reading node: JSONNode) throws(JSONFault) -> [String: String] {
        var properties: [String: String] = [:]
        for member in try node.members() { properties[member.key] = try member.value.string() }
        return properties
    }
}
