internal import Dates
internal import JSONText
internal import Money

/// Turns the text of a customers file into values and gathers what is wrong with it on the way.
struct CustomerReader {
    var fields = FieldReader()
    private let catalogue: Catalogue
    private let loadDate: LocalDate

    init(catalogue: Catalogue, loadDate: LocalDate) {
        self.catalogue = catalogue
        self.loadDate = loadDate
    }

    mutating func entries(_ root: JSONNode) -> [CustomerFile.Entry]? {
        fields.check(root, keys: ["customers", "generate"])
        guard case .object = root.value else { return nil }
        let nodes = fields.list(root, "customers")
        fields.refuseDuplicates(nodes, key: "id", noun: "customer") { $0.uppercased() }
        refuseDuplicateSubscriptions(nodes)
        var entries = nodes.compactMap { entry($0) }
        guard let block = fields.node(root, "generate") else { return entries }
        let generated = generator(block)?.entries(loadDate: loadDate) ?? []
        let listed = Set(entries.map { $0.customer.code.uppercased() })
        if let clash = generated.first(where: { listed.contains($0.customer.code.uppercased()) }) {
            fields.faults.add(block.fault("generates customer \"\(clash.customer.code)\", who is listed already"))
        }
        entries += generated
        return entries
    }

    private mutating func refuseDuplicateSubscriptions(_ customers: [JSONNode]) {
        var all: [JSONNode] = []
        for customer in customers {
            // A list that is none has its fault from the reading of that customer.
            all += (try? customer.optional("subscriptions")?.array()) ?? []
        }
        fields.refuseDuplicates(all, key: "id", noun: "subscription")
    }

    private mutating func entry(_ node: JSONNode) -> CustomerFile.Entry? {
        fields.check(
            node,
            keys: [
                "id", "name", "email", "currency", "time_zone", "language", "address", "billing_day", "payment",
                "subscriptions",
            ], later: ["tax_exempt"])
        let code = fields.required(node, "id", Field.code)
        let name = fields.optional(node, "name", Field.text)
        let email = fields.required(node, "email", Field.email)
        let currency = fields.optional(node, "currency", Field.currency)
        let timeZone = fields.optional(node, "time_zone", Field.text)
        let language = fields.optional(node, "language", Field.language)
        let address = fields.node(node, "address").flatMap { fields.address($0) }
        let billingDay = fields.optional(node, "billing_day", Field.integer(1...31))
        let payment = fields.node(node, "payment").flatMap { self.payment($0) }
        let subscriptions = fields.list(node, "subscriptions").compactMap { subscription($0) }
        if let currency, currency != catalogue.currency, !subscriptions.isEmpty {
            fields.faults.add(node.fault("the catalogue's plans are in \(catalogue.currency), not in \(currency)"))
        }
        guard let code, let email else { return nil }
        let customer = Customer(
            code: code, name: name ?? code, email: email, currency: currency, timeZone: timeZone, address: address,
            billingDay: billingDay, language: language)
        return CustomerFile.Entry(customer: customer, payment: payment, subscriptions: subscriptions)
    }

    private mutating func payment(_ node: JSONNode) -> CustomerFile.PaymentSetup? {
        fields.check(node, keys: ["method", "token"])
        let method = fields.required(node, "method", Field.choice(CustomerFile.PaymentSetup.Method.self))
        let token = fields.required(node, "token", Field.token)
        guard let method, let token else { return nil }
        return CustomerFile.PaymentSetup(method: method, token: token)
    }

    private mutating func subscription(_ node: JSONNode) -> CustomerFile.SubscriptionRequest? {
        fields.check(node, keys: ["id", "plan", "start", "quantities", "trial_days"])
        let code = fields.required(node, "id", Field.code)
        let plan = fields.required(node, "plan", planCode)
        let start = fields.optional(node, "start", Field.date)
        let trialDays = fields.optional(node, "trial_days", Field.integer(0...3660))
        let quantities = quantities(node, plan: plan)
        guard let code, let plan else { return nil }
        return CustomerFile.SubscriptionRequest(
            code: code, plan: plan, start: start, quantities: quantities, trialDays: trialDays)
    }

    private mutating func quantities(_ node: JSONNode, plan: String?) -> [String: Rational] {
        let units = plan.flatMap { catalogue[plan: $0] }.map { Set($0.prices.compactMap(\.model.unit)) }
        var quantities: [String: Rational] = [:]
        for member in fields.optional(node, "quantities", Field.members) ?? [] {
            if let units, !units.contains(member.key) {
                fields.faults.add(member.value.fault("the plan has no price by \"\(member.key)\""))
            }
            quantities[member.key] = fields.faults.collect { () throws(JSONFault) in try Field.quantity(member.value) }
        }
        return quantities
    }

    /// The code of a plan that the catalogue has.
    private var planCode: (JSONNode) throws(JSONFault) -> String {
        { [catalogue] node throws(JSONFault) in
            let code = try node.string()
            guard catalogue[plan: code] != nil else { throw node.fault("no plan \"\(code)\" in the catalogue") }
            return code
        }
    }

    private mutating func generator(_ node: JSONNode) -> CustomerGenerator? {
        fields.check(
            node,
            keys: ["count", "id", "name", "email", "plans", "payments", "time_zones", "started_within_days"])
        let count = fields.required(node, "count", Field.integer(1...1_000_000))
        let code = fields.required(node, "id", Field.codePattern)
        let name = fields.required(node, "name", Field.pattern)
        let email = fields.required(node, "email", Field.reservedEmailPattern)
        let plans = weighted(node, "plans", key: "plan", planCode)
        let payments = weighted(node, "payments", key: "token", Field.token)
        let zoneNodes = fields.list(node, "time_zones")
        let zones = zoneNodes.compactMap { node in
            fields.faults.collect { () throws(JSONFault) in try Field.text(node) }
        }
        let days = fields.optional(node, "started_within_days", Field.integer(1...3660)) ?? 1
        guard let count, let code, let name, let email else { return nil }
        return CustomerGenerator(
            count: count, code: code, name: name, email: email, plans: plans, payments: payments, timeZones: zones,
            startedWithinDays: days)
    }

    /// A list of `{key: value, "weight": n}`; the weight is 1 where it is left out.
    private mutating func weighted(
        _ node: JSONNode, _ list: String, key: String, _ read: (JSONNode) throws(JSONFault) -> String
    ) -> [(value: String, weight: Int)] {
        var choices: [(String, Int)] = []
        for choice in fields.list(node, list) {
            fields.check(choice, keys: [key, "weight"])
            let value = fields.required(choice, key, read)
            let weight = fields.optional(choice, "weight", Field.integer(1...1_000_000)) ?? 1
            if let value { choices.append((value, weight)) }
        }
        return choices
    }
}
