import Accounts
import Billing
import Dates
import JSONText
import Money
import Scenarios
import Testing

@Suite struct OperationReadingTests {
    private static func dollars(_ cents: Int64) -> Money { Money(minorUnits: cents, .usd) }

    private static func day(_ month: Int, _ day: Int) -> LocalDate {
        LocalDate.clamped(year: 2026, month: month, day: day)
    }

    /// The keys after `at`, and what they mean to the account of `acme`.
    private static let operations: [(String, Operation)] = [
        (
            #""do": "subscribe", "id": "s2", "customer": "acme", "plan": "p""#,
            .subscribe(Operation.Subscribe(code: "s2", plan: "p"))
        ),
        (
            #""do": "subscribe", "id": "s2", "customer": "acme", "plan": "p", "start": "2026-03-01", "billing_day": 15, "quantities": {"seat": 3, "desk": "2.5"}, "trial_days": 0, "coupons": ["a", "b"], "prices": {"base": "9.99", "seats": "0.0125", "other": "1"}, "term": {"months": 24, "renew": false}"#,
            .subscribe(
                Operation.Subscribe(
                    code: "s2", plan: "p", start: day(3, 1), billingDay: 15,
                    quantities: ["seat": 3, "desk": decimal(5, 2)], trialDays: 0, coupons: ["a", "b"],
                    prices: ["base": decimal(999, 100), "seats": decimal(125, 10_000), "other": 1],
                    term: Operation.Term(months: 24, renews: false)))
        ),
        (
            #""do": "subscribe", "id": "s2", "customer": "acme", "plan": "p", "align": "calendar", "term": {"months": 12}"#,
            .subscribe(
                Operation.Subscribe(code: "s2", plan: "p", align: .calendar, term: Operation.Term(months: 12)))
        ),
        (
            #""do": "change_plan", "subscription": "s1", "plan": "q""#,
            .changePlan(subscription: "s1", plan: "q", Operation.Timing(), effective: nil)
        ),
        (
            #""do": "change_plan", "subscription": "s1", "plan": "q", "when": "now", "invoice": "next", "effective": "2026-01-20""#,
            .changePlan(
                subscription: "s1", plan: "q", Operation.Timing(when: .now, invoice: .next), effective: day(1, 20))
        ),
        (
            #""do": "change_quantity", "subscription": "s1", "unit": "seat", "quantity": "7.5", "when": "period_end", "invoice": "none""#,
            .changeQuantity(
                subscription: "s1", unit: "seat", quantity: decimal(15, 2),
                Operation.Timing(when: .periodEnd, invoice: .none))
        ),
        (
            #""do": "add_price", "subscription": "s1", "price": {"code": "sso", "model": "flat", "amount": "50.00"}"#,
            .addPrice(
                subscription: "s1", Price(code: "sso", model: .flat(amount: dollars(5000))), Operation.Timing())
        ),
        (
            #""do": "remove_price", "subscription": "s1", "price": "sso""#,
            .removePrice(subscription: "s1", price: "sso", Operation.Timing())
        ),
        (
            #""do": "change_billing_day", "subscription": "s1", "day": 31"#,
            .changeBillingDay(of: .subscription("s1"), day: 31)
        ),
        (
            #""do": "change_billing_day", "customer": "acme", "day": 1"#, .changeBillingDay(of: .customer, day: 1)
        ),
        (
            #""do": "cancel", "subscription": "s1""#,
            .cancel(subscription: "s1", when: nil, unused: .credit, reason: nil)
        ),
        (
            #""do": "cancel", "subscription": "s1", "when": "now", "unused": "refund", "reason": "Moved.""#,
            .cancel(subscription: "s1", when: .now, unused: .refund, reason: "Moved.")
        ),
        (#""do": "pause", "subscription": "s1""#, .pause(subscription: "s1")),
        (#""do": "resume", "subscription": "s1""#, .resume(subscription: "s1")),
        (#""do": "reactivate", "subscription": "s1""#, .reactivate(subscription: "s1")),
        (
            #""do": "extend_trial", "subscription": "s1", "days": 7, "approved_by": "support""#,
            .extendTrial(subscription: "s1", days: 7, approvedBy: "support")
        ),
        (
            #""do": "usage", "customer": "acme", "metric": "calls", "id": "e1""#,
            .usage(UsageEvent(id: "e1", metric: "calls"))
        ),
        (
            #""do": "usage", "customer": "acme", "metric": "calls", "id": "e1", "quantity": "0.5", "event": {"user": "u1", "size": 1.50, "late": true}, "time": "2026-01-31""#,
            .usage(
                UsageEvent(
                    id: "e1", metric: "calls", quantity: decimal(1, 2),
                    properties: ["user": "u1", "size": "1.50", "late": "true"],
                    time: instant("2026-01-30T22:00:00Z")))
        ),
        (#""do": "credit", "customer": "acme", "amount": "12.50""#, .credit(dollars(1250))),
        (
            #""do": "use_coupon", "customer": "acme", "coupon": "ten""#, .useCoupon(subscription: nil, coupon: "ten")
        ),
        (
            #""do": "use_coupon", "subscription": "s1", "coupon": "ten""#,
            .useCoupon(subscription: "s1", coupon: "ten")
        ),
        (
            #""do": "set_payment", "customer": "acme", "method": "wire", "net_days": 30"#,
            .setPayment(PaymentArrangement(method: .wire, netDays: 30))
        ),
        (
            #""do": "set_address", "customer": "acme", "address": {"country": "US", "region": "CA", "postal_code": "94110"}"#,
            .setAddress(Customer.Address(country: "US", region: "CA", postalCode: "94110"))
        ),
        (
            #""do": "credit_note", "invoice": {"customer": "acme", "nth": 2}, "lines": [{"code": "base", "amount": "5.00"}], "as": "refund""#,
            .creditNote(
                invoice: 2, .lines([Operation.NoteLine(code: "base", amount: dollars(500))]), as: .refund)
        ),
        (
            #""do": "credit_note", "invoice": {"customer": "acme", "nth": 2}, "amount": "5.00""#,
            .creditNote(invoice: 2, .amount(dollars(500)), as: .credit)
        ),
        (#""do": "pay", "invoice": {"customer": "acme", "nth": 1}"#, .pay(invoice: 1, amount: nil)),
        (
            #""do": "pay", "invoice": {"customer": "acme", "nth": 1}, "amount": "3.00""#,
            .pay(invoice: 1, amount: dollars(300))
        ),
        (
            #""do": "refund", "invoice": {"customer": "acme", "nth": 1}, "amount": "3.00""#,
            .refund(invoice: 1, amount: dollars(300))
        ),
        (#""do": "chargeback", "invoice": {"customer": "acme", "nth": 3}"#, .chargeback(invoice: 3, amount: nil)),
        (
            #""do": "chargeback_reversed", "invoice": {"customer": "acme", "nth": 3}"#,
            .chargebackReversed(invoice: 3)
        ),
        (#""do": "void", "invoice": {"customer": "acme", "nth": 3}"#, .void(invoice: 3)),
        (#""do": "write_off", "invoice": {"customer": "acme", "nth": 3}"#, .writeOff(invoice: 3)),
        (
            #""do": "invoice", "customer": "acme", "lines": [{"code": "work", "amount": "100.00", "description": "A day.", "obligation": {"standalone": "90.00", "period": ["2026-01-01", "2026-02-01"]}}, {"code": "rebate", "amount": "-1.00"}]"#,
            .invoice([
                Operation.OneOffLine(
                    code: "work", amount: dollars(10_000), description: "A day.",
                    obligation: Obligation(
                        standalone: dollars(9000), period: Period(start: day(1, 1), end: day(2, 1)))),
                Operation.OneOffLine(code: "rebate", amount: dollars(-100)),
            ])
        ),
        (#""do": "override", "customer": "acme", "dunning": "pause""#, .overrideDunning(.pause)),
        (#""do": "override", "customer": "acme", "dunning": "resume""#, .overrideDunning(.resume)),
        (
            #""do": "override", "customer": "acme", "dunning": "extend_grace", "days": 3"#,
            .overrideDunning(.extendGrace(days: 3))
        ),
    ]

    private static func decimal(_ numerator: Int128, _ denominator: Int128) -> Rational {
        (try? Rational(numerator, over: denominator)) ?? .zero
    }

    private static func instant(_ text: String) -> Instant? { try? Instant(parsing: text) }

    @Test(arguments: operations)
    func `an operation is read with its customer`(text: String, operation: Operation) throws {
        let timed = try Sample.operation(#"{"at": "2026-02-01T10:00:00Z", \#(text)}"#)
        #expect(timed.act == .customer("acme", operation))
        #expect(timed.at.description == "2026-02-01T10:00:00Z")
        #expect(timed.line == 10)
        #expect(text.contains(#""do": "\#(timed.do)""#))
    }

    @Test(arguments: operations.map(\.1))
    func `what is written of an operation is read as that operation`(operation: Operation) throws {
        guard case .object(let words) = try operation.json(customer: "acme", in: .usd) else {
            Issue.record("\(operation) is written as no object")
            return
        }
        let timed = try Sample.operation(JSONValue.object([.init("at", "2026-02-01T10:00:00Z")] + words).text())
        #expect(timed.act == .customer("acme", operation))
    }

    @Test func `all billing up to a day is nobody's own`() throws {
        let timed = try Sample.operation(#"{"at": "2026-02-01", "do": "bill", "date": "2026-01-31"}"#)
        #expect(timed.act == .bill(Self.day(1, 31)))
        #expect(timed.at.description == "2026-01-31T22:00:00Z")
    }

    @Test(arguments: [
        (
            #""price": "base", "amount": "15.00", "move_existing": true"#, PricePublication.Cost.amount(1500),
            Price?.some(
                Price(
                    code: "base", model: .flat(amount: dollars(1500)), effectiveFrom: day(3, 1),
                    movesExistingFrom: day(3, 1)))
        ),
        (
            #""price": "seats", "amount": "0.005""#, .amount(decimal(1, 2)),
            Price(
                code: "seats", model: .perUnit(unit: "seat", amount: decimal(1, 2), included: .zero),
                effectiveFrom: day(3, 1))
        ),
        (
            #""price": "tiered", "tiers": [{"up_to": null, "unit_amount": "2.00"}]"#,
            .tiers([PriceModel.Tier(upTo: nil, unitAmount: 200)]),
            Price(
                code: "tiered",
                model: .volume(.metric("calls"), tiers: [PriceModel.Tier(upTo: nil, unitAmount: 200)]),
                effectiveFrom: day(3, 1))
        ),
        (#""price": "nowhere", "amount": "1.00""#, .amount(100), nil),
    ])
    func `a published price is the next version of the one before`(
        text: String, cost: PricePublication.Cost, version: Price?
    ) throws {
        let scenario = try Sample.read(
            Sample.file(
                #"{"at": "2026-02-01", "do": "publish_price", "plan": "p", \#(text), "effective_from": "2026-03-01"}"#))
        guard case .publishPrice(let publication) = scenario.timeline[0].act else {
            Issue.record("no publication")
            return
        }
        #expect(publication.cost == cost)
        let before = scenario.catalogue[plan: "p"]?.prices.first { $0.code == publication.price }
        #expect(before.flatMap { publication.version(after: $0, in: .usd) } == version)
    }

    @Test func `half a cent is no flat price's version, and an amount none of tiers`() throws {
        let publication = try #require(
            try Sample.read(
                Sample.file(
                    #"{"at": "2026-02-01", "do": "publish_price", "plan": "p", "price": "x", "amount": "0.005", "effective_from": "2026-03-01"}"#
                )
            ).timeline.first)
        guard case .publishPrice(let publication) = publication.act else { return }
        #expect(publication.version(after: Price(code: "x", model: .flat(amount: .zero(.usd))), in: .usd) == nil)
        #expect(publication.version(after: Price(code: "x", model: .volume(.unit("a"), tiers: [])), in: .usd) == nil)
        let percentage = PriceModel.percentage(metric: "calls", percent: 1, fixed: .zero)
        #expect(publication.version(after: Price(code: "x", model: percentage), in: .usd) == nil)
    }

    @Test func `a new payment comes with its own outcomes`() throws {
        let timed = try Sample.operation(
            #"{"at": "2026-02-01", "do": "set_payment", "customer": "york", "method": "card", "outcomes": ["lost_card", "success"]}"#
        )
        #expect(timed.outcomes == [.lostCard, .success])
        #expect(timed.act == .customer("york", .setPayment(PaymentArrangement(method: .card))))
        // Midnight in New York.
        #expect(timed.at.description == "2026-02-01T05:00:00Z")
    }

    @Test(arguments: [
        #""do": "pause", "subscription": "s9""#, #""do": "credit", "customer": "nobody", "amount": "1.00""#,
        #""do": "pay", "invoice": {"customer": "nobody", "nth": 1}"#,
        #""do": "change_plan", "subscription": "s9", "plan": "p""#,
    ])
    func `what nobody in the file owns is read, to be refused later, on the seller's clock`(text: String) throws {
        let timed = try Sample.operation(#"{"at": "2026-02-01", \#(text)}"#)
        guard case .customer(let customer, _) = timed.act else {
            Issue.record("not a customer's: \(timed.act)")
            return
        }
        #expect(customer == nil)
        #expect(timed.at.description == "2026-01-31T22:00:00Z")
    }

    @Test func `what names a subscription is of who subscribed it first, in their currency and time`() throws {
        let scenario = try Sample.read(
            """
            {"scenario": "x", "settings": {"currency": "EUR"}, "catalog": {"plans": []},
             "customers": [{"id": "a", "time_zone": "Africa/Maputo"}, {"id": "b"}],
             "timeline": [
              {"at": "2026-01-03", "do": "pause", "subscription": "s"},
              {"at": "2026-01-01", "do": "subscribe", "id": "s", "customer": "a", "plan": "p"},
              {"at": "2026-01-02", "do": "subscribe", "id": "s", "customer": "b", "plan": "p"}]}
            """)
        #expect(scenario.timeline.map(\.index) == [1, 2, 0])
        #expect(scenario.timeline[2].act == .customer("a", .pause(subscription: "s")))
        #expect(scenario.timeline[2].at.description == "2026-01-02T22:00:00Z")
    }
}
