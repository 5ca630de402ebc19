public import Money

/// What each account holds after some postings in one currency, debits less credits; the sum over all is zero.
public struct TrialBalance: Hashable, Sendable {
    public let currency: Currency
    private var balances: [LedgerAccount: Money] = [:]

    public init(_ currency: Currency) { self.currency = currency }

    /// The balance of those entries. Throws `currencyMismatch` for another currency, or `overflow`.
    public init(of entries: some Sequence<JournalEntry>, in currency: Currency) throws(MoneyFault) {
        self.init(currency)
        for entry in entries {
            for posting in entry.postings { try post(posting) }
        }
    }

    /// Throws `currencyMismatch` for another currency, or `overflow`; then nothing has changed.
    public mutating func post(_ posting: Posting) throws(MoneyFault) {
        let debited = try self[posting.debit] + posting.amount
        let credited = try self[posting.credit] - posting.amount
        balances[posting.debit] = debited
        balances[posting.credit] = credited
    }

    /// Debits less credits: positive for what is owned or spent, negative for what is owed or earned.
    public subscript(account: LedgerAccount) -> Money { balances[account] ?? .zero(currency) }

    /// Accounts that do not stand at zero, in the order of `LedgerAccount`.
    public var nonZero: [(account: LedgerAccount, balance: Money)] {
        LedgerAccount.allCases.map { ($0, self[$0]) }.filter { !$0.balance.isZero }
    }
}
