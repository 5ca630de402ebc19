import Accounts
import Billing
import Dates
import Money
import Testing

/// Which operation is done in which state, written once more from the format and not from the code.
@Suite struct OperationTableTests {
    typealias Operation = Accounts.Operation

    /// What may be asked of a subscription, and the states in which it is done.
    static let operations: [(name: String, operation: Operation, legal: Set<SubscriptionState>)] = [
        ("change_plan", .changePlan(subscription: "s", plan: "q", .init(), effective: nil), changeable),
        ("change_quantity", .changeQuantity(subscription: "s", unit: "seat", quantity: 3, .init()), changeable),
        ("add_price", .addPrice(subscription: "s", extra, .init()), changeable),
        ("remove_price", .removePrice(subscription: "s", price: "base", .init()), changeable),
        ("change_billing_day", .changeBillingDay(of: .subscription("s"), day: 9), changeable),
        ("pause", .pause(subscription: "s"), [.active]),
        ("resume", .resume(subscription: "s"), [.paused]),
        ("extend_trial", .extendTrial(subscription: "s", days: 3, approvedBy: "ops"), [.trialing]),
        ("reactivate", .reactivate(subscription: "s"), [.pastDue, .suspended, .cancelled, .expired]),
        (
            "cancel", .cancel(subscription: "s", when: nil, unused: .credit, reason: nil),
            [.scheduled, .trialing, .active, .pastDue, .suspended, .paused]
        ),
    ]
    private static let changeable: Set<SubscriptionState> = [.trialing, .active, .pastDue]
    private static let extra = Price(code: "extra", model: .flat(amount: Money(minorUnits: 500, .usd)))

    @Test(arguments: SubscriptionState.allCases)
    func `an operation is done or refused as its state says, and refused it changes nothing`(
        state: SubscriptionState
    ) throws {
        let (account, now) = try Self.account(in: state)
        try #require(account.subscriptions.map(\.state) == [state])
        for (name, operation, legal) in Self.operations {
            var after = account
            do {
                try after.perform(operation, at: now)
                #expect(legal.contains(state), "\(name) is done though it is \(state)")
            } catch let fault as OperationFault {
                #expect(fault.code == .illegalTransition, "\(name)")
                #expect(!legal.contains(state), "\(name) is refused though it is \(state)")
                #expect(after.subscriptions == account.subscriptions && after.mails == account.mails)
            }
        }
    }

    @Test(arguments: operations.map(\.name))
    func `what is asked of a subscription that nobody has is not found`(name: String) throws {
        var account = try Self.account(in: .active).account
        let other = try #require(Self.operations.first { $0.name == name }?.operation.ofNobody)
        let before = account.subscriptions
        #expect { try account.perform(other, at: Instant(microseconds: 0)) } throws: {
            ($0 as? OperationFault)?.code == .notFound
        }
        #expect(account.subscriptions == before)
    }

    /// An account with one subscription in that state, and an instant at which it is.
    private static func account(in state: SubscriptionState) throws -> (account: Account, now: Instant) {
        var play = try Play(declines: [.pastDue, .suspended].contains(state))
        let term = state == .expired ? Operation.Term(months: 1, renews: false) : nil
        let start = state == .scheduled ? try Books.date("2026-06-01") : nil
        try play.perform(
            .subscribe(
                .init(
                    code: "s", plan: "p", start: start, trialDays: state == .trialing ? 60 : nil, term: term)))
        switch state {
        case .scheduled, .trialing, .active: break
        case .pastDue: try play.advance(to: "2026-01-05")
        case .suspended, .expired: try play.advance(to: "2026-02-20")
        case .paused: try play.perform(.pause(subscription: "s"))
        case .cancelled:
            try play.perform(.cancel(subscription: "s", when: .now, unused: .none, reason: nil))
        }
        return (play.account, play.now)
    }
}

/// An account whose charges are all answered alike.
private struct Play {
    private(set) var account: Account
    private(set) var now: Instant
    private let outcome: PaymentAttempt.Outcome

    init(declines: Bool) throws {
        let seats = Price(code: "seats", model: .perUnit(unit: "seat", amount: 100, included: 0))
        let base = Price(code: "base", model: .flat(amount: Money(minorUnits: 3100, .usd)))
        let plans = [Sample.plan(prices: [base, seats]), Sample.plan("q", prices: [base])]
        account = Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc, settings: BillingSettings(currency: .usd),
            catalogue: Catalogue(currency: .usd, plans: plans), email: "acme@example.com",
            arrangement: PaymentArrangement(method: .card, netDays: nil))
        now = TimeZoneRules.utc.instant(of: try Books.date("2026-01-01"))
        outcome = declines ? .insufficientFunds : .success
    }

    mutating func perform(_ operation: Accounts.Operation) throws {
        try account.perform(operation, at: now)
        try settle()
    }

    mutating func advance(to date: String) throws {
        let end = TimeZoneRules.utc.instant(of: try Books.date(date))
        while now < end {
            let due = [try account.nextDue(after: now), account.nextCollection(after: now)].compactMap(\.self)
            now = min(end, due.min() ?? end)
            try account.advance(to: now)
            try settle()
        }
    }

    private mutating func settle() throws {
        let number = account.nextNumber
        _ = try account.invoice(at: now) { _ in number }
        for invoice in try account.chargesDue(at: now) {
            let attempt = try account.openAttempt(at: now, on: invoice)
            try account.settle(attempt: attempt, with: outcome, at: now)
        }
        try account.remind(at: now)
        try account.endGrace(at: now)
    }
}

extension Accounts.Operation {
    /// The same of a subscription that nobody has.
    fileprivate var ofNobody: Self? {
        switch self {
        case .changePlan(_, let plan, let timing, let date):
            .changePlan(subscription: "x", plan: plan, timing, effective: date)
        case .changeQuantity(_, let unit, let quantity, let timing):
            .changeQuantity(subscription: "x", unit: unit, quantity: quantity, timing)
        case .addPrice(_, let price, let timing): .addPrice(subscription: "x", price, timing)
        case .removePrice(_, let price, let timing): .removePrice(subscription: "x", price: price, timing)
        case .changeBillingDay(_, let day): .changeBillingDay(of: .subscription("x"), day: day)
        case .pause: .pause(subscription: "x")
        case .resume: .resume(subscription: "x")
        case .extendTrial(_, let days, let name): .extendTrial(subscription: "x", days: days, approvedBy: name)
        case .reactivate: .reactivate(subscription: "x")
        case .cancel(_, let when, let unused, let reason, let comment):
            .cancel(subscription: "x", when: when, unused: unused, reason: reason, comment: comment)
        case .acceptOffer(_, let coupon): .acceptOffer(subscription: "x", coupon: coupon)
        default: nil
        }
    }
}
