public import Money

/// The organisation that is billed, as its seller knows it.
public struct Customer: Hashable, Sendable {
    /// The seller's own id for it, unique with the seller whatever its case; invoice numbers carry it in upper case.
    public let code: String
    public let name: String
    /// Where invoices and receipts go.
    public let email: String
    /// The seller's if `nil`.
    public let currency: Currency?
    /// The IANA name of its zone; the seller's if `nil`.
    public let timeZone: String?
    public let address: Address?
    /// The day of month on which it wants to be billed, 1 to 31; otherwise each subscription's anniversary.
    public let billingDay: Int?
    /// In which it is written to: `de`, `de-AT`; the seller's if `nil`.
    public let language: String?

    public struct Address: Hashable, Sendable {
        /// Two letters of ISO 3166.
        public let country: String
        public let region: String?
        public let postalCode: String?

        public init(country: String, region: String? = nil, postalCode: String? = nil) {
            self.country = country
            self.region = region
            self.postalCode = postalCode
        }
    }

    public init(
        code: String, name: String, email: String, currency: Currency? = nil, timeZone: String? = nil,
        address: Address? = nil, billingDay: Int? = nil, language: String? = nil
    ) {
        self.code = code
        self.name = name
        self.email = email
        self.currency = currency
        self.timeZone = timeZone
        self.address = address
        self.billingDay = billingDay
        self.language = language
    }
}
