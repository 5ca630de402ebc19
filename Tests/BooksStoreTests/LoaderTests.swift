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

@Suite(.books, .timeLimit(.minutes(5)))
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
            let subscriptions = try await books.rows(
                "SELECT starts_on, trial_ends_on, next_action_on FROM books.subscriptions ORDER BY subscription_id"
            ).decode(LocalDate.self, LocalDate?.self, LocalDate.self)
            let early = try LocalDate(parsing: "2026-01-31")
            #expect(subscriptions[0] == (books.today, books.today.adding(days: 14), books.today))
            #expect(subscriptions[1] == (early, nil, early))
        }
    }

    @Test func `a changed plan is a new version, and who has subscribed keeps the old`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let changed = try Catalogue.read(
                Array(BooksFixture.catalogue(starter: "349.00").utf8), name: "changed.json")
            let count = try await books.loader.loadCatalogue(changed, of: books.seller, now: books.start)
            #expect(count.plans == Self.expected(1, 2))
            try await books.load(BooksFixture.customers(2))
            let due = try await books.work { work in
                try await work.subscriptionsToRenew(of: books.seller, by: books.today, after: nil, limit: 10)
            }
            #expect(due.map(\.plan) == [books.catalogue[plan: "starter"], changed[plan: "starter"]])
            let versions = try await books.rows(
                "SELECT version FROM books.plans WHERE code = 'starter' ORDER BY version"
            ).decode(Int32.self)
            #expect(versions == [1, 2])
        }
    }

    @Test func `metrics, coupons and how the seller duns are kept, each change as a new version`() async throws {
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
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(2, 0), Self.expected(2, 0)))
            loaded = try await load(first)
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(0, 2), Self.expected(0, 2)))
            let second = try catalogue(#"{"retry_days": [1, 3, 5, 7], "grace_days": 7, "final": "cancel"}"#, "max", 20)
            loaded = try await load(second)
            #expect((loaded.metrics, loaded.coupons) == (Self.expected(1, 1), Self.expected(1, 1)))

            let coupons = try await books.rows(
                "SELECT code, version, currency, definition FROM books.coupons ORDER BY code, version"
            ).decode(String.self, Int32.self, String.self, PostgresJSON.self)
            #expect(coupons.map { "\($0.0) \($0.1) \($0.2)" } == ["five 1 USD", "spring 1 USD", "spring 2 USD"])
            let read = try coupons.map { try Coupon.read($0.3.utf8, name: $0.0, currency: .usd) }
            #expect(read == [first.coupons[1], first.coupons[0], second.coupons[0]])
            let metrics = try await books.rows(
                "SELECT code, version, aggregation, field FROM books.metrics ORDER BY code, version"
            ).decode(String.self, Int32.self, String.self, String?.self)
            #expect(
                metrics.map { "\($0.0) \($0.1) \($0.2) \($0.3 ?? "-")" } == [
                    "calls 1 sum -", "users 1 unique user", "users 2 max user",
                ])
            let dunning = try await books.rows("SELECT retry_days, grace_days, final_step FROM books.sellers")
                .only([Int32].self, Int32.self, String.self)
            #expect(dunning == ([1, 3, 5, 7], 7, "cancel"))
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
