import Billing
import Chance
import Dates
import Money
import Testing

@testable import Accounts

/// What parks a customer, what lets it go, and that a preview is what billing does.
@Suite struct BrakingTests {
    private static func at(_ date: String) throws -> Instant { TimeZoneRules.utc.instant(of: try Books.date(date)) }

    private static func flat(_ code: String, every interval: BillingInterval = .month, _ cents: Int64...) -> Plan {
        Sample.plan(
            code, every: interval,
            prices: cents.enumerated().map { Price(code: "p\($0)", model: .flat(amount: Books.cents($1))) })
    }

    private static func account(_ plans: Plan..., brakes: Brakes?) -> Account {
        Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(currency: .usd, brakes: brakes),
            catalogue: Catalogue(currency: .usd, plans: plans),
            arrangement: PaymentArrangement(method: .wire, netDays: 3650))
    }

    /// Moves on to a date and decides.
    private static func decide(_ account: inout Account, on date: String) throws -> BillingDecision {
        try account.advance(to: at(date))
        return try account.decideBilling(at: at(date))
    }

    /// As a job does: decides, and issues what is decided to be issued. Returns what holds it.
    private static func bill(_ account: inout Account, on date: String) throws -> Parking? {
        switch try decide(&account, on: date) {
        case .nothing: return nil
        case .hold(let parking): return parking
        case .issue(let draft):
            let number = account.nextNumber
            try account.issueDecided(draft, at: at(date)) { _ in number }
            return nil
        }
    }

    @Test(arguments: [(2, "subscription one has 3 lines on one invoice, more than 2"), (3, nil)])
    func `too many lines of one subscription are held`(most: Int, reason: String?) throws {
        var account = Self.account(Self.flat("wide", 100, 100, 100), brakes: Brakes(maximumLines: most))
        for code in ["one", "two"] {
            try account.perform(.subscribe(.init(code: code, plan: "wide")), at: Self.at("2026-01-01"))
        }
        #expect(try Self.bill(&account, on: "2026-01-01")?.reason == reason)
        #expect(account.invoices.isEmpty == (reason != nil))
    }

    @Test(arguments: [(30_000, false), (30_001, true)] as [(Int64, Bool)])
    func `a total above so many times the period before is held`(cents: Int64, isHeld: Bool) throws {
        var account = Self.account(
            Self.flat("small", 10_000), Self.flat("large", cents), brakes: Brakes(maximumGrowth: 3))
        try account.perform(.subscribe(.init(code: "one", plan: "small")), at: Self.at("2026-01-01"))
        #expect(try Self.bill(&account, on: "2026-01-01") == nil, "there is nothing to compare the first with")
        try account.perform(
            .changePlan(subscription: "one", plan: "large", .init(when: .periodEnd), effective: nil),
            at: Self.at("2026-01-15"))
        let parking = try Self.bill(&account, on: "2026-02-01")
        #expect((parking != nil) == isHeld)
        #expect(account.invoices.count == (isHeld ? 1 : 2))
        guard isHeld else { return }
        #expect(
            parking?.reason == "its total of 300.01 USD is more than 3 times the 100.00 USD of the period before")
        #expect(try account.wantsInvoice(at: Self.at("2026-02-01")) == false, "nobody need be told again")
    }

    @Test func `a plan that was free is nothing to compare with`() throws {
        var account = Self.account(Self.flat("free", 0), Self.flat("paid", 50_000), brakes: Brakes(maximumGrowth: 2))
        try account.perform(.subscribe(.init(code: "one", plan: "free")), at: Self.at("2026-01-01"))
        #expect(try Self.bill(&account, on: "2026-01-01") == nil)
        try account.perform(
            .changePlan(subscription: "one", plan: "paid", .init(when: .now), effective: nil), at: Self.at("2026-01-01")
        )
        #expect(try Self.bill(&account, on: "2026-01-01") == nil)
        #expect(account.invoices.map(\.total) == [Books.cents(50_000)])
    }

    @Test func `a year is compared with the year before, though months were billed since`() throws {
        var account = Self.account(
            Self.flat("yearly", every: .year, 120_000), Self.flat("monthly", 1000), brakes: Brakes(maximumGrowth: 2))
        for plan in ["yearly", "monthly"] {
            try account.perform(.subscribe(.init(code: plan, plan: plan)), at: Self.at("2026-01-01"))
        }
        var date = try Books.date("2026-01-01")
        let last = try Books.date("2027-01-01")
        while date <= last {
            #expect(try Self.bill(&account, on: "\(date)") == nil, "\(date)")
            date = date.adding(months: 1)
        }
        #expect(account.invoices.count == 13 && account.invoices[12].total == Books.cents(121_000))
    }

    @Test func `a release lets that one invoice go out, and what has changed since is held again`() throws {
        var account = Self.account(Self.flat("wide", 100, 100), brakes: Brakes(maximumLines: 1))
        #expect(throws: OperationFault(.illegalTransition, "customer acme is not parked")) {
            try account.perform(.release, at: Self.at("2026-01-01"))
        }
        try account.perform(.subscribe(.init(code: "one", plan: "wide")), at: Self.at("2026-01-01"))
        let parked = try #require(try Self.bill(&account, on: "2026-01-01"))
        #expect(parked.total == Books.cents(200))
        try account.perform(.release, at: Self.at("2026-01-02"))
        var late = account
        let again = try #require(try Self.bill(&late, on: "2026-02-01"), "two months are not what was released")
        #expect(again.total == Books.cents(400) && !again.isReleased)
        #expect(try Self.bill(&account, on: "2026-01-03") == nil)
        #expect(account.invoices.map(\.total) == [Books.cents(200)] && account.parking == nil)
        #expect(try Self.bill(&account, on: "2026-02-01") != nil, "the next one is looked at again")
    }

    @Test func `brakes that are taken off let go whom they held`() throws {
        var account = Self.account(Self.flat("wide", 100, 100), brakes: Brakes(maximumLines: 1))
        try account.perform(.subscribe(.init(code: "one", plan: "wide")), at: Self.at("2026-01-01"))
        #expect(try Self.bill(&account, on: "2026-01-01") != nil)
        var free = Self.account(Self.flat("wide", 100, 100), brakes: nil)
        free.restore(account)
        #expect(try free.wantsInvoice(at: Self.at("2026-01-02")))
        #expect(try Self.bill(&free, on: "2026-01-02") == nil)
        #expect(free.invoices.count == 1 && free.parking == nil)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `a preview is what billing day by day issues`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let intervals: [BillingInterval] = [.month, .weeks(2), .quarter, .days(10)]
        let plans = (0..<3).map { place in
            Sample.plan(
                "p\(place)", every: intervals.randomElement(using: &random) ?? .month,
                prices: (0...Int.random(in: 0...2, using: &random)).map {
                    Price(code: "c\($0)", model: .flat(amount: Books.cents(.random(in: 1...90_000, using: &random))))
                })
        }
        let brakes = Brakes(maximumLines: Int.random(in: 2...6, using: &random), maximumGrowth: 3)
        var account = Account(
            code: "acme", currency: .usd, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(currency: .usd, brakes: brakes),
            catalogue: Catalogue(currency: .usd, plans: plans), arrangement: PaymentArrangement(method: .wire))
        let start = try Books.date("2026-01-01")
        for place in 0..<3 {
            let first = start.adding(days: Int.random(in: 0...40, using: &random))
            try account.perform(
                .subscribe(.init(code: "s\(place)", plan: "p\(place)", start: first)),
                at: TimeZoneRules.utc.instant(of: start))
        }
        let end = start.adding(days: Int.random(in: 0...200, using: &random))
        let preview = try account.preview(
            from: TimeZoneRules.utc.instant(of: start), until: TimeZoneRules.utc.instant(of: end))
        var date = start
        var parking: Parking?
        while date <= end, parking == nil {
            parking = try Self.bill(&account, on: "\(date)")
            date = date.adding(days: 1)
        }
        #expect(preview.issues.map(\.draft.total) == account.invoices.map(\.total))
        #expect(preview.issues.map(\.draft.lines) == account.invoices.map(\.lines))
        #expect(preview.issues.map(\.date) == account.invoices.map(\.date))
        #expect(preview.parking == parking)
    }
}

extension Account {
    /// As another account stands.
    fileprivate mutating func restore(_ other: Account) {
        subscriptions = other.subscriptions
        invoices = other.invoices
        parking = other.parking
    }
}
