public import JSONText

/// What came of a scenario, as `scenarios/FORMAT.md` describes it. Lists are in the order in which they are given (by
/// time, customer and age); amounts are minor units.
public struct SimulationResult: Hashable, Sendable {
    public var invoices: [InvoiceResult]
    public var creditNotes: [CreditNoteResult]
    /// By id.
    public var subscriptions: [String: SubscriptionResult]
    public var charges: [ChargeResult]
    public var emails: [EmailResult]
    public var errors: [ErrorResult]
    /// By customer.
    public var balances: [String: BalanceResult]
    public var ledger: LedgerResult
    public var revenue: RevenueResult
    /// By month of the seller's, as `2026-01`.
    public var mrr: [String: MRRResult]

    public init(
        invoices: [InvoiceResult] = [], creditNotes: [CreditNoteResult] = [],
        subscriptions: [String: SubscriptionResult] = [:], charges: [ChargeResult] = [], emails: [EmailResult] = [],
        errors: [ErrorResult] = [], balances: [String: BalanceResult] = [:],
        ledger: LedgerResult = LedgerResult(balanced: true), revenue: RevenueResult = RevenueResult(),
        mrr: [String: MRRResult] = [:]
    ) {
        self.invoices = invoices
        self.creditNotes = creditNotes
        self.subscriptions = subscriptions
        self.charges = charges
        self.emails = emails
        self.errors = errors
        self.balances = balances
        self.ledger = ledger
        self.revenue = revenue
        self.mrr = mrr
    }

    /// The result in the shape and order of the format: equal results are equal texts. What is optional and not there
    /// is left out.
    public func json() -> JSONValue {
        [
            "invoices": .array(invoices.map { $0.json() }),
            "credit_notes": .array(creditNotes.map { $0.json() }),
            "subscriptions": .sorted(subscriptions) { $0.json() },
            "charges": .array(charges.map { $0.json() }),
            "emails": .array(emails.map { $0.json() }),
            "errors": .array(errors.map { $0.json() }),
            "balances": .sorted(balances) { $0.json() },
            "ledger": ledger.json(),
            "revenue": revenue.json(),
            "mrr": .sorted(mrr) { $0.json() },
        ]
    }
}
