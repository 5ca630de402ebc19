internal import Accounts
internal import Billing
internal import Dates
internal import Ledger
internal import Money
internal import Scenarios

/// Watches a replay and throws the first `Violation`: of what holds whenever nothing is left to do, and of what may not
/// change from one instant to the next.
struct Watch {
    /// By customer, as they were last seen.
    private var before: [Account] = []
    /// What came and went without a gateway.
    private var cash: [Int64]
    private var granted: [Int64]
    private var monthlyValues: [[LocalDate: Money]]
    /// Whether a price was published for days that were over, which moves what is long past.
    private var rewritesPast = false

    init(_ scenario: Scenario) {
        cash = scenario.customers.map { _ in 0 }
        granted = cash
        monthlyValues = scenario.customers.map { _ in [:] }
        before = scenario.customers.map { Account($0, in: scenario) }
    }

    mutating func saw(_ replay: Replay, _ event: Replay.Event) throws {
        switch event {
        case .performed(let operation, let refused): try performed(operation, refused, replay)
        case .settled(let instant):
            for index in replay.accounts.indices {
                let settled = Settled(replay.accounts[index], at: instant)
                for promise in Promise.all {
                    if let found = try promise.broken(settled) {
                        throw Violation(
                            promise: promise.sentence, found: "\(settled.account.code): \(found)", at: instant)
                    }
                }
                try compare(index, settled)
            }
            try checkSeries(replay.accounts, at: instant)
        }
        before = replay.accounts
    }

    // MARK: Operations

    private mutating func performed(
        _ timed: TimedOperation, _ refused: OperationFault.Code?, _ replay: Replay
    ) throws {
        if case .publishPrice = timed.act { rewritesPast = true }
        guard case .customer(let id, let operation) = timed.act,
            let index = replay.scenario.customers.firstIndex(where: { $0.id == id })
        else { return }
        let (old, new) = (before[index], replay.accounts[index])
        if let refused {
            let isSame =
                old.subscriptions == new.subscriptions && old.invoices == new.invoices && old.notes == new.notes
                && old.entries == new.entries && old.mails == new.mails && old.credit == new.credit
                && old.coupons == new.coupons && old.usage == new.usage
            if !isSame, refused != .paymentFailed {
                throw Violation(
                    promise: "what is refused changes nothing", found: "\(timed.do) of line \(timed.line)", at: timed.at
                )
            }
            return
        }
        switch operation {
        case .pay(let nth, let amount): cash[index] += try (amount ?? old.invoices[nth - 1].amountDue).minorUnits
        case .chargeback(let nth, let amount):
            let invoice = old.invoices[nth - 1]
            cash[index] -= try (amount ?? invoice.paid - invoice.refunded).minorUnits
        case .chargebackReversed(let nth): cash[index] += old.invoices[nth - 1].chargedBack.minorUnits
        case .credit(let amount): granted[index] += amount.minorUnits
        default: break
        }
    }

    // MARK: From one instant to the next

    private mutating func compare(_ index: Int, _ settled: Settled) throws {
        let (old, new) = (before[index], settled.account)
        try checkContent(old, settled)
        let balance = try TrialBalance(of: new.entries, in: new.currency)
        var charged = cash[index]
        for attempt in new.attempts where attempt.outcome == .success || attempt.outcome == .refunded {
            charged += attempt.amount.minorUnits
        }
        var lost: Int64 = 0
        for invoice in new.invoices where invoice.state == .uncollectible {
            lost += try (invoice.total - invoice.paid - invoice.creditApplied - invoice.noted).minorUnits
        }
        let expected: [(LedgerAccount, Int64)] = [
            (.cash, charged), (.creditsGranted, granted[index]), (.badDebt, lost),
        ]
        for (name, amount) in expected where balance[name].minorUnits != amount {
            throw Violation(
                promise: "the ledger says what moved",
                found: "\(new.code): \(name.rawValue) is \(balance[name]), what moved is \(amount)", at: settled.at)
        }
        try checkMonths(index, settled)
    }

    private func checkContent(_ old: Account, _ settled: Settled) throws {
        let new = settled.account
        let sentence = "what was issued stays as it is"
        for (was, now) in zip(old.invoices, new.invoices) {
            guard was.number == now.number, was.date == now.date, was.due == now.due, was.lines == now.lines,
                was.total == now.total, was.subtotal == now.subtotal, was.tax == now.tax
            else { throw Violation(promise: sentence, found: was.number, at: settled.at) }
            if was.state != now.state, was.state == .void || was.state == .uncollectible {
                throw Violation(promise: sentence, found: "\(was.number) is \(now.state)", at: settled.at)
            }
        }
        guard new.invoices.count >= old.invoices.count, new.notes.starts(with: old.notes),
            new.entries.starts(with: old.entries), new.mails.starts(with: old.mails)
        else { throw Violation(promise: sentence, found: "a document of \(new.code)'s is gone", at: settled.at) }
    }

    private mutating func checkMonths(_ index: Int, _ settled: Settled) throws {
        guard !rewritesPast else { return }
        let values = try settled.account.monthlyValues(through: settled.at)
        let seller = settled.account.sellerZone.localDate(of: settled.at)
        for (month, value) in monthlyValues[index] where values[month] != value {
            throw Violation(
                promise: "recurring revenue of a month that is over stays as it is",
                found: "\(settled.account.code) \(month): \(value), now \(values[month] ?? settled.zero)",
                at: settled.at)
        }
        monthlyValues[index] = values.filter { $0.key < seller.adding(days: 1 - seller.day) }
    }

    private func checkSeries(_ accounts: [Account], at instant: Instant) throws {
        guard let settings = accounts.first?.settings, settings.numbering.scheme == .seller else { return }
        let numbers = Set(accounts.flatMap { $0.invoices.map(\.number) })
        let count = accounts.reduce(0) { $0 + $1.invoices.count }
        let series = Set((0..<count).map { settings.numbering.number(Int64($0 + 1), customer: "") })
        guard numbers == series else {
            throw Violation(promise: "numbers run without a gap", found: "\(numbers.sorted())", at: instant)
        }
    }
}
