internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money

/// Operations on a subscription.
extension OperationReader {
    mutating func subscribe(_ node: JSONNode, _ party: Party) -> Operation? {
        let code = fields.required(node, "id", Field.code)
        let plan = fields.required(node, "plan", Field.text)
        let start = fields.optional(node, "start", Field.day)
        let billingDay = fields.optional(node, "billing_day", Field.integer(1...31))
        let align = fields.optional(node, "align", Field.choice(Operation.Alignment.self)) ?? .anniversary
        if billingDay != nil, align == .calendar {
            fields.faults.add(node.fault("\"billing_day\" and \"align\": \"calendar\" contradict each other"))
        }
        let quantities = fields.dictionary(node, "quantities", Field.quantity)
        let trialDays = fields.optional(node, "trial_days", Field.integer(0...3660))
        let coupons = fields.values(node, "coupons", Field.text)
        let prices = prices(node, plan: plan)
        let term = fields.object(node, "term", keys: ["months", "renew"]).flatMap { self.term($0) }
        if let customer = party.customer, customer.currency != currency {
            fields.faults.add(
                node.fault("\"\(customer.id)\" pays in \(customer.currency), the plans are in \(currency)"))
        }
        guard let code, let plan else { return nil }
        return .subscribe(
            Operation.Subscribe(
                code: code, plan: plan, start: start, billingDay: billingDay, align: align, quantities: quantities,
                trialDays: trialDays, coupons: coupons, prices: prices, term: term))
    }

    private mutating func term(_ node: JSONNode) -> Operation.Term? {
        let months = fields.required(node, "months", Field.integer(1...1200))
        let renews = fields.optional(node, "renew", Field.bool) ?? true
        return months.map { Operation.Term(months: $0, renews: renews) }
    }

    /// What a deal pays instead, in major units. Where the price is known, it must be one that has such an amount.
    private mutating func prices(_ node: JSONNode, plan: String?) -> [String: Rational] {
        let known = plan.flatMap { catalogue?[plan: $0] }?.prices ?? []
        var prices: [String: Rational] = [:]
        for member in fields.optional(node, "prices", Field.members) ?? [] {
            prices[member.key] = fields.faults.collect { () throws(JSONFault) in
                let amount = try Field.unitPrice(currency)(member.value)
                if let price = known.first(where: { $0.code == member.key }) {
                    try Self.check(.amount(amount), for: price, member.value, currency)
                }
                return try Field.at(member.value) { () throws(MoneyFault) in
                    try amount / Rational(currency.minorUnitsPerMajor)
                }
            }
        }
        return prices
    }

    /// Throws if `price` cannot cost that.
    private static func check(
        _ cost: PricePublication.Cost, for price: Price, _ node: JSONNode, _ currency: Currency
    ) throws(JSONFault) {
        guard cost.model(after: price.model, in: currency) == nil else { return }
        throw node.fault("price \"\(price.code)\" is not of a model that can cost this")
    }

    mutating func change(_ verb: Verb, _ node: JSONNode, _ party: Party) -> Operation? {
        let subscription = fields.required(node, "subscription", Field.text)
        let timing = Operation.Timing(
            when: fields.optional(node, "when", Field.choice(Operation.When.self)),
            invoice: fields.optional(node, "invoice", Field.choice(Operation.Invoicing.self)) ?? .now)
        switch verb {
        case .changePlan:
            let plan = fields.required(node, "plan", Field.text)
            let effective = effective(node, timing, party)
            guard let subscription, let plan else { return nil }
            return .changePlan(subscription: subscription, plan: plan, timing, effective: effective)
        case .changeQuantity:
            let unit = fields.required(node, "unit", Field.text)
            let quantity = fields.required(node, "quantity", Field.quantity)
            guard let subscription, let unit, let quantity else { return nil }
            return .changeQuantity(subscription: subscription, unit: unit, quantity: quantity, timing)
        case .addPrice:
            let price = fields.required(node, "price", Field.any).flatMap {
                Price.reading($0, currency: party.currency, metrics: metrics ?? [], faults: &fields.faults)
            }
            guard let subscription, let price else { return nil }
            return .addPrice(subscription: subscription, price, timing)
        default:
            let price = fields.required(node, "price", Field.text)
            guard let subscription, let price else { return nil }
            return .removePrice(subscription: subscription, price: price, timing)
        }
    }

    /// The past day from which a change of plan is billed.
    private mutating func effective(_ node: JSONNode, _ timing: Operation.Timing, _ party: Party) -> LocalDate? {
        guard let date = fields.optional(node, "effective", Field.day) else { return nil }
        if let today = party.today, date > today {
            fields.faults.add(node.fault("\"effective\" \(date) is later than the operation, on \(today)"))
        }
        if timing.when == .periodEnd {
            fields.faults.add(node.fault("\"effective\" and \"when\": \"period_end\" contradict each other"))
        }
        return date
    }

    /// What moves the cycles or the state of a subscription.
    mutating func cycle(_ verb: Verb, _ node: JSONNode) -> Operation? {
        if verb == .changeBillingDay {
            let owner = fields.optional(node, "subscription", Field.text).map {
                Operation.BillingDayOwner.subscription($0)
            }
            return fields.required(node, "day", Field.integer(1...31)).map {
                .changeBillingDay(of: owner ?? .customer, day: $0)
            }
        }
        let subscription = fields.required(node, "subscription", Field.text)
        switch verb {
        case .cancel:
            let when = fields.optional(node, "when", Field.choice(Operation.When.self))
            let unused = fields.optional(node, "unused", Field.choice(Operation.Unused.self)) ?? .credit
            let reason = fields.optional(node, "reason", Field.prose)
            return subscription.map { .cancel(subscription: $0, when: when, unused: unused, reason: reason) }
        case .extendTrial:
            let days = fields.required(node, "days", Field.integer(1...3660))
            let approvedBy = fields.required(node, "approved_by", Field.text)
            guard let subscription, let days, let approvedBy else { return nil }
            return .extendTrial(subscription: subscription, days: days, approvedBy: approvedBy)
        case .pause: return subscription.map { .pause(subscription: $0) }
        case .resume: return subscription.map { .resume(subscription: $0) }
        default: return subscription.map { .reactivate(subscription: $0) }
        }
    }

    mutating func publication(_ node: JSONNode) -> PricePublication? {
        let plan = fields.required(node, "plan", Field.text)
        let price = fields.required(node, "price", Field.text)
        choose(node, ["amount", "tiers"])
        let amount = fields.optional(node, "amount", Field.unitPrice(currency)).map { PricePublication.Cost.amount($0) }
        let tiers = fields.node(node, "tiers").flatMap {
            PriceModel.Tier.reading($0, currency: currency, faults: &fields.faults)
        }
        let effectiveFrom = fields.required(node, "effective_from", Field.day)
        let movesExisting = fields.optional(node, "move_existing", Field.bool) ?? false
        guard let plan, let price, let cost = amount ?? tiers.map({ .tiers($0) }), let effectiveFrom else { return nil }
        if let known = catalogue?[plan: plan]?.prices.first(where: { $0.code == price }) {
            fields.faults.collect { () throws(JSONFault) in try Self.check(cost, for: known, node, currency) }
        }
        return PricePublication(
            plan: plan, price: price, cost: cost, effectiveFrom: effectiveFrom, movesExisting: movesExisting)
    }
}
