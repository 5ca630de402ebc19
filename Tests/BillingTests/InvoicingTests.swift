import Billing
import Chance
import Dates
import Foundation
import JSONText
import Ledger
import Money
import Testing

@Suite struct InvoicingTests {
    private func due(
        _ account: BillingAccount, _ date: String, existing: [InvoiceLine] = []
    ) throws -> [InvoiceLine] {
        try Invoicing.linesDue(
            for: account, existing: existing.map { ExistingLine($0, invoice: "A-0001") }, upTo: Sample.date(date))
    }

    private func print(_ lines: [InvoiceLine]) -> [String] {
        lines.map {
            "\($0.kind.rawValue) \($0.code) \($0.period) \($0.factor.map { "\($0) " } ?? "")\($0.amount.minorUnits)"
        }
    }

    @Test func `every period that has begun by a back-dated start is billed at once`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let account = Sample.account([(try Sample.subscription("2011-09-01"), plan)])
        #expect(
            print(try due(account, "2011-10-03")) == [
                "recurring base [2011-09-01, 2011-10-01) 1000", "recurring base [2011-10-01, 2011-11-01) 1000",
            ])
    }

    @Test func `the part before the billing day is a fraction of the cycle that ends there`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let account = Sample.account([(try Sample.subscription("2011-09-01", billingDay: 15), plan)])
        #expect(
            print(try due(account, "2011-09-15")) == [
                "proration base [2011-09-01, 2011-09-15) 14/31 452", "recurring base [2011-09-15, 2011-10-15) 1000",
            ])
    }

    @Test func `units over those included are billed, at a price finer than a cent`() throws {
        let price = #"{"code": "seats", "model": "per_unit", "unit": "seat", "amount": "0.0525", "included": 50}"#
        let plan = try Sample.plan(prices: price)
        let account = Sample.account([(try Sample.subscription("2026-01-01", quantities: ["seat": 60]), plan)])
        let line = try #require(try due(account, "2026-01-01").first)
        #expect((line.amount.minorUnits, line.quantity) == (53, 60))
        #expect(line.explanation.description == "0.0525 x (60 - 50)")
        let free = Sample.account([(try Sample.subscription("2026-01-01", quantities: ["seat": 50]), plan)])
        #expect(try due(free, "2026-12-31").isEmpty)
    }

    @Test func `in arrears a period is billed when it has ended`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00", extra: #", "bill": "in_arrears""#))
        let account = Sample.account([(try Sample.subscription("2026-01-10", end: "2026-03-10"), plan)])
        #expect(try due(account, "2026-02-09").isEmpty)
        #expect(print(try due(account, "2026-02-10")) == ["recurring base [2026-01-10, 2026-02-10) 1000"])
        #expect(try due(account, "2027-01-01").count == 2)
    }

    @Test func `a trial bills nothing, and its end is the anchor`() throws {
        let plan = try Sample.plan(prices: Sample.flat("49.00"))
        let trialing = try Sample.subscription("2026-03-03", trialEnd: "2026-03-17", state: .trialing)
        #expect(try due(Sample.account([(trialing, plan)]), "2026-03-20").isEmpty)
        let active = try Sample.subscription("2026-03-03", trialEnd: "2026-03-17")
        #expect(
            print(try due(Sample.account([(active, plan)]), "2026-03-17")) == [
                "recurring base [2026-03-17, 2026-04-17) 4900"
            ])
    }

    @Test func `what has ended or is blocked is billed no further`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let ended = try Sample.subscription("2026-01-10", state: .cancelled, end: "2026-03-10")
        #expect(try due(Sample.account([(ended, plan)]), "2026-12-31").count == 2)
        let blocked = try Sample.subscription("2026-01-10", state: .suspended, blockedFrom: "2026-02-20")
        #expect(try due(Sample.account([(blocked, plan)]), "2026-12-31").count == 2)
    }

    @Test func `lines stand by kind, subscription, start and price in the plan`() throws {
        let plan = try Sample.plan(prices: Sample.flat("2.00", code: "z") + ", " + Sample.flat("3.00", code: "a"))
        let account = Sample.account([
            (try Sample.subscription("2026-01-05", id: 2), plan),
            (try Sample.subscription("2026-01-20", id: 3, billingDay: 5), plan),
            (try Sample.subscription("2026-01-05", id: 1), plan),
        ])
        let lines = try due(account, "2026-02-05")
        #expect(
            lines.map { "\($0.kind.rawValue) \($0.subscription) \($0.period.start.month) \($0.code)" } == [
                "proration 3 1 z", "proration 3 1 a", "recurring 1 1 z", "recurring 1 1 a", "recurring 1 2 z",
                "recurring 1 2 a", "recurring 2 1 z", "recurring 2 1 a", "recurring 2 2 z", "recurring 2 2 a",
                "recurring 3 2 z", "recurring 3 2 a",
            ])
    }

    @Test func `a billed line that ought to be another stops the customer and names both`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let dearer = try Sample.plan(prices: Sample.flat("11.00"))
        let subscription = try Sample.subscription("2026-01-10")
        let billed = try due(Sample.account([(subscription, plan)]), "2026-01-10")
        let fault = #expect(throws: BillingFault.self) {
            try due(Sample.account([(subscription, dearer)]), "2026-02-10", existing: billed)
        }
        #expect(
            fault?.description == "subscription 1, price base: invoice A-0001 bills 10.00 USD for "
                + "[2026-01-10, 2026-02-10); 11.00 USD for [2026-01-10, 2026-02-10) ought to be billed")
        #expect(throws: BillingFault.self) {
            try due(Sample.account([(subscription, plan)]), "2026-02-10", existing: billed + billed)
        }
        let moved = try Sample.subscription("2026-01-11")
        #expect(throws: BillingFault.self) {
            try due(Sample.account([(moved, plan)]), "2026-02-10", existing: billed)
        }
    }

    @Test func `a plan in another currency, or periods without end, are faults`() throws {
        let plan = try Sample.plan(interval: #"{"days": 1}"#, prices: Sample.flat("1.00"))
        let account = Sample.account([(try Sample.subscription("2000-01-01"), plan)])
        #expect(throws: BillingFault.tooManyPeriods(Subscription.ID(1), price: "base")) {
            try due(account, "2026-01-01")
        }
        #expect(throws: BillingFault.money(.currencyMismatch(.usd, .eur))) {
            try due(Sample.account([(try Sample.subscription("2026-01-01"), plan)], currency: .eur), "2026-01-01")
        }
    }

    @Test func `the lines of others are no concern of this account`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let other = try due(Sample.account([(try Sample.subscription("2025-01-01", id: 9), plan)]), "2026-01-01")
        let account = Sample.account([(try Sample.subscription("2026-01-01"), plan)])
        #expect(try due(account, "2026-01-01", existing: other).count == 1)
    }
}

