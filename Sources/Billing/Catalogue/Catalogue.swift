public import JSONText
public import Money

/// A seller's price list, every reference in it checked.
public struct Catalogue: Hashable, Sendable {
    /// Who sells by it, where the file says so.
    public let seller: Seller?
    public let currency: Currency
    /// In the order of the file; no code twice.
    public let plans: [Plan]
    /// In the order of the file; no code twice.
    public let metrics: [Metric]
    /// In the order of the file; no code twice. Each price they name is one of some plan.
    public let coupons: [Coupon]

    public init(
        seller: Seller? = nil, currency: Currency, plans: [Plan], metrics: [Metric] = [], coupons: [Coupon] = []
    ) {
        self.seller = seller
        self.currency = currency
        self.plans = plans
        self.metrics = metrics
        self.coupons = coupons
    }

    public subscript(plan code: String) -> Plan? { plans.first { $0.code == code } }
    public subscript(metric code: String) -> Metric? { metrics.first { $0.code == code } }
    public subscript(coupon code: String) -> Coupon? { coupons.first { $0.code == code } }

    /// Reads a catalogue as `catalogs/README.md` describes it. Amounts are in the file's currency, else in that of its
    /// seller, else in `currency`. Throws with every fault of the file, by line; `name` is the file's.
    public static func read(
        _ bytes: [UInt8], name: String, currency: Currency? = nil
    ) throws(CatalogueFaults) -> Catalogue {
        var reader = CatalogueReader(currency: currency)
        let root = reader.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let catalogue = reader.catalogue(root), reader.faults.isEmpty else {
            throw CatalogueFaults(name: name, faults: reader.faults.byLine)
        }
        return catalogue
    }

    /// Reads a catalogue that is part of another file: `{plans coupons? metrics?}`, its amounts in `currency`. `nil` if
    /// anything is wrong with it, and then `faults` has all of it.
    public static func reading(
        _ node: JSONNode, currency: Currency, faults: inout JSONFaultList
    ) -> Catalogue? {
        var reader = CatalogueReader(currency: currency)
        let catalogue = reader.part(node, currency: currency)
        faults.add(reader.faults.byLine)
        return reader.faults.isEmpty ? catalogue : nil
    }
}

/// All that is wrong with a catalogue or customers file; nothing of it was taken.
public struct CatalogueFaults: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name, as the caller gave it.
    public let name: String
    public let faults: [JSONFault]

    /// A line for each fault: `practice.json: line 12: plans[0].code: must be a string, not 7`.
    public var description: String { faults.map { "\(name): \($0)" }.joined(separator: "\n") }
}

extension JSONFaultList {
    /// In the order of the text; those of one line as they were found.
    package var byLine: [JSONFault] {
        faults.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
    }
}
