internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import Ledger
internal import Money

/// What has changed in some accounts since they were read: the rows to be written, and no others.
struct AccountChanges {
    /// New ones and changed ones.
    private(set) var subscriptions: [Owned<Subscription>] = []
    private(set) var transitions: [Owned<(subscription: Int, Subscription.Transition)>] = []
    private(set) var invoices: [Owned<Invoice>] = []
    private(set) var lines: [Owned<BilledLine>] = []
    private(set) var changedInvoices: [Owned<Invoice>] = []
    private(set) var notes: [Owned<CreditNote>] = []
    private(set) var newAttempts: [Owned<PaymentAttempt>] = []
    private(set) var changedAttempts: [Owned<PaymentAttempt>] = []
    private(set) var coupons: [Owned<(use: CouponUse, currency: Currency)>] = []
    private(set) var usage: [Owned<CountedUsage>] = []
    private(set) var entries: [Owned<JournalEntry>] = []
    private(set) var mails: [Owned<(Mail, recipient: String)>] = []

    init(_ accounts: [OpenAccount]) {
        for open in accounts { add(open.account, since: open.before, of: open.key.customer) }
    }

    private mutating func add(_ account: Account, since before: Account, of customer: Customer.ID) {
        for (ordinal, subscription) in account.subscriptions.enumerated() {
            let old = before.subscriptions.indices.contains(ordinal) ? before.subscriptions[ordinal] : nil
            guard old != subscription else { continue }
            subscriptions.append(Owned(customer, ordinal, subscription))
            for (place, transition) in subscription.history.enumerated().dropFirst(old?.history.count ?? 0) {
                transitions.append(Owned(customer, place, (ordinal, transition)))
            }
        }
        addInvoices(of: account, since: before, customer)
        notes += Owned.new(account.notes, since: before.notes, customer)
        for (ordinal, attempt) in account.attempts.enumerated() {
            guard before.attempts.indices.contains(ordinal) else {
                newAttempts.append(Owned(customer, ordinal, attempt))
                continue
            }
            if before.attempts[ordinal] != attempt { changedAttempts.append(Owned(customer, ordinal, attempt)) }
        }
        coupons += Owned.new(account.coupons, since: before.coupons, customer).map {
            Owned($0.customer, $0.ordinal, ($0.value, account.currency))
        }
        usage += Owned.new(account.usage, since: before.usage, customer)
        for (place, entry) in account.entries.enumerated() {
            entries.append(Owned(customer, account.entriesBefore + place, entry))
        }
        guard let recipient = account.email else { return }
        for (place, mail) in account.mails.enumerated() {
            mails.append(Owned(customer, account.mailsBefore + place, (mail, recipient)))
        }
    }

    private mutating func addInvoices(of account: Account, since before: Account, _ customer: Customer.ID) {
        let places = Dictionary(account.subscriptions.map { ($0.code, $0.ordinal) }) { first, _ in first }
        for (ordinal, invoice) in account.invoices.enumerated() {
            guard before.invoices.indices.contains(ordinal) else {
                invoices.append(Owned(customer, ordinal, invoice))
                lines += invoice.lines.enumerated().map { position, line in
                    let place = line.subscription.flatMap { places[$0] }
                    precondition((place == nil) == (line.subscription == nil), "a line of somebody else's subscription")
                    return Owned(customer, ordinal, BilledLine(position: position, subscription: place, line: line))
                }
                continue
            }
            if before.invoices[ordinal].progress != invoice.progress {
                changedInvoices.append(Owned(customer, ordinal, invoice))
            }
        }
    }

    /// What is newly paid back, and not by wire: whether by the gateway is for its job to find out.
    var refunds: [Owned<PaymentAttempt>] {
        newAttempts.filter { $0.value.outcome == .refunded && $0.value.method != .wire }
    }

    /// The plans that the subscriptions to be written name.
    var plans: Set<Plan> {
        var plans: Set<Plan> = []
        for subscription in subscriptions.map(\.value) {
            plans.insert(subscription.plan)
            for case .plan(let plan) in subscription.changes.map(\.kind) { plans.insert(plan) }
            for case .change(.plan(let plan)) in subscription.pending.map(\.kind) { plans.insert(plan) }
        }
        return plans
    }
}

/// Something of a customer's, at its place.
struct Owned<Value> {
    let customer: Customer.ID
    let ordinal: Int
    let value: Value

    init(_ customer: Customer.ID, _ ordinal: Int, _ value: Value) {
        self.customer = customer
        self.ordinal = ordinal
        self.value = value
    }

    /// What was added to a list that only grows.
    static func new(_ values: [Value], since before: [Value], _ customer: Customer.ID) -> [Owned] {
        precondition(values.count >= before.count, "something of customer \(customer) is gone")
        return values.enumerated().dropFirst(before.count).map { Owned(customer, $0, $1) }
    }
}

/// A line with its place, and its subscription's.
struct BilledLine {
    let position: Int
    let subscription: Int?
    let line: InvoiceLine

    /// The plan whose price it bills; `nil` for an add-on, and for what is no price.
    var plan: String? {
        switch line.explanation {
        case .charge(let charge), .usage(let charge, _): charge.basis.plan
        default: nil
        }
    }

    /// When what it bills begins, where time is billed by the second.
    var startSecond: Int64? { line.span.flatMap { $0.start.second == 0 ? nil : $0.start.second } }
}
