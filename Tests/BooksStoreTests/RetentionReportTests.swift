import Accounts
import Billing
import BillingPorts
import BooksStore
import Dates
import JobKit
import Money
import Postgres
import Testing

/// Who went and why, what trials came to, and what coupons were used for.
@Suite(.books, .timeLimit(.minutes(15)))
struct RetentionReportTests {
    private static let catalogue = """
        {"seller": {"code": "practice", "name": "P", "currency": "USD",
                    "reminders": {"trial_days": 5}, "cancellation": {"reasons": ["dear", "moved"], "offer": "stay"}},
         "plans": [
            {"code": "starter", "interval": "month", "prices": [{"code": "base", "model": "flat", "amount": "300.00"}],
             "discounts": [{"code": "stay", "percent": "10"}]},
            {"code": "trial", "interval": "month", "trial_days": 14, "prices": [
                {"code": "base", "model": "flat", "amount": "800.00"}]}],
         "coupons": [{"code": "stay", "percent": "50", "limit": 9, "expires": "2027-01-01"},
                     {"code": "unused", "amount": "5.00"}]}
        """

    private func cancel(
        _ code: String, _ reason: String?, _ when: Accounts.Operation.When? = nil
    ) -> Accounts.Operation {
        .cancel(subscription: code, when: when, unused: .none, reason: reason, comment: "So it is.")
    }

    @Test func `cancellations are counted by reason with what is lost, and what was withdrawn is told apart`()
        async throws
    {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            try await books.load(BooksFixture.customers(4))
            let customers = try await books.customers()
            let asked: [Accounts.Operation] = [
                cancel("acme-1", "dear"), cancel("acme-2", "dear", .now), cancel("acme-3", nil),
                cancel("acme-4", "dear"),
            ]
            for (customer, operation) in zip(customers, asked) {
                try await books.work { work in try await work.perform(operation, for: customer, by: "clerk") }
            }
            let later = books.start + .seconds(60)
            let offer = Accounts.Operation.acceptOffer(subscription: "acme-4", coupon: "stay")
            try await books.work(at: later) { work in try await work.perform(offer, for: customers[3], by: "clerk") }
            let inspection = BooksInspection(books.pool, books.context)
            let usd = { Money(minorUnits: $0, .usd) }
            typealias Count = BooksInspection.CancellationCount
            let counts = try await inspection.cancellations(of: books.seller, since: books.start, until: later)
            #expect(counts.map(\.reason) == ["dear", nil] && counts.map(\.count) == [2, 1])
            // Of each 300.00 the plan's discount takes ten percent.
            #expect(counts.map(\.lost) == [usd(54_000), usd(27_000)])
            #expect(counts.map(\.withdrawn) == [1, 0] && counts.map(\.tookOffer) == [1, 0])
            #expect(try await inspection.cancellations(of: books.seller, since: later, until: nil) == [])
            #expect(try await inspection.cancellations(of: books.seller, since: nil, until: books.start) == [])

            let account = try #require(try await inspection.accounts([customers[0]]).first?.account)
            #expect(account.subscriptions[0].cancellations.map(\.comment) == ["So it is."])
            #expect(account.settings.reminders == Reminders(trialDays: 5, termDays: 30))
        }
    }

    @Test func `trials are counted by plan with what became of each`() async throws {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            try await books.load(BooksFixture.customers(5, plan: "trial"))
            let customers = try await books.customers()
            try await books.change([customers[1]]) { $0.losePaymentMethod() }
            let more = Accounts.Operation.extendTrial(subscription: "acme-1", days: 30, approvedBy: "lead")
            try await books.work { work in try await work.perform(more, for: customers[0], by: "clerk") }
            try await books.work { work in
                try await work.perform(cancel("acme-3", "moved", .now), for: customers[2], by: "clerk")
            }
            let end = books.start + .seconds(15 * 86_400)
            try await books.change(customers, at: end) { account in try account.advance(to: end) }
            let inspection = BooksInspection(books.pool, books.context)
            let counts = try await inspection.trials(of: books.seller, since: books.start, until: nil)
            let count = try #require(counts.first)
            #expect(counts.count == 1 && count.plan == "trial" && count.started == 5 && count.extended == 1)
            #expect((count.converted, count.expired, count.cancelled, count.running) == (2, 1, 1, 1))
            #expect(count.conversionPermille == 500)
            #expect(try await inspection.trials(of: books.seller, since: nil, until: books.start) == [])
        }
    }

    @Test func `coupons are listed with how often they were used and what they took off`() async throws {
        try await BooksFixture.with(catalogue: Self.catalogue) { books in
            try await books.load(BooksFixture.customers(2))
            let customers = try await books.customers()
            for customer in customers {
                try await books.work { work in
                    try await work.perform(.useCoupon(subscription: nil, coupon: "stay"), for: customer, by: "clerk")
                }
            }
            try await books.invoice(customers)
            try await books.change([customers[1]]) { [start = books.start] account in
                try account.perform(.void(invoice: 1), at: start)
            }
            let coupons = try await BooksInspection(books.pool, books.context).coupons(of: books.seller)
            #expect(coupons.map(\.code) == ["stay", "unused"] && coupons.map(\.used) == [2, 0])
            // Half of what the plan's own discount, of the same name, has left of 300.00.
            #expect(coupons.map(\.given) == [[Money(minorUnits: 13_500, .usd)], []])
            #expect(coupons[0].coupon?.limit == 9)
        }
    }
}
