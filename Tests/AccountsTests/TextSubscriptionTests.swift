import Billing
import Chance
import Dates
import JSONText
import Money
import Testing

@testable import Accounts

/// Plans by the ids under which they were sold.
private struct SoldPlans {
    let plans: [Int64: Plan]

    init(_ samples: inout TextSamples) throws {
        var plans: [Int64: Plan] = [:]
        for id in Int64(11)...14 { plans[id] = try samples.plan("p\(id)") }
        self.plans = plans
    }

    func id(_ plan: Plan) throws -> Int64 {
        guard let found = plans.first(where: { $0.value == plan }) else { throw MoneyFault.noShares }
        return found.key
    }

    func any(_ samples: inout TextSamples) throws -> Plan {
        guard let plan = plans[Int64(samples.count(11...14))] else { throw MoneyFault.noShares }
        return plan
    }
}

extension TextSamples {
    fileprivate mutating func change(_ sold: SoldPlans) throws -> Change.Kind {
        switch count(0...8) {
        case 0: .plan(try sold.any(&self))
        case 1: .quantity(unit: code(), try number())
        case 2: .addPrice(try price())
        case 3: .removePrice(code())
        case 4: .billingDay(count(1...31))
        case 5: .block(givesBack: bool())
        case 6: .unblock
        case 7: .end(givesBack: bool())
        default: .restart
        }
    }

    fileprivate mutating func pending(_ sold: SoldPlans) throws -> PendingChange {
        let kind: PendingChange.Kind =
            bool()
            ? .cancel(pick(Operation.Unused.self), reason: maybe { _ in "too \"dear\"\n" }) : .change(try change(sold))
        return PendingChange(kind, on: date())
    }

    fileprivate mutating func subscription(_ sold: SoldPlans) throws -> Subscription {
        Subscription(
            code: code(), ordinal: count(), start: date(), billingDay: maybe { $0.count(1...31) },
            align: pick(Operation.Alignment.self), trialEnd: maybe { $0.date() }, state: pick(SubscriptionState.self),
            history: some {
                Subscription.Transition(
                    at: $0.instant(), to: $0.pick(SubscriptionState.self), cause: $0.pick(SubscriptionState.Cause.self))
            },
            changes: try some {
                Change(try $0.change(sold), effective: $0.moment(), recorded: $0.instant(), waits: $0.bool())
            },
            pending: try some { try $0.pending(sold) },
            term: maybe { Subscription.Term(months: $0.count(1...60), renews: $0.bool(), end: $0.date()) },
            soldMonths: maybe { $0.count(1...60) }, plan: try sold.any(&self), dealPrices: Set(some { $0.code() }),
            end: maybe { Subscription.End(date: $0.date()) },
            given: Set(some { $0.date() }),
            cancellations: some {
                Cancellation(
                    at: $0.instant(), reason: $0.maybe { $0.code() }, comment: $0.maybe { _ in "too \"dear\"\n" },
                    monthlyValue: $0.money(), withdrawnAt: $0.maybe { $0.instant() }, tookOffer: $0.bool())
            })
    }
}

@Suite struct TextSubscriptionTests {
    @Test(arguments: SeededGenerator.seeds)
    func `a subscription that was stored is read back as it was`(seed: UInt64) throws {
        var samples = TextSamples(random: SeededGenerator(seed: seed), currency: .usd)
        let sold = try SoldPlans(&samples)
        for _ in 0..<100 {
            let subscription = try samples.subscription(sold)
            let node = try stored(subscription.json(planID: sold.id))
            var asked: Set<Int64> = []
            let read = try Subscription(
                reading: node, code: subscription.code, ordinal: subscription.ordinal, start: subscription.start,
                state: subscription.state, history: subscription.history, currency: .usd
            ) {
                asked.insert($0)
                return sold.plans[$0]
            }
            #expect(read == subscription)
            #expect(try Subscription.planIDs(in: node) == asked)
        }
    }

    @Test func `the stored form stays as it is`() throws {
        let day = try LocalDate(parsing: "2026-01-15")
        let at = try Instant(parsing: "2026-01-15T09:30:00Z")
        let plan = Plan(code: "pro", name: "Pro", currency: .usd, interval: .month, prices: [])
        let price = Price(code: "sms", model: .flat(amount: Money(minorUnits: 500, .usd)))
        let kinds: [Change.Kind] = [
            .plan(plan), .quantity(unit: "seat", 7), .addPrice(price), .removePrice("sms"), .billingDay(31),
            .block(givesBack: true), .unblock, .end(givesBack: false), .restart,
        ]
        let subscription = Subscription(
            code: "s1", ordinal: 0, start: day, billingDay: 15, align: .anniversary, trialEnd: day, state: .active,
            history: [],
            changes: kinds.enumerated().map { index, kind in
                Change(
                    kind, effective: Moment(date: day, second: index == 1 ? at.seconds : 0), recorded: at,
                    waits: index == 1)
            },
            pending: [
                PendingChange(.cancel(.credit, reason: "moved"), on: day), PendingChange(.change(.unblock), on: day),
            ], term: Subscription.Term(months: 12, renews: true, end: day), soldMonths: 24, plan: plan,
            dealPrices: ["b", "a"],
            end: Subscription.End(date: day), given: [day])
        #expect(
            try subscription.json { _ in 17 }.text()
                == #"{"plan":17,"align":"anniversary","billing_day":15,"trial_end":"2026-01-15","changes":["#
                + #"{"change":{"plan":17},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":{"quantity":{"unit":"seat","quantity":"7"}},"effective":{"date":"2026-01-15","at":"2026-01-15T09:30:00Z"},"recorded":"2026-01-15T09:30:00Z","waits":true},"#
                + #"{"change":{"add_price":{"code":"sms","model":"flat","amount":"5.00"}},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":{"remove_price":"sms"},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":{"billing_day":31},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":{"block":{"gives_back":true}},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":"unblock","effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":{"end":{"gives_back":false}},"effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"},"#
                + #"{"change":"restart","effective":"2026-01-15","recorded":"2026-01-15T09:30:00Z"}],"#
                + #""pending":[{"change":{"cancel":{"unused":"credit","reason":"moved"}},"on":"2026-01-15"},{"change":"unblock","on":"2026-01-15"}],"#
                + #""term":{"months":12,"renews":true,"end":"2026-01-15"},"sold_months":24,"deal_prices":["a","b"],"#
                + #""end":{"date":"2026-01-15"},"given":["2026-01-15"]}"#)
    }

    @Test func `a plan that is not there is a fault, not a guess`() throws {
        let node = try JSONNode(parsing: Array(#"{"plan": 9, "align": "calendar", "changes": []}"#.utf8))
        let error = #expect(throws: JSONFault.self) {
            try Subscription(
                reading: node, code: "s", ordinal: 0, start: .earliest, state: .active, history: [], currency: .usd
            ) { _ in nil }
        }
        #expect(error?.description == "line 1: plan: no plan has the id 9")
    }
}
