internal import JSONText
public import Ledger

/// What a customer and the seller owe each other.
public struct BalanceResult: Hashable, Sendable {
    /// What the customer may use.
    public var credit: Int64
    /// What it owes on issued invoices.
    public var receivable: Int64

    public init(credit: Int64, receivable: Int64) {
        self.credit = credit
        self.receivable = receivable
    }

    func json() -> JSONValue { ["credit": .integer(credit), "receivable": .integer(receivable)] }
}

/// The books at the end.
public struct LedgerResult: Hashable, Sendable {
    /// Whether debits are credits, entry by entry and in all.
    public var balanced: Bool
    /// Debits less credits; what is not named is 0.
    public var accounts: [LedgerAccount: Int64]

    public init(balanced: Bool, accounts: [LedgerAccount: Int64] = [:]) {
        self.balanced = balanced
        self.accounts = accounts
    }

    func json() -> JSONValue {
        let balances = LedgerAccount.allCases.map { account in
            JSONValue.Member(account.rawValue, .integer(accounts[account] ?? 0))
        }
        return ["balanced": .bool(balanced), "accounts": .object(balances)]
    }
}

/// What is earned when, also after the end of the scenario. By month of the seller's, as `2026-01`.
public struct RevenueResult: Hashable, Sendable {
    public var recognized: [String: Int64]
    /// Billed and not yet earned when the month is over.
    public var deferred: [String: Int64]

    public init(recognized: [String: Int64] = [:], deferred: [String: Int64] = [:]) {
        self.recognized = recognized
        self.deferred = deferred
    }

    func json() -> JSONValue {
        ["recognized": .sorted(recognized) { .integer($0) }, "deferred": .sorted(deferred) { .integer($0) }]
    }
}

/// Monthly recurring revenue at the end of a month, and what moved it in that month.
public struct MRRResult: Hashable, Sendable {
    public var total: Int64
    public var new: Int64
    public var expansion: Int64
    /// Negative, as churn.
    public var contraction: Int64
    public var churn: Int64
    public var reactivation: Int64

    public init(
        total: Int64, new: Int64 = 0, expansion: Int64 = 0, contraction: Int64 = 0, churn: Int64 = 0,
        reactivation: Int64 = 0
    ) {
        self.total = total
        self.new = new
        self.expansion = expansion
        self.contraction = contraction
        self.churn = churn
        self.reactivation = reactivation
    }

    func json() -> JSONValue {
        [
            "total": .integer(total), "new": .integer(new), "expansion": .integer(expansion),
            "contraction": .integer(contraction), "churn": .integer(churn), "reactivation": .integer(reactivation),
        ]
    }
}
