internal import JSONText

/// What the result of a simulation may hold, so that a wrong key in `expect` is found before anything is run.
indirect enum ResultShape: Sendable {
    /// A text, a number, true or false.
    case value
    case object([String: ResultShape])
    /// Any keys: ids, codes or months.
    case map(ResultShape)
    case list(ResultShape)

    /// Keeps a fault for each part of `node` that no result can match. `null` stands for what is not there; in place of a
    /// list there may be `{"any": [...]}`.
    func check(_ node: JSONNode, faults: inout JSONFaultList) {
        switch (self, node.value) {
        case (_, .null): return
        case (.value, .array), (.value, .object): faults.add(node.fault("must be a text, a number, true or false"))
        case (.value, _): return
        case (.list(let element), .array(let nodes)):
            for node in nodes { element.check(node, faults: &faults) }
        case (.list(let element), .object):
            faults.add((try? node.unknownKeys(allowing: ["any"])) ?? [])
            let nodes = faults.collect { () throws(JSONFault) in try node.required("any").array() } ?? []
            for node in nodes { element.check(node, faults: &faults) }
        case (.list, _): faults.add(node.fault("must be a list or {\"any\": [...]}"))
        case (.object(let shapes), .object(let members)):
            for member in members {
                guard let shape = shapes[member.key] else {
                    faults.add(member.value.fault("unknown key \"\(member.key)\""))
                    continue
                }
                shape.check(member.value, faults: &faults)
            }
        case (.map(let shape), .object(let members)):
            for member in members { shape.check(member.value, faults: &faults) }
        case (.object, _), (.map, _): faults.add(node.fault("must be an object"))
        }
    }

    static let result = object([
        "invoices": .list(invoice),
        "credit_notes": .list(
            values("customer number invoice date subtotal tax total credited refunded")),
        "subscriptions": .map(subscription),
        "charges": .list(values("at customer invoice amount outcome attempt")),
        "emails": .list(values("at to template")),
        "errors": .list(values("at do error")),
        "balances": .map(values("credit receivable")),
        "ledger": .object(["balanced": .value, "accounts": .map(.value)]),
        "revenue": .object(["recognized": .map(.value), "deferred": .map(.value)]),
        "mrr": .map(values("total new expansion contraction churn reactivation")),
    ])

    private static let invoice = values(
        "customer number date due status subtotal tax total credit_applied paid due_amount",
        and: ["lines": .list(values("code subscription quantity factor amount kind", and: ["period": .list(.value)]))])

    private static let subscription = values(
        "status plan ends", and: ["period": .list(.value), "history": .list(values("at to"))])

    private static func values(_ keys: String, and more: [String: ResultShape] = [:]) -> ResultShape {
        var shapes = more
        for key in keys.split(separator: " ") { shapes[String(key)] = .value }
        return .object(shapes)
    }
}
