import Billing
import Chance
import Dates
import Money
import Testing

@Suite struct RenewalTests {
    private func decide(
        _ subscription: Subscription, _ plan: Plan, _ today: String, since: String? = nil, pays: Bool = true
    ) throws -> Renewal.Decision {
        try Renewal.decide(
            for: subscription, plan: plan, today: Sample.date(today), since: since.map(Sample.date),
            hasPaymentMethod: pays)
    }

    @Test func `an active subscription is looked at on its next boundary`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let subscription = try Sample.subscription("2026-01-31")
        let first = try decide(subscription, plan, "2026-01-31")
        #expect((first.isBilled, first.nextActionOn) == (true, try Sample.date("2026-02-28")))
        let idle = try decide(subscription, plan, "2026-02-27", since: "2026-01-31")
        #expect((idle.isBilled, idle.nextActionOn) == (false, try Sample.date("2026-02-28")))
        let late = try decide(subscription, plan, "2026-03-05", since: "2026-02-27")
        #expect((late.isBilled, late.nextActionOn) == (true, try Sample.date("2026-03-31")))
    }

    @Test(arguments: [
        (true, SubscriptionState.active, SubscriptionState.Cause.trialEnded, true),
        (false, .expired, .trialUnpaid, false),
    ])
    func `a trial ends active, or without a payment method expired`(
        pays: Bool, state: SubscriptionState, cause: SubscriptionState.Cause, isBilled: Bool
    ) throws {
        let plan = try Sample.plan(prices: Sample.flat("49.00"))
        let trial = try Sample.subscription("2026-03-03", trialEnd: "2026-03-17", state: .trialing)
        #expect(try decide(trial, plan, "2026-03-16", pays: pays).nextActionOn == (try Sample.date("2026-03-17")))
        let decision = try decide(trial, plan, "2026-03-17", since: "2026-03-03", pays: pays)
        #expect(decision.subscription.state == state)
        #expect(decision.moves.map(\.move.cause) == [cause])
        #expect(decision.isBilled == isBilled)
        #expect((decision.nextActionOn == nil) == !pays)
    }

    @Test func `a start in the future waits, and missed days are caught up in order`() throws {
        let plan = try Sample.plan(prices: Sample.flat("30.00"))
        let scheduled = try Sample.subscription("2026-02-03", trialEnd: "2026-02-10", state: .scheduled)
        #expect(try decide(scheduled, plan, "2026-01-20").nextActionOn == (try Sample.date("2026-02-03")))
        let decision = try decide(scheduled, plan, "2026-04-01")
        #expect(decision.moves.map(\.move.to) == [.trialing, .active])
        #expect(decision.moves.map(\.date) == [try Sample.date("2026-02-03"), try Sample.date("2026-02-10")])
    }

    @Test func `an end is reached once, bills what is in arrears, and leaves nothing to do`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00", extra: #", "bill": "in_arrears""#))
        let leaving = try Sample.subscription("2026-02-01", end: "2026-03-01")
        #expect(try decide(leaving, plan, "2026-02-10").nextActionOn == (try Sample.date("2026-03-01")))
        let decision = try decide(leaving, plan, "2026-03-01", since: "2026-02-10")
        #expect(decision.moves.map(\.move.to) == [.cancelled])
        #expect((decision.isBilled, decision.nextActionOn) == (true, nil))
    }

    @Test func `what is cancelled in its trial never becomes active`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let trial = try Sample.subscription(
            "2026-03-03", trialEnd: "2026-03-17", state: .trialing, end: "2026-03-17")
        let decision = try decide(trial, plan, "2026-04-30")
        #expect(decision.moves.map(\.move.to) == [.cancelled])
        #expect((decision.isBilled, decision.nextActionOn) == (false, nil))
    }

    /// The one indexed date must never let a due line slip by.
    @Test(arguments: SeededGenerator.seeds)
    func `looking only on the days announced bills the same lines on the same days`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let intervals = [#""month""#, #""quarter""#, #"{"weeks": 1}"#, #"{"days": 13}"#]
        let origin = try Sample.date("2024-01-01")
        for _ in 0..<20 {
            let arrears = Bool.random(using: &random) ? #", "bill": "in_arrears""# : ""
            let own = intervals.randomElement(using: &random) ?? "\"month\""
            let plan = try Sample.plan(
                interval: intervals.randomElement(using: &random) ?? "\"month\"",
                prices: Sample.flat("10.00", extra: arrears) + ", "
                    + Sample.flat("5.00", code: "b", extra: ", \"interval\": \(own)"))
            let start = origin.adding(days: .random(in: 0..<366, using: &random))
            var subscription = Subscription(
                id: Subscription.ID(1), customer: Customer.ID(7), start: start,
                trialEnd: Bool.random(using: &random) ? start.adding(days: 10) : nil,
                billingDay: Bool.random(using: &random) ? .random(in: 1...31, using: &random) : nil,
                state: .scheduled,
                end: Bool.random(using: &random) ? .init(start.adding(days: 200), .cancelled) : nil)
            var billed: [InvoiceLine] = []
            var since: LocalDate?
            var today: LocalDate? = start
            while let day = today, day < origin.adding(days: 800) {
                let decision = try Renewal.decide(
                    for: subscription, plan: plan, today: day, since: since, hasPaymentMethod: true)
                subscription = decision.subscription
                let lines = try Invoicing.linesDue(
                    for: Sample.account([(subscription, plan)]),
                    existing: billed.map { ExistingLine($0, invoice: "A-0001") }, upTo: day)
                #expect(decision.isBilled == !lines.isEmpty)
                #expect(lines.allSatisfy { $0.dueOn == day })
                billed += lines
                since = day
                today = decision.nextActionOn
            }
            let all = try Invoicing.linesDue(
                for: Sample.account([(subscription, plan)]), existing: [], upTo: origin.adding(days: 799))
            #expect(Set(all) == Set(billed))
        }
    }
}
