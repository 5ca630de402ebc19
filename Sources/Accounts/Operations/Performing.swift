internal import Billing
public import Dates
internal import Ledger
internal import Money

/// What an operation needs to know of others than the customer.
public struct Surroundings: Sendable {
    /// Codes of subscriptions that other customers of the seller have.
    public var takenCodes: Set<String>
    /// How often each coupon has been handed in, by all customers.
    public var redemptions: [String: Int]
    /// The next number of the seller's own series, taken for the invoice that the operation issues; `nil` where invoices
    /// are numbered by customer, or it issues none.
    public var sellerNumber: Int64?

    public init(takenCodes: Set<String> = [], redemptions: [String: Int] = [:], sellerNumber: Int64? = nil) {
        self.takenCodes = takenCodes
        self.redemptions = redemptions
        self.sellerNumber = sellerNumber
    }
}

extension Account {
    /// Does the whole of an operation, or throws `OperationFault` and has changed nothing. What falls due with it is
    /// not yet invoiced or charged.
    public mutating func perform(
        _ operation: Operation, at instant: Instant, among surroundings: Surroundings = Surroundings()
    ) throws {
        var changed = self
        try changed.apply(operation, at: instant, surroundings)
        self = changed
    }

    private mutating func apply(_ operation: Operation, at instant: Instant, _ surroundings: Surroundings) throws {
        switch operation {
        case .subscribe(let request): try subscribe(request, at: instant, surroundings)
        case .changePlan(let code, let plan, let timing, let effective):
            try changePlan(of: code, to: plan, timing, effective: effective, at: instant)
        case .changeQuantity(let code, let unit, let quantity, let timing):
            try changeQuantity(of: code, unit, to: quantity, timing, at: instant)
        case .addPrice(let code, let price, let timing): try addPrice(price, to: code, timing, at: instant)
        case .removePrice(let code, let price, let timing): try removePrice(price, from: code, timing, at: instant)
        case .changeBillingDay(let owner, let day): try changeBillingDay(of: owner, to: day, at: instant)
        case .cancel(let code, let when, let unused, let reason, let comment):
            try cancel(code, when, unused, reason: reason, comment: comment, at: instant)
        case .acceptOffer(let code, let coupon): try acceptOffer(of: code, coupon, at: instant, surroundings)
        case .pause(let code): try pause(code, at: instant)
        case .resume(let code): try resume(code, at: instant)
        case .reactivate(let code): try reactivate(code, at: instant)
        case .extendTrial(let code, let days, _): try extendTrial(of: code, by: days)
        case .usage(let event): try count(event, at: instant)
        case .credit(let amount):
            try grantCredit(amount, from: .creditsGranted, .creditGranted, "\(instant)", at: instant)
        case .useCoupon(let subscription, let coupon):
            if let subscription { _ = try index(of: subscription) }
            try use(coupon, for: subscription, at: instant, surroundings)
        case .setPayment(let arrangement):
            self.arrangement = arrangement
            try collectOverdue()
        case .setAddress(let address): self.address = address
        case .creditNote(let invoice, let amount, let use):
            try note(invoice, amount, as: use, at: instant)
        case .pay(let invoice, let amount): try pay(invoice, amount, at: instant)
        case .refund(let invoice, let amount): try refund(invoice, amount, at: instant)
        case .chargeback(let invoice, let amount): try chargeback(invoice, amount, at: instant)
        case .chargebackReversed(let invoice): try reverseChargeback(of: invoice, at: instant)
        case .void(let invoice): try void(invoice, at: instant)
        case .writeOff(let invoice): try writeOff(invoice, at: instant)
        case .invoice(let lines): try invoice(lines, at: instant, sellerNumber: surroundings.sellerNumber)
        case .overrideDunning(let override): try self.override(override, at: instant)
        case .release: try release()
        case .bill: break
        }
    }

    /// Where a subscription stands in the list. Throws `not_found`.
    func index(of code: String) throws(OperationFault) -> Int {
        guard let index = subscriptions.firstIndex(where: { $0.code == code }) else {
            throw OperationFault(.notFound, "customer \(self.code) has no subscription \(code)")
        }
        return index
    }

    /// Where a subscription that may be changed stands. Throws `not_found` or `illegal_transition`.
    func changeable(_ code: String) throws(OperationFault) -> Int {
        let index = try index(of: code)
        switch subscriptions[index].state {
        case .trialing, .active, .pastDue: return index
        default:
            throw OperationFault(
                .illegalTransition,
                "subscription \(code) is \(subscriptions[index].state.rawValue) and cannot be changed")
        }
    }

    /// Where the `nth` invoice, counted from 1, stands. Throws `not_found`.
    func invoiceIndex(_ nth: Int) throws(OperationFault) -> Int {
        guard invoices.indices.contains(nth - 1) else {
            throw OperationFault(.notFound, "customer \(code) has no invoice number \(nth)")
        }
        return nth - 1
    }

    func plan(_ code: String) throws(OperationFault) -> Plan {
        guard let plan = catalogue[plan: code] else { throw OperationFault(.notFound, "there is no plan \(code)") }
        return plan
    }

    mutating func move(
        _ index: Int, to state: SubscriptionState, because cause: SubscriptionState.Cause, at instant: Instant
    ) throws(OperationFault) {
        do {
            let move = try subscriptions[index].state.moving(to: state, because: cause)
            subscriptions[index].state = move.to
            // What a past start has already brought to its end ended when that was known.
            let at = max(instant, subscriptions[index].history.last?.at ?? instant)
            subscriptions[index].history.append(Subscription.Transition(at: at, to: state, cause: cause))
        } catch {
            throw OperationFault(.illegalTransition, "subscription \(subscriptions[index].code): \(error)")
        }
    }
}
