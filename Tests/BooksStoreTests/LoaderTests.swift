import Accounts
import Billing
import BillingPorts
import BooksStore
import Dates
import JobKit
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(15)))
struct LoaderTests {
    private static func expected(_ made: Int, _ kept: Int) -> CatalogueLoader.Count {
        CatalogueLoader.Count(made: made, kept: kept)
    }

    @Test func `loaded twice, nothing is new`() async throws {
        try await BooksFixture.with { books in
            // More than two batches.
            let first = try await books.load(BooksFixture.customers(650))
            #expect(first.customers == Self.expected(650, 0) && first.subscriptions == Self.expected(650, 0))
            #expect(first.paymentMethods == 650)
            let second = try await books.load(BooksFixture.customers(650))
            #expect(second.customers == Self.expected(0, 650) && second.subscriptions == Self.expected(0, 650))
            #expect(second.paymentMethods == 0)
            let more = try await books.load(BooksFixture.customers(651))
            #expect(more.customers == Self.expected(1, 650) && more.subscriptions == Self.expected(1, 650))
            #expect(
                try await books.loader.loadSeller(#require(books.catalogue.seller), now: books.start) == books.seller)
            #expect(
                try await books.loader.loadCatalogue(books.catalogue, of: books.seller, now: books.start).plans
                    == Self.expected(0, 3))
            #expect(try await books.count("SELECT count(*) FROM books.payment_methods WHERE state = 'pending'") == 651)
            #expect(
                try await books.count(
                    """
                    SELECT count(DISTINCT arguments::text) FROM queue.all_jobs
                     WHERE kind = \(RegisterPaymentMethod.kind.name) AND tenant = \(books.seller)
                    """) == 651)
        }
    }

    @Test func `a code in another case is the same customer`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let loaded = try await books.load(
                """
                {"customers": [{"id": "ACME-1", "email": "b@practice.example",
                                "subscriptions": [{"id": "second", "plan": "seats"}]}]}
                """)
            #expect(loaded.customers == Self.expected(0, 1) && loaded.subscriptions == Self.expected(1, 0))
            #expect(
                try await books.rows("SELECT email FROM books.customers").only(String.self) == "a1@practice.example")
        }
    }

    @Test func `what a customer leaves open is its seller's or its plan's`() async throws {
        try await BooksFixture.with { books in
            try await books.load(
                """
                {"customers": [
                    {"id": "plain", "email": "a@practice.example", "subscriptions": [{"id": "one", "plan": "trial"}]},
                    {"id": "own", "email": "b@practice.example", "currency": "EUR", "time_zone": "Asia/Tokyo",
                     "address": {"country": "JP", "postal_code": "100-0001"}, "billing_day": 31},
                    {"id": "early", "email": "c@practice.example",
                     "subscriptions": [{"id": "two", "plan": "trial", "start": "2026-01-31", "trial_days": 0}]}]}
                """)
            let customers = try await books.rows(
                "SELECT code, currency, time_zone, country, billing_day FROM books.customers ORDER BY customer_id"
            ).decode(String.self, String.self, String.self, String?.self, Int32?.self)
            #expect(customers[0] == ("plain", "USD", "UTC", nil, nil))
            #expect(customers[1] == ("own", "EUR", "Asia/Tokyo", "JP", 31))
            let accounts = try await BooksInspection(books.pool, books.context).allAccounts(of: books.seller)
            let subscriptions = accounts.flatMap(\.account.subscriptions)
            let early = try LocalDate(parsing: "2026-01-31")
            #expect(subscriptions.map(\.start) == [books.today, early])
            #expect(subscriptions.map(\.trialEnd) == [books.today.adding(days: 14), nil])
            #expect(subscriptions.map(\.state) == [.trialing, .active])
            #expect(accounts.map(\.account.arrangement) == [nil, nil, nil])
        }
    }

    @Test func `who has subscribed to a plan keeps it as it was sold`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let changed = try Catalogue.read(
                Array(BooksFixture.catalogue(starter: "349.00").utf8), name: "changed.json")
            let loaded = try await books.loader.loadCatalogue(changed, of: books.seller, now: books.start)
            #expect(loaded.plans == Self.expected(1, 2) && loaded.revision == 2)
            try await books.load(BooksFixture.customers(2))
            // A process that has read nothing yet reads the same as one that has.
            for context in [books.context, BooksContext(zones: Zones())] {
                let accounts = try await BooksInspection(books.pool, context).allAccounts(of: books.seller)
                let sold = accounts.map { $0.account.subscriptions[0].plan }
                #expect(sold == [books.catalogue[plan: "starter"], changed[plan: "starter"]])
                #expect(accounts.map { $0.account.catalogue.plans } == [changed.plans, changed.plans])
            }
            #expect(try await books.count("SELECT count(*) FROM books.sold_plans") == 2)
        }
    }

    @Test func `a catalogue is kept whole, each change as a new revision`() async throws {
        try await BooksFixture.with { books in
            let catalogue = { (dunning: String, aggregation: String, percent: Int) in
                let text = """
                    {"seller": {"code": "practice", "name": "P", "currency": "USD", "dunning": \(dunning)}, "plans": [],
                     "metrics": [{"code": "calls"}, {"code": "users", "aggregation": "\(aggregation)", "field": "user"}],
                     "coupons": [{"code": "spring", "percent": \(percent), "duration": "forever"}, {"code": "five", "amount": "5.00"}]}
                    """
                return try Catalogue.read(Array(text.utf8), name: "t")
            }
            let load = { (catalogue: Catalogue) in
                let id = try await books.loader.loadSeller(#require(catalogue.seller), now: books.start)
                #expect(id == books.seller)
                return try await books.loader.loadCatalogue(catalogue, of: id, now: books.start)
            }
            let first = try catalogue("{}", "unique", 10)
            var loaded = try await load(first)
            #expect(loaded.revision == 2 && loaded.changes.filter { $0.kind == .removed }.count == 3)
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(2, 0), Self.expected(2, 0)))
            loaded = try await load(first)
            #expect(loaded.revision == 2 && loaded.changes == [])
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(0, 2), Self.expected(0, 2)))
            let second = try catalogue(#"{"retry_days": [1, 3, 5, 7], "grace_days": 7, "final": "cancel"}"#, "max", 20)
            loaded = try await load(second)
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(1, 1), Self.expected(1, 1)))

            try await books.load(#"{"customers": [{"id": "one", "email": "a@practice.example"}]}"#)
            let account = try #require(
                try await BooksInspection(books.pool, BooksContext(zones: Zones())).account("ONE", of: books.seller)
            ).account
            #expect(account.catalogue.coupons == second.coupons && account.catalogue.metrics == second.metrics)
            #expect(account.settings.dunning == Dunning(retryDays: [1, 3, 5, 7], graceDays: 7, final: .cancel))
            #expect(try await books.count("SELECT count(*) FROM books.catalogues") == 3)
        }
    }

    @Test func `how a seller bills beside what its block says stays as it was`() async throws {
        var settings = BillingSettings(currency: .usd)
        settings.proration = Proration(unit: .second, credit: .paid)
        settings.taxRates = [TaxRate(country: "US", percent: 5)]
        try await BooksFixture.with(settings: settings) { books in
            _ = try await books.loader.loadSeller(#require(books.catalogue.seller), now: books.start)
            try await books.load(BooksFixture.customers(1))
            let accounts = try await BooksInspection(books.pool, books.context).allAccounts(of: books.seller)
            settings.netDays = 14
            #expect(accounts.map(\.account.settings) == [settings])
        }
    }

    @Test func `loaders at the same time make everything once`() async throws {
        try await BooksFixture.with { books in
            let made = try await withThrowingTaskGroup(of: CatalogueLoader.Loaded.self) { group in
                for _ in 0..<4 { group.addTask { try await books.load(BooksFixture.customers(350)) } }
                return try await group.reduce(0) { $0 + $1.customers.made + $1.subscriptions.made }
            }
            #expect(made == 700)
        }
    }

    @Test func `a plan that was never loaded is named`() async throws {
        try await BooksFixture.with { books in
            let other = try Catalogue.read(Array(BooksFixture.catalogue(seller: "bare").utf8), name: "bare.json")
            let bare = try await books.loader.loadSeller(#require(other.seller), now: books.start)
            await #expect(throws: MissingPlan(plan: "starter", subscription: "acme-1")) {
                try await books.load(BooksFixture.customers(1), of: bare)
            }
        }
    }
}
