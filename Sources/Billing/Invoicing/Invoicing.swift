public import Dates
public import Money

/// A customer as invoicing sees one: every subscription that it ever had, each with its plan version.
public struct BillingAccount: Hashable, Sendable {
    public struct Item: Hashable, Sendable {
        public let subscription: Subscription
        public let plan: Plan

        public init(_ subscription: Subscription, _ plan: Plan) {
            self.subscription = subscription
            self.plan = plan
        }
    }

    public let customer: Customer.ID
    public let currency: Currency
    public let items: [Item]

    public init(customer: Customer.ID, currency: Currency, items: [Item]) {
        self.customer = customer
        self.currency = currency
        self.items = items
    }
}

/// Invoicing is reconciliation: the lines that ought to exist up to a date, less those that do. Asked twice, it finds
/// nothing the second time; asked for an earlier date than was billed, it finds nothing either.
public enum Invoicing {
    /// More periods than this of one price is a wrong date, not a subscription: days for eleven years.
    public static let maximumPeriods = 4000

    /// The lines due by `date` that are not in `existing`, in the order of an invoice: kind, subscription, start, price
    /// in the plan. Lines of 0 are left out.
    ///
    /// `existing` holds every line billed to the account, those of void invoices too. One that differs from what ought
    /// to be there throws `inconsistentHistory`: nothing can be billed to that customer until a person has looked.
    public static func linesDue(
        for account: BillingAccount, existing: [ExistingLine], upTo date: LocalDate
    ) throws(BillingFault) -> [InvoiceLine] {
        let ours = Set(account.items.map(\.subscription.id))
        let billed = existing.filter { ours.contains($0.key.subscription) }
        // What was billed past `date` is compared as well, so the desired lines must reach as far.
        let horizon = billed.reduce(date) { max($0, $1.period.end) }
        let desired = try desiredLines(for: account, upTo: horizon)
        let billedKeys = try reconcile(billed, with: desired)
        return desired.filter { $0.dueOn <= date && !billedKeys.contains($0.key) }
    }

    /// Every line that ought to exist by `date`, in the order of an invoice.
    static func desiredLines(
        for account: BillingAccount, upTo date: LocalDate
    ) throws(BillingFault) -> [InvoiceLine] {
        var ranked: [(line: InvoiceLine, rank: Int)] = []
        for item in account.items {
            guard item.plan.currency == account.currency else {
                throw .money(.currencyMismatch(item.plan.currency, account.currency))
            }
            try requireRatable(item)
            for (rank, price) in item.plan.prices.enumerated() where price.model.metric == nil {
                let lines = try desiredLines(of: price, item, upTo: date)
                ranked += lines.map { ($0, rank) }
            }
        }
        return ranked.sorted { $0.line.precedes($1.line, ranks: ($0.rank, $1.rank)) }.map(\.line)
    }

    /// No usage is in these books, so a metered price costs what it costs at 0, and is no line if that is nothing.
    /// Whatever else only `Accounts` can rate holds the customer.
    private static func requireRatable(_ item: BillingAccount.Item) throws(BillingFault) {
        let plan = item.plan
        var reason: String?
        if plan.minimum != nil { reason = "a minimum" }
        if !plan.discounts.isEmpty { reason = "plan discounts" }
        if Set(plan.prices.map(\.code)).count < plan.prices.count { reason = "several versions of a price" }
        for price in plan.prices {
            switch price.model {
            case .flat, .perUnit: continue
            case let model where model.metric != nil && (try? model.cost(of: .zero, in: plan.currency)) == .zero:
                continue
            default: reason = "price \"\(price.code)\" of model \(price.model.name)"
            }
        }
        if let reason { throw .cannotRate(item.subscription.id, plan: plan.code, reason) }
    }

    private static func desiredLines(
        of price: Price, _ item: BillingAccount.Item, upTo date: LocalDate
    ) throws(BillingFault) -> [InvoiceLine] {
        let (subscription, plan) = (item.subscription, item.plan)
        // Whether a trial is followed by anything is only known when it has ended.
        guard subscription.state != .scheduled, subscription.state != .trialing else { return [] }
        var lines: [InvoiceLine] = []
        var count = 0
        for window in subscription.cycles(of: price, in: plan).windows() {
            let dueOn = price.dueDate(of: window.period)
            if dueOn > date { break }
            if let blocked = subscription.blockedFrom, window.period.start >= blocked { break }
            count += 1
            guard count <= maximumPeriods else { throw .tooManyPeriods(subscription.id, price: price.code) }
            guard let line = try line(of: price, item, window: window, dueOn: dueOn) else {
                throw .cannotRate(subscription.id, plan: plan.code, "price \"\(price.code)\"")
            }
            if !line.amount.isZero { lines.append(line) }
        }
        return lines
    }

    private static func line(
        of price: Price, _ item: BillingAccount.Item, window: Cycles.Window, dueOn: LocalDate
    ) throws(BillingFault) -> InvoiceLine? {
        do throws(MoneyFault) {
            guard
                let explanation = try Explanation(
                    price, currency: item.plan.currency, quantities: item.subscription.quantities, window: window)
            else { return nil }
            return InvoiceLine(
                key: InvoiceLine.Key(
                    subscription: item.subscription.id, price: price.code, start: window.period.start,
                    kind: window.isWhole ? .recurring : .proration),
                period: window.period, dueOn: dueOn, quantity: explanation.quantity, factor: explanation.fraction,
                amount: try explanation.evaluate(), explanation: explanation)
        } catch {
            throw .money(error)
        }
    }

    /// The keys of what is billed, once each is found to be what ought to be there, and there once.
    private static func reconcile(
        _ billed: [ExistingLine], with desired: [InvoiceLine]
    ) throws(BillingFault) -> Set<InvoiceLine.Key> {
        let wanted = Dictionary(desired.map { ($0.key, $0) }) { first, _ in first }
        var keys: Set<InvoiceLine.Key> = []
        for line in billed {
            guard let match = wanted[line.key], match.period == line.period, match.amount == line.amount,
                keys.insert(line.key).inserted
            else {
                let rival = desired.first {
                    $0.subscription == line.key.subscription && $0.code == line.key.price
                        && $0.period.overlaps(line.period)
                }
                throw .inconsistentHistory(existing: line, desired: rival)
            }
        }
        return keys
    }
}

extension Price {
    /// The day on which the line of that period falls due.
    func dueDate(of period: Period) -> LocalDate {
        switch timing {
        case .inAdvance: period.start
        case .inArrears: period.end
        }
    }
}

extension InvoiceLine {
    fileprivate func precedes(_ other: InvoiceLine, ranks: (Int, Int)) -> Bool {
        if kind != other.kind { return kind.order < other.kind.order }
        return (subscription, period.start, ranks.0) < (other.subscription, other.period.start, ranks.1)
    }
}

extension InvoiceLine.Kind {
    fileprivate var order: Int {
        switch self {
        case .credit: 0
        case .proration: 1
        case .recurring: 2
        case .usage: 3
        case .oneTime: 4
        case .minimum: 5
        case .discount: 6
        case .tax: 7
        }
    }
}
