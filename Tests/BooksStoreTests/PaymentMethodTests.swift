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
struct PaymentMethodTests {
    @Test func `a method is activated in place of any other, and charged from then on`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let customer = try #require(try await books.customers().first)
            let first = try await books.method(of: customer)
            let record = try await books.work { work in
                let record = try #require(try await work.paymentMethod(first, of: customer))
                try await work.recordGatewayCustomer("cus_1", of: customer)
                try await work.activate(first, of: customer, reference: "pm_1")
                return record
            }
            #expect(record.state == .pending && record.token == "pm_1" && record.customerEmail == "a1@practice.example")
            _ = try await books.rows(
                """
                INSERT INTO books.payment_methods (seller_id, customer_id, token, state, created_at)
                VALUES (\(customer.seller), \(customer.customer), 'tok_2', 'pending', now())
                """)
            try await books.activate(customer, reference: "pm_2")
            // Asked again with the same answer, nothing more happens.
            try await books.activate(customer, reference: "pm_2")
            let open = try #require(try await books.work { work in try await work.accounts([customer]) }.first)
            #expect(open.profile.method?.reference == "pm_2" && open.profile.gatewayCustomer == "cus_1")
            #expect(
                try await books.rows("SELECT state FROM books.payment_methods ORDER BY payment_method_id")
                    .decode(String.self) == ["removed", "active"])
        }
    }

    @Test func `what contradicts the books is stale`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let customer = try #require(try await books.customers().first)
            let method = try await books.method(of: customer)
            try await books.work { work in
                try await work.recordGatewayCustomer("cus_1", of: customer)
                try await work.refuse(method, of: customer, reason: "no such token")
            }
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in try await work.recordGatewayCustomer("cus_2", of: customer) }
            }
            await #expect(throws: StaleRecord.self) { try await books.activate(customer) }
        }
    }
}

@Suite(.books, .timeLimit(.minutes(15)))
struct MailTests {
    @Test func `a mail tells of its invoice, goes out by a job, and is settled once`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            let jobs: SQL = """
                SELECT arguments FROM queue.all_jobs WHERE kind = \(SendMail.kind.name)
                """
            #expect(try await books.rows(jobs).count == 1)
            let mail = try #require(try await books.work { work in try await work.mail(0, of: customer) })
            #expect(mail.template == .invoiceIssued && mail.subject == "ACME-1-0001" && mail.state == .intended)
            #expect(mail.recipient == "a1@practice.example" && mail.sellerName == "Practice Software")
            let price = Money(minorUnits: 29_900, .usd)
            #expect(
                mail.invoice
                    == MailRecord.InvoiceFacts(
                        ordinal: 0, issuedOn: books.today, subtotal: price, tax: .zero(.usd), total: price,
                        paid: .zero(.usd), due: price, dueOn: books.today.adding(days: 14),
                        lines: mail.invoice?.lines ?? []))
            #expect(mail.invoice?.lines.map(\.amount) == [price])
            try await books.work { work in try await work.settle(mail, as: .sent, reply: "250 ok") }
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in try await work.settle(mail, as: .refused, reply: "550 no") }
            }
            #expect(try await books.work { work in try await work.mail(1, of: customer) } == nil)
        }
    }

    @Test func `who has no address is written nothing`() async throws {
        try await BooksFixture.with { books in
            let subscription = Accounts.Operation.Subscribe(code: "one", plan: "starter")
            _ = try await books.loader.loadCustomers(
                [NewCustomer(code: "acme", name: "Acme", subscriptions: [subscription])], of: books.seller,
                now: books.start)
            try await books.invoice(try await books.customers())
            #expect(try await books.count("SELECT count(*) FROM books.mails") == 0)
            #expect(try await books.count("SELECT count(*) FROM books.invoices") == 1)
        }
    }
}
