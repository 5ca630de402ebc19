/// How invoice numbers are made. They run without gaps in one row per customer, or one per seller.
public struct InvoiceNumbering: Hashable, Sendable {
    public enum Scheme: String, CaseIterable, Hashable, Sendable, Codable {
        /// `ACME-0001`, with a prefix `EU-ACME-0001`.
        case customer
        /// `INV-0001`, or with the seller's prefix.
        case seller
    }

    public let scheme: Scheme
    public let prefix: String?

    public init(_ scheme: Scheme = .customer, prefix: String? = nil) {
        self.scheme = scheme
        self.prefix = prefix
    }

    /// The number of the `sequence`-th invoice in its row, counted from 1, with at least four digits. `customer` is the
    /// customer's code, which is printed in upper case.
    public func number(_ sequence: Int64, customer: String) -> String {
        precondition(sequence > 0, "invoices are numbered from 1")
        let digits = String(sequence)
        let padded = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        switch scheme {
        case .customer: return (prefix.map { $0 + "-" } ?? "") + customer.uppercased() + "-" + padded
        case .seller: return (prefix ?? "INV") + "-" + padded
        }
    }
}
