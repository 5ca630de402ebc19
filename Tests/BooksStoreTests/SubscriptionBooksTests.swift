import Billing
import BillingPorts
import BooksStore
import Dates
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(5)))
struct SubscriptionBooksTests {
    private func due(
        _ books: BooksFixture, by date: LocalDate? = nil, after cursor: Subscription.ID? = nil, limit: Int = 100
    ) async throws -> [SubscriptionToRenew] {
        try await books.work { work in
            try await work.subscriptionsToRenew(
                of: books.seller, by: date ?? books.today, after: cursor, limit: limit)
        }
    }

    @Test func `a subscription comes back as it was loaded`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1, plan: "seats"))
            let read = try #require(try await due(books).first)
            #expect(read.plan == books.catalogue[plan: "seats"])
            #expect(read.subscription.state == .scheduled && read.subscription.start == books.today)
            #expect(read.subscription.quantities == ["seat": try Rational(29, over: 4)])
            #expect(read.timeZone == "UTC" && read.lookedOn == nil && read.hasPaymentMethod)
            #expect(try await books.customers() == [read.customer])
            try await books.activate(read.customer)
            #expect(try await due(books).first?.hasPaymentMethod == true)
        }
    }

    @Test func `what is due comes page by page in the order of ids, and not before its day`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(5))
            #expect(try await due(books, by: books.today.adding(days: -1)).isEmpty)
            let first = try await due(books, limit: 2).map(\.subscription.id)
            let second = try await due(books, after: first.last, limit: 2).map(\.subscription.id)
            let third = try await due(books, after: second.last, limit: 2).map(\.subscription.id)
            #expect(first.count == 2 && second.count == 2 && third.count == 1)
            #expect(first + second + third == (first + second + third).sorted())
        }
    }

    @Test func `what another transaction has locked is left out`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(3))
            try await books.work { work in
                let mine = try await work.subscriptionsToRenew(
                    of: books.seller, by: books.today, after: nil, limit: 2)
                let others = try await due(books)
                #expect(mine.count == 2 && others.count == 1)
                #expect(!mine.map(\.subscription.id).contains(others[0].subscription.id))
            }
        }
    }

    @Test func `a decision is stored with its moves and looked at again when it says`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1, plan: "trial"))
            try await books.renew()
            #expect(try await due(books).isEmpty)
            let trialEnd = books.today.adding(days: 14)
            let read = try #require(try await due(books, by: trialEnd).first)
            #expect(read.subscription.state == .trialing && read.subscription.trialEnd == trialEnd)
            #expect(read.lookedOn == books.today)
            try await books.renew(by: trialEnd, hasPaymentMethod: false)
            #expect(try await due(books, by: trialEnd.adding(days: 1000)).isEmpty)
            let moves = try await books.rows(
                """
                SELECT from_state, to_state, cause, effective_on FROM books.subscription_transitions
                 ORDER BY transition_id
                """
            ).decode(String?.self, String.self, String.self, LocalDate.self)
            #expect(moves.map(\.0) == [nil, "scheduled", "trialing"])
            #expect(moves.map(\.1) == ["scheduled", "trialing", "expired"])
            #expect(moves.map(\.2) == ["created", "started", "trial_unpaid"])
            #expect(moves.map(\.3) == [books.today, books.today, trialEnd])
            let customer = try #require(try await books.customers().first)
            let account = try await books.work { work in try await work.accountToInvoice(customer) }
            let ended = try #require(account?.account.items.first?.subscription)
            #expect(ended.state == .expired && ended.end == Subscription.End(trialEnd, .trialUnpaid))
        }
    }

    @Test func `a decision about what has moved on meanwhile is refused`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let read = try #require(try await due(books).first)
            try await books.renew()
            let decision = try Renewal.decide(
                for: read.subscription, plan: read.plan, today: books.today, since: nil, hasPaymentMethod: true)
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in try await work.renew(read, decision, on: books.today) }
            }
            let transitions = try await books.count("SELECT count(*) FROM books.subscription_transitions")
            #expect(transitions == 2)
        }
    }

    @Test func `what this program would not have written is refused by name`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            _ = try await books.rows(
                "UPDATE books.subscriptions SET ends_on = '2027-01-01', end_cause = 'whim', next_action_on = starts_on")
            let error = await #expect(throws: UnreadableRow.self) { try await due(books) }
            #expect(error?.description.contains("books.subscriptions 1: unknown Cause 'whim'") == true)
            _ = try await books.rows(
                """
                UPDATE books.subscriptions SET ends_on = NULL, end_cause = NULL, quantities = '{"seat": "2/4"}'
                """)
            let fraction = await #expect(throws: UnreadableRow.self) { try await due(books) }
            #expect(fraction?.description.contains("'2/4' is not an exact fraction") == true)
        }
    }
}
