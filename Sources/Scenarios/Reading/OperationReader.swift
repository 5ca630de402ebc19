internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Money

/// Turns the timeline of a scenario file into operations, each with the customer whose account it is for.
struct OperationReader {
    var fields: FieldReader
    /// `nil` if something is wrong with it; that has its own faults.
    let catalogue: Catalogue?
    /// The codes that may be metered; `nil` if they are not known.
    let metrics: Set<String>?
    /// The catalogue's; an operation's amounts are in its customer's.
    let currency: Currency
    private let zone: TimeZoneRules
    private let customers: [String: ScenarioCustomer]
    /// The customer who subscribes it, by subscription.
    private let owners: [String: String]

    /// What an operation is read for.
    struct Party {
        /// `nil` if nobody in the file is meant.
        let customer: ScenarioCustomer?
        let currency: Currency
        let zone: TimeZoneRules
        /// The local date of the operation; `nil` if its instant could not be read.
        let today: LocalDate?
    }

    init(
        fields: FieldReader, customers: [ScenarioCustomer], catalogue: Catalogue?,
        metrics: Set<String>?, currency: Currency, zone: TimeZoneRules, timeline: [JSONNode]
    ) {
        self.fields = fields
        self.catalogue = catalogue
        self.metrics = metrics
        self.currency = currency
        self.zone = zone
        self.customers = Dictionary(customers.map { ($0.id, $0) }) { first, _ in first }
        // What is no text here has its fault from the reading of the operation.
        let subscribed = timeline.compactMap { node -> (String, String)? in
            guard fields.text(node, "do") == Verb.subscribe.rawValue, let id = fields.text(node, "id"),
                let customer = fields.text(node, "customer")
            else { return nil }
            return (id, customer)
        }
        owners = Dictionary(subscribed) { first, _ in first }
    }

    mutating func timeline(_ nodes: [JSONNode]) -> [TimedOperation] {
        let operations = nodes.enumerated().compactMap { timed($0.element, index: $0.offset) }
        return operations.sorted { ($0.at, $0.index) < ($1.at, $1.index) }
    }

    private mutating func timed(_ node: JSONNode, index: Int) -> TimedOperation? {
        guard fields.isObject(node), let name = fields.required(node, "do", Field.text) else { return nil }
        guard let verb = Verb(rawValue: name) else {
            fields.faults.add((fields.present(node, "do") ?? node).fault("unknown operation \"\(name)\""))
            return nil
        }
        fields.check(node, keys: verb.keys.union(["at", "do"]))
        let customer = customerID(node, verb).flatMap { customers[$0] }
        let zone = customer?.zone ?? self.zone
        let at = fields.required(node, "at", Field.instant(zone))
        let party = Party(
            customer: customer, currency: customer?.currency ?? currency, zone: zone,
            today: at.map { zone.localDate(of: $0) })
        let act = act(verb, node, party)
        let outcomes = verb == .setPayment ? fields.values(node, "outcomes", Field.choice(Outcome.self)) : []
        guard let at, let act else { return nil }
        return TimedOperation(at: at, index: index, line: node.line, do: name, act: act, outcomes: outcomes)
    }

    /// Whom an operation names: as its customer, by a subscription of theirs, or with one of their invoices.
    private func customerID(_ node: JSONNode, _ verb: Verb) -> String? {
        if verb.keys.contains("subscription"), let id = fields.text(node, "subscription") { return owners[id] }
        if verb.keys.contains("customer") { return fields.text(node, "customer") }
        return fields.present(node, "invoice").flatMap { fields.text($0, "customer") }
    }

    private mutating func act(_ verb: Verb, _ node: JSONNode, _ party: Party) -> TimedOperation.Act? {
        switch verb {
        case .publishPrice: return publication(node).map { .publishPrice($0) }
        case .bill: return fields.required(node, "date", Field.day).map { .bill($0) }
        default:
            if verb.keys.isSuperset(of: ["customer", "subscription"]) {
                choose(node, ["customer", "subscription"])
                _ = fields.optional(node, "customer", Field.text)
            } else if verb.keys.contains("customer") {
                _ = fields.required(node, "customer", Field.text)
            }
            return operation(verb, node, party).map { .customer(party.customer?.id, $0) }
        }
    }

    private mutating func operation(_ verb: Verb, _ node: JSONNode, _ party: Party) -> Operation? {
        switch verb {
        case .subscribe: return subscribe(node, party)
        case .changePlan, .changeQuantity, .addPrice, .removePrice: return change(verb, node, party)
        case .changeBillingDay, .cancel, .pause, .resume, .reactivate, .extendTrial: return cycle(verb, node)
        case .usage: return usage(node, party)
        case .credit:
            return fields.required(node, "amount", Field.positiveMoney(party.currency)).map { .credit($0) }
        case .useCoupon:
            let subscription = fields.optional(node, "subscription", Field.text)
            return fields.required(node, "coupon", Field.text).map {
                .useCoupon(subscription: subscription, coupon: $0)
            }
        case .setPayment: return fields.arrangement(node).map { .setPayment($0) }
        case .setAddress:
            let address = fields.required(node, "address", Field.any)
            return address.flatMap { fields.address($0) }.map { .setAddress($0) }
        case .creditNote, .pay, .refund, .chargeback, .chargebackReversed, .void, .writeOff:
            return document(verb, node, party)
        case .invoice: return invoice(node, party)
        case .override: return override(node)
        case .publishPrice, .bill: preconditionFailure("\(verb.rawValue) is no customer's")
        }
    }

    /// Keeps a fault unless exactly one of the keys is there.
    mutating func choose(_ node: JSONNode, _ keys: [String]) {
        guard keys.filter({ fields.present(node, $0) != nil }).count != 1 else { return }
        let names = keys.map { "\"\($0)\"" }.joined(separator: " and ")
        fields.faults.add(node.fault("must have exactly one of \(names)"))
    }
}