/// Properties over made-up accounts; a failing case is named by its seed.
@Suite struct ReconciliationProperties {
    @Test(arguments: SeededGenerator.seeds)
    func `billing twice finds nothing, and days one by one give what one look gives`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<25 {
            let account = try Self.account(&random)
            let end = try Sample.date("2025-06-01")
            let whole = try Invoicing.linesDue(for: account, existing: [], upTo: end)
            #expect(try Invoicing.linesDue(for: account, existing: Self.existing(whole), upTo: end).isEmpty)

            var billed: [InvoiceLine] = []
            var date = try Sample.date("2023-12-01")
            while date < end {
                date = min(end, date.adding(days: .random(in: 1...90, using: &random)))
                let new = try Invoicing.linesDue(for: account, existing: Self.existing(billed), upTo: date)
                #expect(new.allSatisfy { $0.dueOn <= date })
                billed += new
                let earlier = date.adding(days: -.random(in: 0...400, using: &random))
                #expect(try Invoicing.linesDue(for: account, existing: Self.existing(billed), upTo: earlier).isEmpty)
            }
            #expect(Set(billed) == Set(whole))
            #expect(billed.count == whole.count)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `lines of one price never overlap, and each is worked out again from its explanation`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<25 {
            let account = try Self.account(&random)
            let lines = try Invoicing.linesDue(for: account, existing: [], upTo: Sample.date("2025-06-01"))
            for line in lines {
                #expect(try line.explanation.evaluate() == line.amount)
                let stored = try JSONNode(parsing: Array(line.explanation.json.text().utf8))
                #expect(try Explanation(reading: stored) == line.explanation)
                #expect(line.amount.isPositive)
                #expect((line.factor == nil) == (line.kind == .recurring))
            }
            for (_, ofPrice) in Dictionary(grouping: lines, by: { "\($0.subscription) \($0.code)" }) {
                let periods = ofPrice.map(\.period).sorted()
                for (period, next) in zip(periods, periods.dropFirst()) { #expect(period.end == next.start) }
            }
        }
    }

    @Test func `an explanation that was tampered with is refused`() throws {
        let plan = try Sample.plan(prices: Sample.flat("10.00"))
        let account = Sample.account([(try Sample.subscription("2011-09-01", billingDay: 15), plan)])
        let lines = try Invoicing.linesDue(for: account, existing: [], upTo: Sample.date("2011-09-01"))
        let line = try #require(lines.first)
        let text = line.explanation.json.text()
        #expect(text.contains("14000/31"))
        let forged = try JSONNode(parsing: Array(text.replacing("14000/31", with: "15000/31").utf8))
        #expect(throws: JSONFault.self) { try Explanation(reading: forged) }
    }

