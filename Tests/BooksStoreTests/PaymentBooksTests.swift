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
struct PaymentBooksTests {
    private func toCollect(
        _ invoice: IssuedInvoice, of customer: CustomerKey, _ books: BooksFixture
    ) async throws -> InvoiceToCollect {
        try #require(try await books.work { work in try await work.invoiceToCollect(invoice.id, of: customer) })
    }

    private func open(
        _ invoice: IssuedInvoice, of customer: CustomerKey, _ books: BooksFixture
    ) async throws -> PaymentAttemptRecord {
        let found = try await toCollect(invoice, of: customer, books)
        let method = try #require(found.method)
        return try await books.work { work in try await work.openAttempt(at: found, with: method) }
    }

    @Test func `one payment method is active, and making it so names the open invoices`() async throws {
        try await BooksFixture.with { books in
            let (customer, issued) = try await books.invoicedCustomer()
            _ = try await books.rows(
                """
                INSERT INTO books.payment_methods (seller_id, customer_id, token, state, created_at)
                VALUES (\(books.seller), \(customer.customer), 'pm_other', 'pending', \(books.start))
                """)
            #expect(try await books.activate(customer, reference: "pm_second") == [issued.id])
            // Told again after a crash, it says the same.
            #expect(try await books.activate(customer, reference: "pm_second") == [issued.id])
            let states = try await books.rows(
                "SELECT token, state FROM books.payment_methods ORDER BY payment_method_id"
            ).decode(String.self, String.self)
            #expect(states.map(\.0) == ["pm_1", "pm_other"] && states.map(\.1) == ["removed", "active"])
            #expect(try await toCollect(issued, of: customer, books).method?.reference == "pm_second")
            let first = PaymentMethod.ID(1)
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in
                    _ = try await work.activate(first, of: customer, reference: "pm_third")
                }
            }
            #expect(try await toCollect(issued, of: customer, books).method?.reference == "pm_second")
        }
    }

    @Test func `a method and the gateway's id of its customer are kept`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(1))
            let customer = try #require(try await books.customers().first)
            let method = PaymentMethod.ID(1)
            try await books.work { work in
                let read = try #require(try await work.paymentMethod(method, of: customer))
                #expect(read.token == "pm_1" && read.state == .pending && read.customer.gatewayCustomer == nil)
                try await work.recordGatewayCustomer("cus_1", of: customer)
                try await work.recordGatewayCustomer("cus_1", of: customer)
                try await work.refuse(method, of: customer, reason: "card_declined")
            }
            let read = try await books.work { work in try await work.paymentMethod(method, of: customer) }
            #expect(read?.state == .refused && read?.customer.gatewayCustomer == "cus_1")
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in try await work.recordGatewayCustomer("cus_2", of: customer) }
            }
            let none = try await books.work { work in
                try await work.paymentMethod(PaymentMethod.ID(9), of: customer)
            }
            #expect(none == nil)
        }
    }

    @Test func `while an attempt is pending there is no second`() async throws {
        try await BooksFixture.with { books in
            let (customer, issued) = try await books.invoicedCustomer()
            let before = try await toCollect(issued, of: customer, books)
            #expect(before.amountDue == issued.invoice.total && before.pendingAttempt == nil)
            #expect(before.number == issued.invoice.number && before.dueOn == issued.invoice.due)
            let attempt = try await open(issued, of: customer, books)
            #expect(attempt.number == 1 && attempt.state == .sent && attempt.sentAt == books.start)
            #expect(try await toCollect(issued, of: customer, books).pendingAttempt == attempt)
            let second = await #expect(throws: PostgresError.self) { try await open(issued, of: customer, books) }
            #expect(second?.constraint == "one_open_attempt")
            try await books.work { work in
                try await work.move(
                    attempt,
                    to: PaymentMove(
                        to: .declined, because: .answered, reference: "pi_1", declineCode: "insufficient_funds",
                        decline: .soft))
            }
            let (reference, code, decline, settled) = try await books.rows(
                "SELECT gateway_reference, decline_code, decline, settled_at FROM books.payment_attempts"
            ).only(String.self, String.self, String.self, Instant.self)
            #expect(reference == "pi_1" && code == "insufficient_funds" && decline == "soft")
            #expect(settled == books.start)
            #expect(try await open(issued, of: customer, books).number == 2)
        }
    }

    @Test func `an attempt moves as the table says, from where it is`() async throws {
        try await BooksFixture.with { books in
            let (customer, issued) = try await books.invoicedCustomer()
            let sent = try await open(issued, of: customer, books)
            await #expect(throws: IllegalTransition.self) {
                try await books.work { work in
                    try await work.move(sent, to: PaymentMove(to: .cancelled, because: .cancelled))
                }
            }
            try await books.work { work in
                try await work.move(sent, to: PaymentMove(to: .intended, because: .notProcessed))
            }
            // Legal from where it was, but it is there no more.
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in
                    try await work.move(sent, to: PaymentMove(to: .unknown, because: .noAnswer))
                }
            }
            let intended = try #require(try await toCollect(issued, of: customer, books).pendingAttempt)
            let later = books.start + .seconds(60)
            try await books.work(at: later) { work in
                try await work.move(intended, to: PaymentMove(to: .sent, because: .sent))
            }
            let again = try #require(try await toCollect(issued, of: customer, books).pendingAttempt)
            #expect(intended.state == .intended && intended.sentAt == books.start)
            #expect(again.state == .sent && again.sentAt == later)
        }
    }

    @Test func `a payment pays its invoice and is booked once`() async throws {
        try await BooksFixture.with { books in
            let (customer, issued) = try await books.invoicedCustomer()
            let attempt = try await open(issued, of: customer, books)
            let invoice = try await toCollect(issued, of: customer, books)
            let receive: @Sendable (PostgresWork) async throws -> Payment.ID = { work in
                try await work.move(
                    attempt, to: PaymentMove(to: .succeeded, because: .answered, reference: "pi_1"))
                return try await work.receivePayment(from: attempt, for: invoice, on: books.today)
            }
            let payment = try await books.work(receive)
            let paid = try await toCollect(issued, of: customer, books)
            #expect(paid.state == .paid && paid.amountDue.isZero && paid.pendingAttempt == nil)
            await #expect(throws: StaleRecord.self) { try await books.work(receive) }

            let facts = try #require(
                try await books.work { work in try await work.receipt(of: payment, for: customer) })
            #expect(facts.amount == issued.invoice.total && facts.amountDue.isZero)
            #expect(facts.invoiceNumber == issued.invoice.number && facts.receivedAt == books.start)
            let entries = try await books.rows(
                """
                SELECT reference, debit, credit, amount
                  FROM books.journal_entries JOIN books.postings USING (seller_id, customer_id, entry_id)
                 WHERE kind = 'payment_received'
                """
            ).only(String.self, String.self, String.self, Int64.self)
            #expect(entries == ("payment/\(payment)", "cash", "receivable", 29_900))
            let summary = try await BooksSummary.read(seller: books.seller, books.pool)
            #expect(summary.violations == [] && summary.paid.map(\.amount) == [issued.invoice.total])
        }
    }

    @Test func `one mail a step, however often it is asked for`() async throws {
        try await BooksFixture.with { books in
            let (customer, _) = try await books.invoicedCustomer()
            let ask: @Sendable (PostgresWork) async throws -> MailRecord = { work in
                try await work.mail("receipt", about: "payment/1", to: "a1@practice.example", for: customer)
            }
            let mails = try await withThrowingTaskGroup(of: MailRecord.self) { group in
                for _ in 0..<4 { group.addTask { try await books.work(ask) } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            let mail = try #require(mails.first)
            #expect(mails.count == 1 && mail.state == .intended && mail.messageID.utf8.count == 36)
            try await books.work { work in try await work.settle(mail, as: .sent, reply: "250 2.0.0 taken") }
            let sent = try await books.work(ask)
            #expect(sent.state == .sent && sent.messageID == mail.messageID)
            await #expect(throws: StaleRecord.self) {
                try await books.work { work in try await work.settle(mail, as: .unknown, reply: "") }
            }
        }
    }
}
