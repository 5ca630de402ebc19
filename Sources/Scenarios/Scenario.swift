public import Accounts
public import Billing
public import Dates
public import JSONText
public import Money

/// A story of billing with its end, as `scenarios/FORMAT.md` describes it: who sells what to whom, what is asked for
/// when, and what ought to come of it. What it says depends on its bytes alone.
public struct Scenario: Hashable, Sendable {
    /// What it shows, in a line.
    public let rule: String
    /// The published case it retells.
    public let source: String?
    public let settings: BillingSettings
    /// The zone of the seller's books, and of whoever has none.
    public let zone: TimeZoneRules
    public let catalogue: Catalogue
    /// In the order of the file; no id twice, whatever its case.
    public let customers: [ScenarioCustomer]
    /// By instant; within one, in the order of the file.
    public let timeline: [TimedOperation]
    /// The last instant whose work is done; no operation is later.
    public let until: Instant
    /// Part of the result, of the result's shape.
    public let expect: JSONNode?

    /// Reads a scenario file. `zones` gives the rules of an IANA name and `shippedCatalogue` the text of a catalogue that
    /// the program carries, each `nil` where there is none. Throws with every fault of the file; `name` is the file's.
    ///
    /// A plan, coupon, subscription or customer that an operation names and nobody knows is no fault: asked for, it is
    /// refused as `not_found`.
    public static func read(
        _ bytes: [UInt8], name: String, zones: @escaping (String) -> TimeZoneRules?,
        shippedCatalogue: @escaping (String) -> [UInt8]?
    ) throws(ScenarioFaults) -> Scenario {
        var reader = ScenarioReader(zones: zones, shippedCatalogue: shippedCatalogue)
        let root = reader.fields.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let scenario = reader.scenario(root), reader.fields.faults.isEmpty else {
            throw ScenarioFaults(name: name, faults: reader.fields.faults.byLine)
        }
        return scenario
    }
}

extension Scenario {
    /// The same story up to another end; what was to happen after it is left out.
    public func ending(at instant: Instant) -> Scenario {
        Scenario(
            rule: rule, source: source, settings: settings, zone: zone, catalogue: catalogue, customers: customers,
            timeline: timeline.filter { $0.at <= instant }, until: instant, expect: expect)
    }
}

/// A customer of a scenario, with what its payment provider will answer.
public struct ScenarioCustomer: Hashable, Sendable {
    public let id: String
    /// The id where the file gives none.
    public let name: String
    /// Nobody is written to without one.
    public let email: String?
    /// Its own, else the seller's.
    public let currency: Currency
    /// Its own, else the seller's.
    public let zone: TimeZoneRules
    public let address: Customer.Address?
    public let isTaxExempt: Bool
    /// 1 to 31.
    public let billingDay: Int?
    public let payment: PaymentArrangement?
    /// Of the requests to its gateway, one after the other, the last of them repeated; empty: all succeed.
    public let outcomes: [Outcome]
}

/// What comes of a request to a gateway.
public enum Outcome: String, CaseIterable, Hashable, Sendable {
    case success
    case insufficientFunds = "insufficient_funds"
    case cardDeclined = "card_declined"
    case expiredCard = "expired_card"
    case lostCard = "lost_card"
    case requiresAction = "requires_action"
    /// The request never arrived.
    case unreachable
    /// No answer, and nothing was charged.
    case timeoutNotCharged = "timeout_not_charged"
    /// No answer, but the money moved.
    case timeoutCharged = "timeout_charged"
}

/// All that is wrong with a scenario file; nothing of it is run.
public struct ScenarioFaults: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name, as the caller gave it.
    public let name: String
    /// By line; on one line, as they were found.
    public let faults: [JSONFault]

    /// A line for each fault: `trial.json: line 12: timeline[0].do: unknown operation "subscrib"`.
    public var description: String { faults.map { "\(name): \($0)" }.joined(separator: "\n") }
}
