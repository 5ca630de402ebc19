import Accounts
import BillingPorts
import BooksStore
import Dates
import JobKit
import Postgres
import Testing

@Suite(.books, .timeLimit(.minutes(15)))
struct MailDeskTests {
    private func settle(_ state: MailRecord.State, _ customer: CustomerKey, in books: BooksFixture) async throws {
        try await books.work { work in
            let mail = try #require(try await work.mail(0, of: customer))
            try await work.settle(mail, as: state, reply: "what the server said")
        }
    }

    @Test(arguments: [MailRecord.State.refused, .unknown, .sent])
    func `a person has a mail sent again, and what a server took gets an id of its own`(
        state: MailRecord.State
    ) async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            let before = try #require(try await books.work { work in try await work.mail(0, of: customer) })
            try await settle(state, customer, in: books)
            try await books.work { work in
                try await work.resendMail(0, of: customer, by: "somebody", why: "it was mended")
            }
            let mail = try #require(try await books.work { work in try await work.mail(0, of: customer) })
            #expect(mail.state == .intended && mail.tries == 1)
            #expect((mail.messageID == before.messageID) == (state != .sent))
            let jobs: SQL = "SELECT count(*) FROM queue.all_jobs WHERE kind = \(SendMail.kind.name)"
            #expect(try await books.count(jobs) == 2)
            #expect(try await books.count("SELECT count(*) FROM books.mail_acts WHERE person = 'somebody'") == 1)
            await #expect(throws: OperationFault.self) {
                try await books.work { work in try await work.resendMail(0, of: customer, by: "x", why: "y") }
            }
        }
    }

    @Test func `a mail that came back marks its address until somebody lifts that`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            try await settle(.sent, customer, in: books)
            let sent = try #require(try await books.work { work in try await work.mail(0, of: customer) })
            #expect(!sent.isBounced)
            let address = try await books.work { work in
                try await work.bounceMail(
                    "\(sent.messageID)@billwright.example", of: customer.seller, by: "somebody", why: "no such user")
            }
            #expect(address == "a1@practice.example")
            let bounced = try #require(try await books.work { work in try await work.mail(0, of: customer) })
            #expect(bounced.isBounced && bounced.state == .bounced)
            await #expect(throws: OperationFault.self) {
                try await books.work { work in try await work.resendMail(0, of: customer, by: "x", why: "y") }
            }
            let lifted = try await books.work { work in
                try await work.liftBounce("A1@practice.example", of: customer.seller, by: "somebody")
            }
            #expect(lifted)
            try await books.work { work in try await work.resendMail(0, of: customer, by: "x", why: "y") }
            let unknown = try await books.work { work in
                try await work.bounceMail("nothing", of: customer.seller, by: "x", why: "y")
            }
            #expect(unknown == nil)
        }
    }

    @Test func `mails are listed page by page, with what became of each`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            try await settle(.refused, customer, in: books)
            let all = try await books.inspection.mails(of: customer.seller, limit: 10)
            #expect(all.map(\.template) == [.invoiceIssued] && all.map(\.tries) == [1])
            #expect(all.map(\.reply) == ["what the server said"] && all.map(\.customer) == [customer])
            let refused = try await books.inspection.mails(
                of: customer.seller, customer: customer, states: [.refused], limit: 10)
            #expect(refused == all)
            #expect(try await books.inspection.mails(of: customer.seller, states: [.sent], limit: 10).isEmpty)
            #expect(try await books.inspection.mails(of: customer.seller, after: (customer, 0), limit: 10).isEmpty)
        }
    }

    @Test func `a mail that was never written tells of the newest thing there is`() async throws {
        try await BooksFixture.with { books in
            let customer = try await books.invoicedCustomer()
            let mail = try await books.inspection.unwrittenMail(
                .dunningFinal, about: nil, of: customer, at: books.start)
            #expect(mail?.subject == "ACME-1-0001" && mail?.invoice?.lines.count == 1)
            let note = try await books.inspection.unwrittenMail(
                .creditNoteIssued, about: nil, of: customer, at: books.start)
            #expect(note == nil)
        }
    }
}

extension BooksFixture {
    fileprivate var inspection: BooksInspection { BooksInspection(pool, context) }
}
