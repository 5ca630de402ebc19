import Accounts
import Billing
import Dates
import Money
import Chance

/// One thing that happens to an account: the same to any that is the same.
struct RandomStep: Sendable {
    let name: String
    let act: @Sendable (inout Account, Instant) throws -> Void

    /// An operation, or what the jobs do by themselves.
    static func random(of account: Account, using random: inout SeededGenerator) throws -> RandomStep {
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: return bill
        case 2: return collect(outcomes(using: &random))
        case 3: return settle(outcomes(using: &random))
        case 4: return remind
        default:
            let operation = try operation(of: account, using: &random)
            return RandomStep(name: "\(operation)") { account, now in try account.perform(operation, at: now) }
        }
    }

    static let bill = RandomStep(name: "bill") { account, now in
        try account.advance(to: now)
        let number = account.nextNumber
        if account.reactivation.map({ $0.invoice == nil }) ?? false {
            _ = try account.invoiceReactivation { _ in number }
        } else {
            _ = try account.invoice(at: now) { _ in number }
        }
    }

    private static let remind = RandomStep(name: "remind") { account, now in
        try account.advance(to: now)
        try account.remind(at: now)
        try account.endGrace(at: now)
    }

    private static func outcomes(using random: inout SeededGenerator) -> [PaymentAttempt.Outcome] {
        let all: [PaymentAttempt.Outcome] = [
            .success, .success, .insufficientFunds, .cardDeclined, .expiredCard, .requiresAction, .processing, .unknown,
        ]
        return (0..<6).map { _ in all.randomElement(using: &random) ?? .success }
    }

    private static func collect(_ outcomes: [PaymentAttempt.Outcome]) -> RandomStep {
        RandomStep(name: "collect \(outcomes)") { account, now in
            for (invoice, outcome) in zip(try account.chargesDue(at: now), outcomes) {
                let place = try account.openAttempt(at: now, on: invoice)
                account.send(attempt: place, at: now)
                try account.settle(
                    attempt: place, with: outcome, reference: "pi_\(account.code)_\(place)",
                    declineCode: outcome == .cardDeclined ? "do_not_honor" : nil, at: now)
            }
        }
    }

    private static func settle(_ outcomes: [PaymentAttempt.Outcome]) -> RandomStep {
        RandomStep(name: "settle \(outcomes)") { account, now in
            for (place, outcome) in zip(account.pendingAttempts, outcomes) {
                try account.settle(attempt: place, with: outcome, at: now)
            }
        }
    }
}

extension RandomStep {
    private static func operation(
        of account: Account, using random: inout SeededGenerator
    ) throws -> Accounts.Operation {
        let codes = account.subscriptions.map(\.code)
        guard let code = codes.randomElement(using: &random), Int.random(in: 0..<6, using: &random) > 0 else {
            return .subscribe(try subscribe("\(account.code)-\(codes.count)", using: &random))
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1: return try change(of: code, account, using: &random)
        case 2: return try customerOperation(account, code, using: &random)
        default: return try invoiceOperation(account, using: &random)
        }
    }

    private static func subscribe(
        _ code: String, using random: inout SeededGenerator
    ) throws -> Accounts.Operation.Subscribe {
        var request = Accounts.Operation.Subscribe(code: code, plan: plan(using: &random))
        request.align = Accounts.Operation.Alignment.allCases.randomElement(using: &random) ?? .anniversary
        if Bool.random(using: &random) { request.billingDay = .random(in: 1...31, using: &random) }
        if Bool.random(using: &random) {
            request.quantities = ["seat": Rational(Int.random(in: 1...9, using: &random))]
        }
        if Bool.random(using: &random) { request.trialDays = .random(in: 0...20, using: &random) }
        if Int.random(in: 0..<3, using: &random) == 0 {
            request.coupons = [["ten", "five", "longer"].randomElement(using: &random) ?? "ten"]
        }
        if Int.random(in: 0..<3, using: &random) == 0 { request.prices = ["base": try Rational(4001, over: 100)] }
        if Int.random(in: 0..<3, using: &random) == 0 {
            request.term = Accounts.Operation.Term(
                months: .random(in: 1...24, using: &random), renews: .random(using: &random))
        }
        return request
    }

    private static func plan(using random: inout SeededGenerator) -> String {
        ["small", "large", "metered", "yearly"].randomElement(using: &random) ?? "small"
    }

