import Accounts
import Billing
import BillingPorts
import BooksStore
import Chance
import Dates
import Money
import QueueStore
import TestSupport
import Testing

/// Whatever happens to an account, the books give back what was put into them.
@Suite(.books, .timeLimit(.minutes(15)))
struct AccountRoundTripTests {
    private static let catalogue = """
        {"seller": {"code": "seller", "name": "Seller", "time_zone": "America/New_York", "currency": "USD"},
         "metrics": [{"code": "calls", "aggregation": "sum"},
                     {"code": "users", "aggregation": "unique", "field": "user"}],
         "plans": [
            {"code": "small", "interval": "month", "trial_days": 7, "prices": [
                {"code": "base", "model": "flat", "amount": "30.00"},
                {"code": "seats", "model": "per_unit", "unit": "seat", "amount": "7.50"}],
             "discounts": [{"code": "loyal", "percent": "5", "min_term_months": 6}]},
            {"code": "large", "interval": "month", "minimum": "120.00", "prices": [
                {"code": "base", "model": "flat", "amount": "90.00"},
                {"code": "setup", "model": "one_time", "amount": "15.00"},
                {"code": "seats", "model": "graduated", "unit": "seat", "bill": "in_arrears", "tiers": [
                    {"up_to": 5, "unit_amount": "8.00"}, {"up_to": null, "unit_amount": "6.00"}]}]},
            {"code": "metered", "interval": {"weeks": 2}, "prices": [
                {"code": "calls", "model": "usage", "metric": "calls", "unit_amount": "0.015", "included": 100},
                {"code": "users", "model": "volume", "metric": "users", "tiers": [
                    {"up_to": 3, "unit_amount": "2.00"}, {"up_to": null, "unit_amount": "1.00"}]}],
             "limits": {"calls": 900}},
            {"code": "yearly", "interval": "year", "prices": [
                {"code": "base", "model": "flat", "amount": "300.00"},
                {"code": "calls", "model": "usage", "metric": "calls", "unit_amount": "0.02", "interval": "month"}]}],
         "coupons": [{"code": "ten", "percent": "10", "duration": {"periods": 3}},
                     {"code": "five", "amount": "5.00", "duration": "forever", "applies_to": ["base"]},
                     {"code": "longer", "trial_days": 10}]}
        """

    private static func settings(using random: inout SeededGenerator) -> BillingSettings {
        var settings = BillingSettings(currency: .usd)
        settings.proration = Proration(
            unit: Proration.Unit.allCases.randomElement(using: &random) ?? .day,
            credit: Proration.CreditBasis.allCases.randomElement(using: &random) ?? .full)
        settings.netDays = [0, 0, 14].randomElement(using: &random) ?? 0
        settings.numbering = InvoiceNumbering(.customer, prefix: Bool.random(using: &random) ? "EU" : nil)
        settings.dunning = Dunning(final: Bool.random(using: &random) ? .suspend : .cancel)
        settings.taxRates = [
            TaxRate(country: "US", percent: 5), TaxRate(country: "US", region: "CA", percent: 7),
        ]
        return settings
    }

    @Test(arguments: Array(1...16) as [UInt64])
    func `an account reads back as it was written, after every step`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let settings = Self.settings(using: &random)
        let zone = ["America/Los_Angeles", "Asia/Kolkata", "UTC"].randomElement(using: &random) ?? "UTC"
        let arrangement = PaymentArrangement(method: .card)
        try await BooksFixture.with(catalogue: Self.catalogue, settings: settings) { books in
            _ = try await books.loader.loadCustomers(
                [
                    NewCustomer(
                        code: "acme", name: "Acme", email: "acme@practice.example", timeZone: zone,
                        arrangement: arrangement)
                ], of: books.seller, now: books.start)
            let key = try #require(try await books.customers().first)
            let catalogue = books.catalogue
            var mirror = Account(
                code: "acme", currency: .usd, zone: try Zones().rules(zone),
                sellerZone: try Zones().rules("America/New_York"), settings: settings,
                catalogue: Catalogue(
                    currency: .usd, plans: catalogue.plans, metrics: catalogue.metrics, coupons: catalogue.coupons),
                email: "acme@practice.example", arrangement: arrangement)
            var now = books.start
            for _ in 0..<80 {
                now = now + .seconds(Int64.random(in: 60...(9 * 86_400), using: &random))
                let step = try RandomStep.random(of: mirror, using: &random)
                var after = mirror
                do { try step.act(&after, now) } catch is OperationFault { continue }
                mirror = after
                try await books.change([key], at: now) { [now] account in try step.act(&account, now) }
                let stored = try #require(
                    try await BooksInspection(books.pool, books.context).allAccounts(of: books.seller).first)
                try expectSame(stored.account, mirror, after: step.name)
            }
            #expect(mirror.invoices.count > 1)
            let summary = try await BooksSummary.read(books.pool)
            #expect(summary.violations == [])
        }
    }

    private func expectSame(_ stored: Account, _ kept: Account, after step: String) throws {
        func same<Value: Equatable>(_ part: KeyPath<Account, Value>, _ name: String) throws {
            try #require(stored[keyPath: part] == kept[keyPath: part], "\(name) after \(step)")
        }
        try same(\.subscriptions, "subscriptions")
        try same(\.invoices, "invoices")
        try same(\.notes, "notes")
        try same(\.usage, "usage")
        try same(\.coupons, "coupons")
        try same(\.attempts, "attempts")
        try same(\.credit, "credit")
        try same(\.arrangement, "arrangement")
        try same(\.address, "address")
        try same(\.billingDay, "billing day")
        try same(\.recognizedBooked, "earned")
        try same(\.entries, "entries")
        try same(\.mails, "mails")
        try same(\.catalogue, "catalogue")
        try same(\.settings, "settings")
        try #require(stored.stateJSON == kept.stateJSON, "state after \(step)")
    }
}
