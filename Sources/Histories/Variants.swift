internal import Accounts
internal import Billing
internal import Dates
internal import JSONText
internal import Scenarios

/// Another history whose end must be the same, as far as `view` looks.
struct Variant {
    let promise: String
    let history: JSONValue
    /// What it is compared with; the history itself if `nil`.
    var base: JSONValue? = nil
    var view: (SimulationResult) -> SimulationResult = { $0 }
}

extension JSONValue {
    func variants(of scenario: Scenario) -> [Variant] {
        var variants = [
            Variant(promise: "billing again at other times changes nothing", history: billedAgain(scenario)),
            Variant(promise: "an event that comes twice counts once", history: usageTwice),
        ]
        variants += orderedOtherwise(scenario)
        variants += eachAlone(scenario)
        return variants
    }

    /// Bills at times between all others, when nothing can be due.
    private func billedAgain(_ scenario: Scenario) -> JSONValue {
        guard let first = scenario.timeline.first?.at else { return self }
        let parts: Int64 = 13
        let step = (scenario.until.microseconds - first.microseconds) / parts
        let bills = (1..<parts).map { place -> JSONValue in
            let at = Instant(microseconds: (first.microseconds + step * place) / 1_000_000 * 1_000_000)
            return ["at": .string("\(at)"), "do": "bill", "date": "2027-01-01"]
        }
        return replacing("timeline") { $0 + bills }
    }

    /// Every event comes again with whatever happens last, as the same or as another of its id.
    private var usageTwice: JSONValue {
        replacing("timeline") { timeline in
            let again = timeline.filter { $0["do"] == "usage" }.map { event in
                event.setting("quantity", to: "77")
            }
            // At the same time as itself, which is after it in the file.
            return timeline + again
        }
    }

    /// All usage comes in one go, in its order and in another; equal times would leave open which is last.
    private func orderedOtherwise(_ scenario: Scenario) -> [Variant] {
        let usage = scenario.timeline.compactMap { timed -> (index: Int, at: Instant, event: UsageEvent)? in
            guard case .customer(_, .usage(let event)) = timed.act else { return nil }
            return (timed.index, timed.at, event)
        }
        guard usage.count > 1, let last = usage.map(\.at).max(), case .array(let timeline)? = self["timeline"] else {
            return []
        }
        let times = usage.map { $0.event.time ?? $0.at }
        guard Set(times).count == times.count, Set(usage.map(\.event.id)).count == times.count,
            !text().contains("\"hard\":true")
        else { return [] }
        let events = usage.map { use in
            timeline[use.index].setting("time", to: .string("\(use.event.time ?? use.at)"))
                .setting("at", to: .string("\(last)"))
        }
        let others = timeline.filter { $0["do"] != "usage" }
        let withoutMails = { (result: SimulationResult) in
            var result = result
            result.emails = []
            return result
        }
        return [
            Variant(
                promise: "the order in which events come does not matter",
                history: replacing("timeline") { _ in others + events.reversed() },
                base: replacing("timeline") { _ in others + events }, view: withoutMails)
        ]
    }

    /// Each of several customers alone is billed as among the others, unless they share numbers or coupons.
    private func eachAlone(_ scenario: Scenario) -> [Variant] {
        guard scenario.customers.count > 1, scenario.settings.numbering.scheme == .customer,
            scenario.catalogue.coupons.allSatisfy({ $0.limit == nil })
        else { return [] }
        var owners: [String: String] = [:]
        for timed in scenario.timeline {
            guard case .customer(let id?, .subscribe(let request)) = timed.act else { continue }
            // A code that two ask for is refused to one of them.
            if let owner = owners[request.code], owner != id { return [] }
            owners[request.code] = id
        }
        return scenario.customers.map { customer in
            let others = Set(scenario.customers.map(\.id)).subtracting([customer.id])
            let mine = scenario.timeline.filter { timed in
                if case .customer(let id?, _) = timed.act { !others.contains(id) } else { true }
            }
            let view = { (result: SimulationResult) in
                var view = SimulationResult()
                view.invoices = result.invoices.filter { $0.customer == customer.id }
                view.creditNotes = result.creditNotes.filter { $0.customer == customer.id }
                view.charges = result.charges.filter { $0.customer == customer.id }
                view.balances = result.balances.filter { $0.key == customer.id }
                view.subscriptions = result.subscriptions.filter { owners[$0.key] == customer.id }
                return view
            }
            guard case .array(let timeline)? = self["timeline"] else { preconditionFailure("no timeline") }
            let alone = replacing("timeline") { _ in mine.sorted { $0.index < $1.index }.map { timeline[$0.index] } }
                .replacing("customers") { $0.filter { $0["id"] == .string(customer.id) } }
            return Variant(promise: "customers do not get into each other's way", history: alone, view: view)
        }
    }
}

extension JSONValue {
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    func setting(_ key: String, to value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        guard members.contains(where: { $0.key == key }) else { return .object(members + [Member(key, value)]) }
        return .object(members.map { $0.key == key ? Member(key, value) : $0 })
    }

    /// With the list at `key` changed.
    func replacing(_ key: String, _ change: ([JSONValue]) -> [JSONValue]) -> JSONValue {
        guard case .array(let elements)? = self[key] else { return self }
        return setting(key, to: .array(change(elements)))
    }
}