    private static func timing(using random: inout SeededGenerator) -> Accounts.Operation.Timing {
        let whens: [Accounts.Operation.When?] = [nil, .now, .periodEnd]
        return Accounts.Operation.Timing(
            when: whens.randomElement(using: &random) ?? nil,
            invoice: Accounts.Operation.Invoicing.allCases.randomElement(using: &random) ?? .now)
    }

    private static func change(
        of code: String, _ account: Account, using random: inout SeededGenerator
    ) throws -> Accounts.Operation {
        let timing = timing(using: &random)
        switch Int.random(in: 0..<11, using: &random) {
        case 0, 1: return .changePlan(subscription: code, plan: plan(using: &random), timing, effective: nil)
        case 2, 3:
            return .changeQuantity(
                subscription: code, unit: "seat",
                quantity: try Rational(Int128.random(in: 1...40, using: &random), over: 4),
                timing)
        case 4:
            let price = Price(code: "extra", model: .perUnit(unit: "seat", amount: 1234, included: 0))
            return .addPrice(subscription: code, price, timing)
        case 5: return .removePrice(subscription: code, price: Bool.random(using: &random) ? "extra" : "base", timing)
        case 6:
            return .changeBillingDay(
                of: Bool.random(using: &random) ? .subscription(code) : .customer,
                day: .random(in: 1...31, using: &random))
        case 7:
            return .cancel(
                subscription: code, when: Bool.random(using: &random) ? .now : .periodEnd,
                unused: Accounts.Operation.Unused.allCases.randomElement(using: &random) ?? .credit, reason: "too dear")
        case 8: return Bool.random(using: &random) ? .pause(subscription: code) : .resume(subscription: code)
        case 9: return .reactivate(subscription: code)
        default: return .extendTrial(subscription: code, days: 5, approvedBy: "support")
        }
    }

    private static func customerOperation(
        _ account: Account, _ code: String, using random: inout SeededGenerator
    ) throws -> Accounts.Operation {
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1, 2:
            return .usage(
                UsageEvent(
                    id: "event-\(Int.random(in: 0..<60, using: &random))",
                    metric: Bool.random(using: &random) ? "calls" : "users",
                    quantity: try Rational(Int128.random(in: 1...500, using: &random), over: 3),
                    properties: ["user": "u\(Int.random(in: 0..<9, using: &random))", "Über": "\"quoted\\\""]))
        case 3: return .credit(Money(minorUnits: .random(in: 1...9000, using: &random), account.currency))
        case 4: return .useCoupon(subscription: Bool.random(using: &random) ? code : nil, coupon: "ten")
        case 5:
            let method = PaymentArrangement.Method.allCases.randomElement(using: &random) ?? .card
            return .setPayment(PaymentArrangement(method: method, netDays: Bool.random(using: &random) ? 7 : nil))
        case 6:
            return .setAddress(
                Customer.Address(country: "US", region: Bool.random(using: &random) ? "CA" : nil, postalCode: "94105"))
        default:
            let overrides: [Accounts.Operation.DunningOverride] = [.pause, .resume, .extendGrace(days: 3)]
            return .overrideDunning(overrides.randomElement(using: &random) ?? .pause)
        }
    }

    private static func invoiceOperation(
        _ account: Account, using random: inout SeededGenerator
    ) throws -> Accounts.Operation {
        let nth = Int.random(in: 1...max(1, account.invoices.count), using: &random)
        let amount = Money(minorUnits: .random(in: 1...3000, using: &random), account.currency)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return .creditNote(invoice: nth, .amount(amount), as: .credit)
        case 1:
            let line = Accounts.Operation.NoteLine(code: "base", amount: amount)
            return .creditNote(invoice: nth, .lines([line]), as: .refund)
        case 2: return .pay(invoice: nth, amount: Bool.random(using: &random) ? amount : nil)
        case 3: return .refund(invoice: nth, amount: Bool.random(using: &random) ? amount : nil)
        case 4: return .chargeback(invoice: nth, amount: Bool.random(using: &random) ? amount : nil)
        case 5: return .chargebackReversed(invoice: nth)
        case 6: return .void(invoice: nth)
        case 7: return .writeOff(invoice: nth)
        default:
            let standalone = Obligation(standalone: Money(minorUnits: 5000, account.currency))
            return .invoice([
                Accounts.Operation.OneOffLine(code: "setup", amount: amount, description: nil, obligation: standalone),
                Accounts.Operation.OneOffLine(code: "visit", amount: amount),
            ])
        }
    }
}
