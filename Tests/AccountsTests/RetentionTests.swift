import Accounts
import Billing
import Dates
import Money
import Testing

/// What a seller asks of customers who go, and does to keep them or to have them back.
@Suite struct RetentionTests {
    private static let catalogue = """
        {"currency": "USD", "metrics": [{"code": "calls", "aggregation": "sum"}],
         "plans": [
           {"code": "pro", "prices": [{"code": "base", "model": "flat", "amount": "40.00"},
             {"code": "use", "model": "usage", "metric": "calls", "unit_amount": "1.00"},
             {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "1.00"}],
            "trial_limits": {"calls": 10, "seat": 2, "export": 0, "sites": 3},
            "entitlements": {"export": true, "sites": 5, "support": "mail"}},
           {"code": "old", "retired_from": "2026-03-01", "retention_offer": "once",
            "prices": [{"code": "base", "model": "flat", "amount": "20.00"}]}],
         "coupons": [{"code": "stay", "percent": "50", "duration": "forever"},
           {"code": "once", "percent": "10", "limit": 1, "expires": "2026-06-01"}]}
        """

    private static func at(_ text: String) throws -> Instant {
        text.contains("T") ? try Instant(parsing: text) : TimeZoneRules.utc.instant(of: try LocalDate(parsing: text))
    }

