public import Ledger
public import Money

/// Why a customer cannot be billed now; the customer is held and a person told, others go on.
public enum BillingFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// A billed line is not what ought to be there, or is there twice; `desired` is what ought to be in its place.
    case inconsistentHistory(existing: ExistingLine, desired: InvoiceLine?)
    /// The plan has something that cannot be billed yet; the reason names it.
    case cannotRate(Subscription.ID, plan: String, String)
    case tooManyPeriods(Subscription.ID, price: String)
    /// An invoice needs lines, all in the customer's currency, that do not add up to less than nothing.
    case emptyInvoice
    case negativeTotal(Money)
    case money(MoneyFault)
    case ledger(LedgerFault)

    public var description: String {
        switch self {
        case .inconsistentHistory(let existing, let desired):
            "subscription \(existing.key.subscription), price \(existing.key.price): invoice \(existing.invoice) bills "
                + "\(existing.amount) for \(existing.period); "
                + (desired.map { "\($0.amount) for \($0.period) ought to be billed" } ?? "nothing ought to be billed")
        case .cannotRate(let subscription, let plan, let reason):
            "subscription \(subscription), plan \(plan): \(reason) cannot be billed yet"
        case .tooManyPeriods(let subscription, let price):
            "subscription \(subscription), price \(price): more than \(Invoicing.maximumPeriods) periods"
        case .emptyInvoice: "an invoice without lines"
        case .negativeTotal(let total): "an invoice of \(total)"
        case .money(let fault): fault.description
        case .ledger(let fault): fault.description
        }
    }
}
