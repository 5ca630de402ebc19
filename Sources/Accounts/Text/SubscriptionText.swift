public import Billing
public import Dates
public import JSONText
public import Money

/// What a subscription keeps beside its code, place, start, state and history, as one value. A plan as it was sold is
/// named by its id; `planID` and `plan` say which that is.
extension Subscription {
    /// Throws what `planID` throws, or as `Plan.json()` does for an add-on that no catalogue could have had.
    public func json(planID: (Plan) throws -> Int64) throws -> JSONValue {
        let changes = try changes.map { try $0.json(in: plan.currency, planID: planID) }
        let pending = try pending.map { try $0.json(in: plan.currency, planID: planID) }
        return .present([
            "plan": .integer(try planID(plan)), "align": .string(align.rawValue),
            "billing_day": billingDay.map { .count($0) }, "trial_end": trialEnd.map { .text($0) },
            "changes": .list(changes), "pending": .list(pending), "term": term?.json,
            "sold_months": soldMonths.map { .count($0) },
            "deal_prices": .list(dealPrices.sorted().map { .string($0) }), "end": end?.json,
            "given": .list(given.sorted().map { .text($0) }), "cancellations": .list(cancellations.map(\.json)),
        ])
    }

    /// Reads back what `json(planID:)` wrote; `plan` is asked for each id in it, and `nil` for one that there is not.
    public init(
        reading node: JSONNode, code: String, ordinal: Int, start: LocalDate, state: SubscriptionState,
        history: [Transition], currency: Currency, plan: (Int64) -> Plan?
    ) throws(JSONFault) {
        try node.allowing(keys: [
            "plan", "align", "billing_day", "trial_end", "changes", "pending", "term", "sold_months", "deal_prices",
            "end", "given", "cancellations",
        ])
        self.init(
            code: code, ordinal: ordinal, start: start, billingDay: try node.optional("billing_day", Field.monthDay),
            align: try node.required("align", Field.choice(Operation.Alignment.self)),
            trialEnd: try node.optional("trial_end", Field.date), state: state, history: history,
            changes: try node.list("changes") { (node) throws(JSONFault) in
                try Change(reading: node, currency: currency, plan: plan)
            },
            pending: try node.list("pending") { (node) throws(JSONFault) in
                try PendingChange(reading: node, currency: currency, plan: plan)
            },
            term: try node.optional("term", Term.init(reading:)),
            soldMonths: try node.optional("sold_months", Field.integer(1...1200)),
            plan: try node.required("plan") { (node) throws(JSONFault) in try Plan.sold(as: node, plan) },
            dealPrices: Set(try node.list("deal_prices", Field.string)),
            end: try node.optional("end", End.init(reading:)), given: Set(try node.list("given", Field.date)),
            cancellations: try node.list("cancellations") { (node) throws(JSONFault) in
                try Cancellation(reading: node, currency: currency)
            })
    }

    /// The ids of the plans that a stored subscription names, so that they can be at hand when it is read.
    public static func planIDs(in node: JSONNode) throws(JSONFault) -> Set<Int64> {
        var ids: Set<Int64> = [try node.required("plan").integer()]
        for change in try node.list("changes", Field.node) + node.list("pending", Field.node) {
            let (name, content) = try change.required("change").sort()
            if name == "plan" { ids.insert(try content.integer()) }
        }
        return ids
    }
}

extension Plan {
    fileprivate static func sold(as node: JSONNode, _ plan: (Int64) -> Plan?) throws(JSONFault) -> Plan {
        let id = try node.integer()
        guard let plan = plan(id) else { throw node.fault("no plan has the id \(id)") }
        return plan
    }
}

extension Change {
    /// Throws as `Subscription.json(planID:)` does.
    public func json(in currency: Currency, planID: (Plan) throws -> Int64) throws -> JSONValue {
        .present([
            "change": try kind.json(in: currency, planID: planID), "effective": effective.json,
            "recorded": .text(recorded), "waits": waits ? true : nil,
        ])
    }

    /// Reads back what `json(in:planID:)` wrote.
    public init(reading node: JSONNode, currency: Currency, plan: (Int64) -> Plan?) throws(JSONFault) {
        try node.allowing(keys: ["change", "effective", "recorded", "waits"])
        let kind = try node.required("change") { (node) throws(JSONFault) in
            try Kind(reading: node, currency: currency, plan: plan)
        }
        self.init(
            kind, effective: try node.required("effective", Moment.init(reading:)),
            recorded: try node.required("recorded", Field.instant),
            waits: try node.optional("waits", Field.bool) ?? false)
    }
}

