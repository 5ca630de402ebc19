import Accounts
import Billing
import BillingPorts
import BooksStore
import Chance
import Dates
import JobKit
import Money
import Postgres
import QueueStore
import TestSupport
import Testing

/// What holds when several transactions are about the same customers.
@Suite(.books, .timeLimit(.minutes(15)))
struct LockingTests {
    private struct RollBack: Error {}

    @Test func `two transactions about one customer invoice it once`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(3))
            let customers = try await books.customers()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for turn in 0..<8 {
                    group.addTask {
                        // In whatever order they are named they are locked in one.
                        try await books.invoice(turn.isMultiple(of: 2) ? customers : customers.reversed())
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await books.count("SELECT count(*) FROM books.invoices") == 3)
            #expect(try await BooksSummary.read(books.pool).isBalanced)
        }
    }

    @Test func `a sweep leaves out who is being seen to, and finds each once`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(5))
            let customers = try await books.customers()
            try await books.work { outer in
                _ = try await outer.accounts([customers[1]])
                let due = try await books.work { inner in
                    let first = try await inner.customersDue(
                        of: books.seller, by: books.start, after: nil, limit: 2)
                    return first
                        + (try await inner.customersDue(
                            of: books.seller, by: books.start, after: first.last?.customer, limit: 10))
                }
                #expect(due == [customers[0], customers[2], customers[3], customers[4]])
            }
            // Whoever was looked at is due again when something falls due.
            try await books.change(customers) { account in try account.advance(to: books.start) }
            let again = try await books.work { work in
                try await work.customersDue(of: books.seller, by: books.start, after: nil, limit: 10)
            }
            #expect(again == [])
            let month = try Instant(parsing: "2026-12-21T00:00:00Z")
            let later = try await books.work { work in
                try await work.customersDue(of: books.seller, by: month, after: nil, limit: 10)
            }
            #expect(later == customers)
        }
    }

    @Test func `an account is stored only by who has read it, and once`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let customers = try await books.customers()
            let read = try await books.work { work in try await work.accounts(customers) }
            await #expect(throws: StaleRecord.self) { try await books.work { work in try await work.store(read) } }
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in
                    let read = try await work.accounts(customers)
                    try await work.store(read)
                    try await work.store(read)
                }
            }
        }
    }

    @Test func `an account that was stored and rolled back, or changed by another process, is read again`() async throws
    {
        try await BooksFixture.with { books in
            let key = try await books.invoicedCustomer()
            func credit() async throws -> Int64 {
                try await books.work { work in
                    try #require(try await work.accounts([key]).first).account.credit.minorUnits
                }
            }
            func grant(_ amount: Int64, in work: PostgresBooks) async throws {
                var accounts = try await work.accounts([key])
                try accounts[0].account.perform(.credit(Money(minorUnits: amount, .usd)), at: books.start)
                try await work.store(accounts)
            }
            try await books.change([key]) { account in
                try account.perform(.pay(invoice: 1, amount: nil), at: books.start)
            }
            try await books.work { work in try await grant(100, in: work) }
            await #expect(throws: RollBack.self) {
                try await books.work { work in
                    try await grant(1000, in: work)
                    throw RollBack()
                }
            }
            #expect(try await credit() == 100)
            // Another process keeps accounts of its own.
            let other = BooksContext(zones: Zones())
            try await books.work { work in try await grant(20, in: PostgresBooks(work.work, other)) }
            #expect(try await credit() == 120)
            // Twice in one transaction.
            try await books.work { work in
                try await grant(3, in: work)
                try await grant(4, in: work)
            }
            #expect(try await credit() == 127)
            let stored = try #require(
                try await BooksInspection(books.pool, books.context).allAccounts(of: books.seller).first)
            #expect(stored.account.credit.minorUnits == 127 && stored.account.entries.count == 6)
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `numbers have no gap, whatever is rolled back`(_ seed: UInt64) async throws {
        try await BooksFixture.with(catalogue: BooksFixture.catalogue(numbering: "seller")) { books in
            try await books.load(BooksFixture.customers(40))
            let customers = try await books.customers()
            let numbering = InvoiceNumbering(.seller)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var random = SeededGenerator(seed: seed * 100 + UInt64(worker))
                        for turn in 0..<5 {
                            let mine = [customers[worker * 5 + turn]]
                            let fails = Int.random(in: 0..<3, using: &random) == 0
                            for isRetry in [false, true] where isRetry == false || fails {
                                do {
                                    try await books.work { work in
                                        var accounts = try await work.accounts(mine)
                                        let first = try await work.takeNumbers(1, of: books.seller)
                                        for index in accounts.indices {
                                            _ = try accounts[index].account.invoice(at: books.start) { _ in
                                                numbering.number(first + Int64(index), customer: "")
                                            }
                                        }
                                        try await work.store(accounts)
                                        if fails, !isRetry { throw RollBack() }
                                    }
                                } catch is RollBack {}
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let numbers = try await books.rows("SELECT number FROM books.invoices ORDER BY number").decode(String.self)
            #expect(numbers == (1...40).map { numbering.number(Int64($0), customer: "") })
            #expect(try await BooksSummary.read(books.pool).violations == [])
        }
    }

    @Test func `who asks for an invoice in the seller's series is given one turn`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(4))
            let customers = try await books.customers()
            try await books.work { work in
                try await work.requestInvoices([customers[3], customers[0]])
                try await work.requestInvoices([customers[2], customers[0]])
            }
            let taken = try await books.work { work in
                [
                    try await work.takeInvoiceRequests(of: books.seller, limit: 2),
                    try await work.takeInvoiceRequests(of: books.seller, limit: 2),
                    try await work.takeInvoiceRequests(of: books.seller, limit: 2),
                ]
            }
            #expect(taken == [[customers[0], customers[2]], [customers[3]], []])
        }
    }

    private static let metered = """
        {"seller": {"code": "practice", "name": "P", "currency": "USD"}, "metrics": [{"code": "calls"}],
         "plans": [{"code": "starter", "interval": "month", "prices": [
            {"code": "base", "model": "flat", "amount": "299.00"}]}]}
        """

    @Test func `an event that somebody else counts meanwhile makes the account stale`() async throws {
        try await BooksFixture.with(catalogue: Self.metered) { books in
            try await books.load(BooksFixture.customers(1))
            let key = try #require(try await books.customers().first)
            let event = Accounts.Operation.usage(UsageEvent(id: "one", metric: "calls"))
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in
                    var accounts = try await work.accounts([key])
                    try await TestDatabase.current.withPool { pool in
                        _ = try await pool.query(
                            """
                            INSERT INTO books.usage_events
                                   (seller_id, customer_id, ordinal, event_id, metric, quantity, at, counted_on)
                            VALUES (\(key.seller), \(key.customer), 7, 'one', 'calls', '1', now(), '2026-11-21')
                            """)
                    }
                    try accounts[0].account.perform(event, at: books.start)
                    try await work.store(accounts)
                }
            }
            // A list with a gap is not read: something would be missing from a bill.
            await #expect(throws: UnreadableRow.self) {
                try await books.work { work in try await work.accounts([key]) }
            }
        }
    }
}
