public import Dates
internal import JSONText
public import Money

/// Customers and what they subscribe to, as a file lists them; every reference in it is checked against a catalogue.
public struct CustomerFile: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let customer: Customer
        public let payment: PaymentSetup?
        public let subscriptions: [SubscriptionRequest]
    }

    /// What a customer pays with: the token that the gateway gave for it.
    public struct PaymentSetup: Hashable, Sendable {
        public enum Method: String, CaseIterable, Hashable, Sendable {
            case card
        }

        public let method: Method
        public let token: String
    }

    /// A subscription to be made.
    public struct SubscriptionRequest: Hashable, Sendable {
        /// The seller's own id for it.
        public let code: String
        /// The code of a plan of the catalogue.
        public let plan: String
        /// The local date of loading if `nil`.
        public let start: LocalDate?
        public let quantities: [String: Rational]
        /// The plan's if `nil`.
        public let trialDays: Int?
    }

    /// Those listed, then those generated; no code twice, whatever its case.
    public let entries: [Entry]

    /// Reads a customers file as `catalogs/README.md` describes it and works out its `generate` block; `loadDate` is
    /// the day from which generated starts are counted back. Throws with every fault of the file.
    public static func read(
        _ bytes: [UInt8], name: String, catalogue: Catalogue, loadDate: LocalDate
    ) throws(CatalogueFaults) -> CustomerFile {
        var reader = CustomerReader(catalogue: catalogue, loadDate: loadDate)
        let root = reader.fields.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let entries = reader.entries(root), reader.fields.faults.isEmpty else {
            throw CatalogueFaults(name: name, faults: reader.fields.faults.faults)
        }
        return CustomerFile(entries: entries)
    }
}