extension Change.Kind {
    fileprivate func json(in currency: Currency, planID: (Plan) throws -> Int64) throws -> JSONValue {
        switch self {
        case .plan(let plan): ["plan": .integer(try planID(plan))]
        case .quantity(let unit, let quantity): ["quantity": ["unit": .string(unit), "quantity": .number(quantity)]]
        case .addPrice(let price): ["add_price": try price.json(in: currency)]
        case .removePrice(let code): ["remove_price": .string(code)]
        case .billingDay(let day): ["billing_day": .count(day)]
        case .block(let givesBack): ["block": ["gives_back": .bool(givesBack)]]
        case .unblock: "unblock"
        case .end(let givesBack): ["end": ["gives_back": .bool(givesBack)]]
        case .restart: "restart"
        }
    }

    fileprivate init(reading node: JSONNode, currency: Currency, plan: (Int64) -> Plan?) throws(JSONFault) {
        let (name, node) = try node.sort()
        switch name {
        case "plan": self = .plan(try Plan.sold(as: node, plan))
        case "quantity":
            try node.allowing(keys: ["unit", "quantity"])
            self = .quantity(
                unit: try node.required("unit", Field.string), try node.required("quantity", Field.number))
        case "add_price": self = .addPrice(try Price(reading: node, currency: currency))
        case "remove_price": self = .removePrice(try node.string())
        case "billing_day": self = .billingDay(try Field.monthDay(node))
        case "block": self = .block(givesBack: try node.givesBack())
        case "unblock": self = .unblock
        case "end": self = .end(givesBack: try node.givesBack())
        case "restart": self = .restart
        default: throw node.fault("\"\(name)\" changes nothing")
        }
    }
}

extension JSONNode {
    fileprivate func givesBack() throws(JSONFault) -> Bool {
        try allowing(keys: ["gives_back"])
        return try required("gives_back", Field.bool)
    }
}

extension PendingChange {
    /// Throws as `Subscription.json(planID:)` does.
    public func json(in currency: Currency, planID: (Plan) throws -> Int64) throws -> JSONValue {
        switch kind {
        case .change(let change):
            ["change": try change.json(in: currency, planID: planID), "on": .text(date)]
        case .cancel(let unused, let reason):
            [
                "change": [
                    "cancel": .present(["unused": .string(unused.rawValue), "reason": reason.map { .string($0) }])
                ],
                "on": .text(date),
            ]
        }
    }

    /// Reads back what `json(in:planID:)` wrote.
    public init(reading node: JSONNode, currency: Currency, plan: (Int64) -> Plan?) throws(JSONFault) {
        try node.allowing(keys: ["change", "on"])
        let change = try node.required("change")
        let date = try node.required("on", Field.date)
        guard case ("cancel", let content) = try change.sort() else {
            self.init(.change(try Change.Kind(reading: change, currency: currency, plan: plan)), on: date)
            return
        }
        try content.allowing(keys: ["unused", "reason"])
        self.init(
            .cancel(
                try content.required("unused", Field.choice(Operation.Unused.self)),
                reason: try content.optional("reason", Field.string)),
            on: date)
    }
}

extension Cancellation {
    fileprivate var json: JSONValue {
        .present([
            "at": .text(at), "reason": reason.map { .string($0) }, "comment": comment.map { .string($0) },
            "monthly_value": .minorUnits(monthlyValue), "withdrawn_at": withdrawnAt.map { .text($0) },
            "took_offer": tookOffer ? true : nil,
        ])
    }

    fileprivate init(reading node: JSONNode, currency: Currency) throws(JSONFault) {
        try node.allowing(keys: ["at", "reason", "comment", "monthly_value", "withdrawn_at", "took_offer"])
        self.init(
            at: try node.required("at", Field.instant), reason: try node.optional("reason", Field.string),
            comment: try node.optional("comment", Field.string),
            monthlyValue: try node.required("monthly_value", Field.minorUnits(currency)),
            withdrawnAt: try node.optional("withdrawn_at", Field.instant),
            tookOffer: try node.optional("took_offer", Field.bool) ?? false)
    }
}

extension Subscription.Term {
    fileprivate var json: JSONValue { ["months": .count(months), "renews": .bool(renews), "end": .text(end)] }

    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["months", "renews", "end"])
        self.init(
            months: try node.required("months", Field.place), renews: try node.required("renews", Field.bool),
            end: try node.required("end", Field.date))
    }
}

extension Subscription.End {
    fileprivate var json: JSONValue {
        ["date": .text(date)]
    }

    fileprivate init(reading node: JSONNode) throws(JSONFault) {
        try node.allowing(keys: ["date"])
        self.init(date: try node.required("date", Field.date))
    }
}
