public import Billing
public import Money

/// How a seller bills: everything in which one seller's rules differ from another's.
public struct BillingSettings: Hashable, Sendable {
    public var currency: Currency
    public var proration: Proration
    public var numbering: InvoiceNumbering
    /// Days from an invoice's date until it is due, unless the customer has its own.
    public var netDays: Int
    public var dunning: Dunning
    /// In the order in which their lines stand on an invoice.
    public var taxRates: [TaxRate]
    /// What parks a customer instead of billing it; `nil`: nothing does.
    public var brakes: Brakes?
    public var reminders: Reminders
    public var retention: Retention
    /// Whether each invoice, credit note and receipt is made a document as soon as it is there.
    public var rendersDocuments = false

    public init(
        currency: Currency, proration: Proration = Proration(), numbering: InvoiceNumbering = InvoiceNumbering(),
        netDays: Int = 0, dunning: Dunning = Dunning(), taxRates: [TaxRate] = [], brakes: Brakes? = nil,
        reminders: Reminders = Reminders(), retention: Retention = Retention()
    ) {
        self.currency = currency
        self.proration = proration
        self.numbering = numbering
        self.netDays = netDays
        self.dunning = dunning
        self.taxRates = taxRates
        self.brakes = brakes
        self.reminders = reminders
        self.retention = retention
    }
}

/// How parts of a cycle are counted and given back.
public struct Proration: Hashable, Sendable {
    public enum Unit: String, CaseIterable, Hashable, Sendable {
        /// Local days.
        case day
        /// From the instant of an operation.
        case second
        /// 30/360: every month has 30 days.
        case fixed30 = "fixed_30"
    }

    public enum CreditBasis: String, CaseIterable, Hashable, Sendable {
        /// The net of the line that is given back.
        case full
        /// As much of it as its invoice was paid.
        case paid
    }

    public enum Allowances: String, CaseIterable, Hashable, Sendable {
        /// Each window of a plan has its whole allowance and tiers.
        case whole
        /// Days of the window / days of the cycle of them.
        case day
    }

    public var unit: Unit
    public var credit: CreditBasis
    public var allowances: Allowances

    public init(unit: Unit = .day, credit: CreditBasis = .full, allowances: Allowances = .whole) {
        self.unit = unit
        self.credit = credit
        self.allowances = allowances
    }
}

/// A tax on customers of a country, or of one of its regions.
public struct TaxRate: Hashable, Sendable {
    public let country: String
    public let region: String?
    /// 7.25 for 7.25 %.
    public let percent: Rational

    public init(country: String, region: String? = nil, percent: Rational) {
        self.country = country
        self.region = region
        self.percent = percent
    }

    /// `US`, `US-CA`.
    public var code: String { region.map { "\(country)-\($0)" } ?? country }

    public func applies(to address: Customer.Address?) -> Bool {
        address?.country == country && (region == nil || region == address?.region)
    }
}