    private static func existing(_ lines: [InvoiceLine]) -> [ExistingLine] {
        lines.map { ExistingLine($0, invoice: "A-0001") }
    }

    private static func account(_ random: inout SeededGenerator) throws -> BillingAccount {
        let intervals = [#""month""#, #""quarter""#, #""year""#, #"{"weeks": 2}"#, #"{"days": 10}"#]
        let start = try Sample.date("2024-01-01")
        var items: [(Subscription, Plan)] = []
        for id in 1...Int64.random(in: 1...3, using: &random) {
            let interval = intervals.randomElement(using: &random) ?? "\"month\""
            let own = intervals.randomElement(using: &random) ?? "\"month\""
            let arrears = Bool.random(using: &random) ? #", "bill": "in_arrears""# : ""
            let cents = Int.random(in: 1...99_999, using: &random)
            let plan = try Sample.plan(
                interval: interval,
                prices: """
                    \(Sample.flat(Money(minorUnits: Int64(cents), .usd).decimal, extra: arrears)),
                    {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "3.3333", "interval": \(own)}
                    """)
            let first = start.adding(days: .random(in: 0..<366, using: &random))
            let hasTrial = Bool.random(using: &random)
            let ends = Bool.random(using: &random)
            items.append(
                (
                    Subscription(
                        id: Subscription.ID(id), customer: Customer.ID(7), start: first,
                        trialEnd: hasTrial ? first.adding(days: 14) : nil,
                        billingDay: Bool.random(using: &random) ? .random(in: 1...31, using: &random) : nil,
                        quantities: ["seat": Rational(Int.random(in: 1...40, using: &random))],
                        end: ends
                            ? Subscription.End(first.adding(days: .random(in: 20...400, using: &random)), .cancelled)
                            : nil),
                    plan
                ))
        }
        return Sample.account(items)
    }
}

@Suite struct InvoiceTests {
    private func draft() throws -> DraftInvoice {
        let plan = try Sample.plan(interval: "\"quarter\"", prices: Sample.flat("1000.00"))
        let account = Sample.account([(try Sample.subscription("2026-01-31"), plan)])
        let lines = try Invoicing.linesDue(for: account, existing: [], upTo: Sample.date("2026-01-31"))
        return try DraftInvoice(customer: Customer.ID(7), currency: .usd, lines: lines)
    }

    @Test func `finalising fixes number, date and due date`() throws {
        let invoice = try draft().finalising(number: "ACME-0001", on: Sample.date("2026-01-31"), netDays: 30)
        #expect(invoice.due.description == "2026-03-02")
        #expect([invoice.subtotal, invoice.tax, invoice.total].map(\.minorUnits) == [100_000, 0, 100_000])
    }

    @Test func `issue and payment are balanced entries`() throws {
        let date = try Sample.date("2026-01-31")
        let invoice = try draft().finalising(number: "ACME-0001", on: date, netDays: 0)
        let issue = try #require(try invoice.issueEntry())
        let payment = try Invoice.paymentEntry(reference: "payment/3", amount: invoice.total, on: date)
        let balance = try TrialBalance(of: [issue, payment], in: .usd)
        #expect(balance.nonZero.map(\.account) == [.cash, .deferredRevenue])
        #expect(balance[.cash].minorUnits == 100_000)
        #expect(issue.reference == "ACME-0001")
    }

    @Test func `an invoice without lines cannot be made`() {
        #expect(throws: BillingFault.emptyInvoice) {
            try DraftInvoice(customer: Customer.ID(7), currency: .usd, lines: [])
        }
    }

    @Test(arguments: [
        (InvoiceNumbering(), 1, "ACME-0001"), (InvoiceNumbering(prefix: "EU"), 2, "EU-ACME-0002"),
        (InvoiceNumbering(.seller), 12, "INV-0012"), (InvoiceNumbering(.seller, prefix: "EU"), 12_345, "EU-12345"),
    ])
    func `numbers run by customer or by seller, with four digits at least`(
        numbering: InvoiceNumbering, sequence: Int64, number: String
    ) {
        #expect(numbering.number(sequence, customer: "acme") == number)
    }

    @Test func `ids are written as plain numbers`() throws {
        #expect(Customer.ID(7).description == "7")
        #expect(
            try JSONDecoder().decode([Customer.ID].self, from: JSONEncoder().encode([Int64(7)])) == [Customer.ID(7)])
        #expect(Customer.ID(7) < Customer.ID(8))
    }
}
