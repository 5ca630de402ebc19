/// The accounts that billing posts to; their stored names are the raw values.
public enum LedgerAccount: String, CaseIterable, Hashable, Sendable, Codable {
    /// Asset: what has been paid.
    case cash
    /// Asset: what customers owe on issued invoices.
    case receivable
    /// Liability: billed and not yet earned.
    case deferredRevenue = "deferred_revenue"
    /// Income: earned.
    case revenue
    /// Liability: tax collected for the authorities.
    case taxPayable = "tax_payable"
    /// Liability: credit customers may use.
    case customerCredit = "customer_credit"
    /// Expense: credit given without a payment.
    case creditsGranted = "credits_granted"
    /// Expense: written off.
    case badDebt = "bad_debt"
}
