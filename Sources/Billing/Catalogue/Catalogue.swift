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

    public subscript(plan code: String) -> Plan? { plans.first { $0.code == code } }

    /// Reads a catalogue as `catalogs/README.md` describes it. Amounts are in the file's currency, else in that of its
    /// seller, else in `currency`. Throws with every fault of the file, each with line and path; `name` is the file's.
    public static func read(
        _ bytes: [UInt8], name: String, currency: Currency? = nil
    ) throws(CatalogueFaults) -> Catalogue {
        var reader = CatalogueReader(currency: currency)
        let root = reader.faults.collect { () throws(JSONFault) in try JSONNode(parsing: bytes) }
        guard let root, let catalogue = reader.catalogue(root), reader.faults.isEmpty else {
            throw CatalogueFaults(name: name, faults: reader.faults.faults)
        }
        return catalogue
    }
}

/// Who runs a catalogue and issues its invoices.
public struct Seller: Hashable, Sendable {
    /// Letters, digits, `.`, `_` and `-`.
    public let code: String
    public let name: String
    /// The IANA name of the zone of its books and of customers who have none.
    public let timeZone: String
    public let currency: Currency
    public let invoices: InvoiceSettings

    public init(code: String, name: String, timeZone: String, currency: Currency, invoices: InvoiceSettings) {
        self.code = code
        self.name = name
        self.timeZone = timeZone
        self.currency = currency
        self.invoices = invoices
    }
}

/// How a seller numbers its invoices and when they are to be paid.
public struct InvoiceSettings: Hashable, Sendable {
    public let numbering: InvoiceNumbering
    /// Days from an invoice's date to the day it is due; 0 to 365.
    public let netDays: Int

    public init(numbering: InvoiceNumbering = InvoiceNumbering(), netDays: Int = 0) {
        self.numbering = numbering
        self.netDays = netDays
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
