import Accounts
import BillingPorts
import BooksStore
import Dates
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(15)))
struct NoticeTests {
    @Test func `what was written to a customer is a notice until the portal has shown it`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            let configuration = try await TestDatabase.current.configuration(as: "billwright_web")
            let pool = PostgresPool(configuration, size: 1)
            let web = WebBooks(pool, books.context)
            let notices = try await web.notices(of: customer, onlyUnseen: true, limit: 10)
            #expect(notices.map(\.template) == [.invoiceIssued] && notices.map(\.subject) == ["ACME-1-0001"])
            try await web.see(0, of: customer, at: books.start)
            try await web.see(0, of: customer, at: books.start + .seconds(60))
            #expect(try await web.notices(of: customer, onlyUnseen: true, limit: 10).isEmpty)
            #expect(try await web.notices(of: customer, limit: 10).map(\.seenAt) == [books.start])
            #expect(try await web.notices(of: customer, before: 0, limit: 10).isEmpty)
            // The web may say that something was seen, and nothing else about mails.
            await #expect(throws: PostgresError.self) {
                _ = try await pool.query("UPDATE books.mails SET state = 'sent'")
            }
            await pool.close()
        }
    }
}