    private static func account(
        _ retention: Retention = Retention(), reminders: Reminders = Reminders()
    ) throws -> Account {
        let catalogue = try Catalogue.read(Array(catalogue.utf8), name: "test.json")
        return Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(currency: .usd, reminders: reminders, retention: retention),
            catalogue: catalogue, email: "acme@example.com", arrangement: PaymentArrangement(method: .card))
    }

    private static func subscribed(
        _ retention: Retention = Retention(), plan: String = "pro"
    ) throws -> Account {
        var account = try account(retention)
        try account.perform(.subscribe(.init(code: "s", plan: plan)), at: at("2026-01-01"))
        return account
    }

    private static func cancel(
        _ when: Accounts.Operation.When? = nil, reason: String? = nil, comment: String? = nil
    ) -> Accounts.Operation {
        .cancel(subscription: "s", when: when, unused: .none, reason: reason, comment: comment)
    }

    private func code(_ body: () throws -> Void) throws -> OperationFault.Code? {
        do { try body() } catch let fault as OperationFault { return fault.code }
        return nil
    }

    @Test func `a cancellation keeps why it was asked for and what is lost, and whether it was withdrawn`() throws {
        var account = try Self.subscribed()
        let (first, second) = (try Self.at("2026-01-10T09:00:00Z"), try Self.at("2026-01-11T09:00:00Z"))
        try account.perform(Self.cancel(reason: "dear", comment: "Too dear."), at: first)
        // A newer one takes its place.
        try account.perform(Self.cancel(reason: "moved"), at: second)
        let value = Money(minorUnits: 4100, .usd)
        #expect(
            account.subscriptions[0].cancellations
                == [Cancellation(at: second, reason: "moved", comment: nil, monthlyValue: value)])
        try account.perform(.resume(subscription: "s"), at: second)
        #expect(account.subscriptions[0].cancellations.map(\.withdrawnAt) == [second])
        try account.perform(Self.cancel(.now), at: second)
        #expect(account.subscriptions[0].cancellations.map(\.withdrawnAt) == [second, nil])
    }

    @Test func `a seller who lists reasons takes no others`() throws {
        var account = try Self.subscribed(Retention(reasons: ["dear", "moved"]))
        let now = try Self.at("2026-01-10")
        #expect(try code { try account.perform(Self.cancel(reason: "bored"), at: now) } == .notFound)
        #expect(account.subscriptions[0].cancellations.isEmpty && !account.subscriptions[0].isAboutToEnd)
        try account.perform(Self.cancel(reason: "dear"), at: now)
        #expect(account.subscriptions[0].isAboutToEnd)
    }

    @Test func `what is offered is taken once, in place of a cancellation that waits`() throws {
        var account = try Self.subscribed(Retention(offer: "stay"))
        let now = try Self.at("2026-01-10")
        let accept = Accounts.Operation.acceptOffer(subscription: "s", coupon: "stay")
        #expect(try code { try account.perform(accept, at: now) } == .illegalTransition)
        try account.perform(Self.cancel(), at: now)
        #expect(account.retentionOffer(for: "s", at: now)?.code == "stay")
        let other = Accounts.Operation.acceptOffer(subscription: "s", coupon: "once")
        #expect(try code { try account.perform(other, at: now) } == .notFound)
        try account.perform(accept, at: now)
        #expect(!account.subscriptions[0].isAboutToEnd && account.coupons.map(\.coupon.code) == ["stay"])
        #expect(account.subscriptions[0].cancellations.map(\.tookOffer) == [true])
        try account.perform(Self.cancel(), at: now)
        #expect(account.retentionOffer(for: "s", at: now) == nil)
        #expect(try code { try account.perform(accept, at: now) } == .notFound)
    }

    @Test func `a plan's own offer goes before the seller's, and holds as long as its coupon is to be had`() throws {
        var account = try Self.subscribed(Retention(offer: "stay"), plan: "old")
        let now = try Self.at("2026-01-10")
        try account.perform(Self.cancel(), at: now)
        #expect(account.retentionOffer(for: "s", at: now)?.code == "once")
        #expect(account.retentionOffer(for: "s", at: try Self.at("2026-06-01")) == nil)
        let accept = Accounts.Operation.acceptOffer(subscription: "s", coupon: "once")
        let fault = try code {
            try account.perform(accept, at: now, among: Surroundings(redemptions: ["once": 1]))
        }
        #expect(fault == .couponExhausted && account.subscriptions[0].isAboutToEnd)
    }

    /// When each mail was written, by the date.
    private func invitations(_ account: Account, until end: String) throws -> [LocalDate] {
        var account = account
        var now = try Self.at("2026-01-01")
        while let next = try account.nextDue(after: now), next <= (try Self.at(end)) {
            now = next
            try account.advance(to: now)
        }
        return account.mails.filter { $0.template == .winBack }.map { account.calendar.date(of: $0.at) }
    }

    @Test func `who has nothing any more is invited back once, so many days after the end`() throws {
        let retention = Retention(winBack: Retention.WinBack(days: 30, coupon: "stay"))
        var account = try Self.subscribed(retention)
        try account.perform(Self.cancel(.now), at: try Self.at("2026-01-05"))
        #expect(try invitations(account, until: "2027-01-01") == [try LocalDate(parsing: "2026-02-04")])

        var again = account
        try again.perform(.subscribe(.init(code: "t", plan: "pro")), at: try Self.at("2026-01-20"))
        #expect(try invitations(again, until: "2027-01-01") == [], "it has something again")

        var late = account
        try late.advance(to: try Self.at("2026-03-01"))
        #expect(!late.mails.contains { $0.template == .winBack }, "nobody looked in time")

        var unset = try Self.subscribed()
        try unset.perform(Self.cancel(.now), at: try Self.at("2026-01-05"))
        #expect(try invitations(unset, until: "2027-01-01") == [])

        var unbegun = try Self.account(retention)
        try unbegun.perform(
            .subscribe(.init(code: "s", plan: "pro", start: try LocalDate(parsing: "2026-03-01"))),
            at: try Self.at("2026-01-01"))
        try unbegun.perform(Self.cancel(), at: try Self.at("2026-01-05"))
        #expect(try invitations(unbegun, until: "2027-01-01") == [], "it never had anything")
    }

    @Test(arguments: [(30, 3, "2026-01-12"), (60, 0, nil)] as [(Int, Int, String?)])
    func `the ends of terms and trials are announced as many days before as the seller wants`(
        termDays: Int, trialDays: Int, trial: String?
    ) throws {
        var account = try Self.account(reminders: Reminders(trialDays: trialDays, termDays: termDays))
        var now = try Self.at("2026-01-01")
        let terms = Accounts.Operation.Term(months: 11, renews: false)
        try account.perform(.subscribe(.init(code: "s", plan: "pro", trialDays: 14, term: terms)), at: now)
        let end = try #require(account.subscriptions[0].term?.end)
        #expect(end == (try LocalDate(parsing: "2026-12-15")))
        while let next = try account.nextDue(after: now) {
            now = next
            try account.advance(to: now)
        }
        func dates(_ template: Mail.Template) -> [String] {
            account.mails.filter { $0.template == template }.map { "\(account.calendar.date(of: $0.at))" }
        }
        #expect(dates(.renewalReminder) == ["\(end.adding(days: -termDays))"])
        #expect(dates(.trialEnding) == (trial.map { [$0] } ?? []))
    }

    @Test func `a retired plan is taken by nobody from its day on, and kept by who has it`() throws {
        var account = try Self.subscribed(plan: "old")
        let now = try Self.at("2026-03-01")
        try account.advance(to: now)
        try account.perform(.subscribe(.init(code: "t", plan: "pro")), at: now)
        #expect(try code { try account.perform(.subscribe(.init(code: "u", plan: "old")), at: now) } == .notFound)
        let change = Accounts.Operation.changePlan(subscription: "t", plan: "old", .init(), effective: nil)
        #expect(try code { try account.perform(change, at: now) } == .notFound)
        let late = Accounts.Operation.Subscribe(code: "v", plan: "old", start: try LocalDate(parsing: "2026-02-28"))
        #expect(try code { try account.perform(.subscribe(late), at: now) } == nil, "it began before")
        let draft = try #require(try account.draft(at: now))
        #expect(
            draft.lines.contains {
                $0.subscription == "s" && $0.period?.start == (try? LocalDate(parsing: "2026-03-01"))
            })
    }

    @Test func `a trial is used up to its limits, and after it they hold no more`() throws {
        var account = try Self.account()
        let now = try Self.at("2026-01-01T10:00:00Z")
        func use(_ id: String, _ quantity: Rational) -> Accounts.Operation {
            .usage(UsageEvent(id: id, metric: "calls", quantity: quantity))
        }
        let many = Accounts.Operation.Subscribe(code: "s", plan: "pro", quantities: ["seat": 3], trialDays: 14)
        #expect(try code { try account.perform(.subscribe(many), at: now) } == .quotaExceeded)
        try account.perform(.subscribe(.init(code: "s", plan: "pro", trialDays: 14)), at: now)
        let more = Accounts.Operation.changeQuantity(subscription: "s", unit: "seat", quantity: 3, .init())
        #expect(try code { try account.perform(more, at: now) } == .quotaExceeded)
        try account.perform(use("a", 8), at: now)
        #expect(try code { try account.perform(use("b", 3), at: now) } == .quotaExceeded)
        #expect(
            try account.trialUses(of: account.subscriptions[0], at: now) == [
                TrialUse(subject: "calls", used: 8, maximum: 10), TrialUse(subject: "seat", used: 1, maximum: 2),
            ])
        let plan = account.subscriptions[0].plan
        #expect(plan.entitlements(inTrial: true).map(\.value) == [.granted(false), .number(3), .text("mail")])
        #expect(plan.entitlements(inTrial: false).map(\.value) == [.granted(true), .number(5), .text("mail")])

        let later = try Self.at("2026-01-15T10:00:00Z")
        try account.advance(to: later)
        try account.perform(use("b", 300), at: later)
        try account.perform(more, at: later)
        #expect(try account.trialUses(of: account.subscriptions[0], at: later) == [])
    }

    @Test func `what fell due before an operation is found, and what falls due with it is not`() throws {
        var account = try Self.subscribed()
        let first = try Self.at("2026-01-01")
        let number = account.nextNumber
        _ = try account.invoice(at: first) { _ in number }
        #expect(account.catchUp(before: try Self.at("2026-02-01")) == nil)
        let draft = try #require(account.catchUp(before: try Self.at("2026-02-03T10:00:00Z")))
        try account.issueLate(draft, before: try Self.at("2026-02-03T10:00:00Z"), number: account.nextNumber)
        #expect(account.invoices.map { "\($0.date)" } == ["2026-01-01", "2026-02-03"])
        #expect(account.catchUp(before: try Self.at("2026-02-03T10:00:00Z")) == nil)
    }
}
