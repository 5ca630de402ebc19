internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money

/// Operations on a customer's account and its documents.
extension OperationReader {
    mutating func usage(_ node: JSONNode, _ party: Party) -> Operation? {
        let id = fields.required(node, "id", Field.text)
        let metric = fields.required(node, "metric", metricCode)
        let quantity = fields.optional(node, "quantity", Field.quantity) ?? .one
        let properties = fields.dictionary(node, "event", Field.property)
        let time = fields.optional(node, "time", Field.instant(party.zone))
        guard let id, let metric else { return nil }
        return .usage(UsageEvent(id: id, metric: metric, quantity: quantity, properties: properties, time: time))
    }

    /// The code of a metric that the catalogue has.
    private var metricCode: (JSONNode) throws(JSONFault) -> String {
        { [metrics] node throws(JSONFault) in
            let code = try node.string()
            guard let metrics, !metrics.contains(code) else { return code }
            throw node.fault("unknown metric \"\(code.prefix(80))\"")
        }
    }

    /// What is done to an invoice.
    mutating func document(_ verb: Verb, _ node: JSONNode, _ party: Party) -> Operation? {
        let nth = fields.required(node, "invoice", Field.any).flatMap { invoiceNumber($0) }
        let amount = fields.optional(node, "amount", Field.positiveMoney(party.currency))
        switch verb {
        case .creditNote:
            choose(node, ["lines", "amount"])
            let lines = noteLines(node, party)
            let use = fields.optional(node, "as", Field.choice(Operation.CreditNoteUse.self)) ?? .credit
            let given: Operation.CreditNoteAmount? = amount.map { .amount($0) } ?? lines.map { .lines($0) }
            guard let nth, let given else { return nil }
            return .creditNote(invoice: nth, given, as: use)
        case .pay: return nth.map { .pay(invoice: $0, amount: amount) }
        case .refund: return nth.map { .refund(invoice: $0, amount: amount) }
        case .chargeback: return nth.map { .chargeback(invoice: $0, amount: amount) }
        case .chargebackReversed: return nth.map { .chargebackReversed(invoice: $0) }
        case .void: return nth.map { .void(invoice: $0) }
        default: return nth.map { .writeOff(invoice: $0) }
        }
    }

    /// Which of its customer's invoices it is, from 1.
    private mutating func invoiceNumber(_ node: JSONNode) -> Int? {
        guard let node = fields.checked(node, keys: ["customer", "nth"]) else { return nil }
        _ = fields.required(node, "customer", Field.text)
        return fields.required(node, "nth", Field.integer(1...1_000_000_000))
    }

    private mutating func noteLines(_ node: JSONNode, _ party: Party) -> [Operation.NoteLine]? {
        guard let list = fields.node(node, "lines") else { return nil }
        var lines: [Operation.NoteLine] = []
        for line in fields.objects(node, "lines", keys: ["code", "amount"]) {
            let code = fields.required(line, "code", Field.text)
            let amount = fields.required(line, "amount", Field.positiveMoney(party.currency))
            if let code, let amount { lines.append(Operation.NoteLine(code: code, amount: amount)) }
        }
        refuseEmpty(list)
        return lines
    }

    mutating func invoice(_ node: JSONNode, _ party: Party) -> Operation? {
        guard let list = fields.required(node, "lines", Field.any) else { return nil }
        var lines: [Operation.OneOffLine] = []
        for line in fields.objects(node, "lines", keys: ["code", "amount", "description", "obligation"]) {
            let code = fields.required(line, "code", Field.code)
            let amount = fields.required(line, "amount", Field.signedMoney(party.currency))
            let description = fields.optional(line, "description", Field.prose)
            let obligation = fields.object(line, "obligation", keys: ["standalone", "period"])
                .flatMap { self.obligation($0, party) }
            guard let code, let amount else { continue }
            lines.append(
                Operation.OneOffLine(code: code, amount: amount, description: description, obligation: obligation))
        }
        refuseEmpty(list)
        let obligations = lines.compactMap(\.obligation)
        if !obligations.isEmpty, obligations.allSatisfy(\.standalone.isZero) {
            fields.faults.add(list.fault("nothing can be shared by standalone prices that are all 0"))
        }
        return .invoice(lines)
    }

    private mutating func obligation(_ node: JSONNode, _ party: Party) -> Obligation? {
        let standalone = fields.required(node, "standalone", Field.money(party.currency))
        let period = fields.optional(node, "period", Field.period)
        return standalone.map { Obligation(standalone: $0, period: period) }
    }

    private mutating func refuseEmpty(_ list: JSONNode) {
        if case .array(let elements) = list.value, elements.isEmpty { fields.faults.add(list.fault("has no lines")) }
    }

    mutating func override(_ node: JSONNode) -> Operation? {
        let kind = fields.required(node, "dunning", Field.choice(DunningKind.self))
        let days = fields.optional(node, "days", Field.integer(1...3660))
        guard let kind else { return nil }
        let hasDays = fields.node(node, "days") != nil
        if hasDays != (kind == .extendGrace) {
            fields.faults.add(node.fault("\"days\" must be there with \"extend_grace\", and only then"))
        }
        switch kind {
        case .pause: return .overrideDunning(.pause)
        case .resume: return .overrideDunning(.resume)
        case .extendGrace: return days.map { .overrideDunning(.extendGrace(days: $0)) }
        }
    }

    private enum DunningKind: String, CaseIterable {
        case pause, resume
        case extendGrace = "extend_grace"
    }
}
