import Accounts
import BillingPorts
import BillingSupport
import CustomerMails
import Dates
import JobKit
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct CustomerMailsTests {
    /// One invoice whose mail is to be sent.
    private struct Written {
        let fixture: BillingFixture
        let mailer = CountingMailer()
        let seller: SampleSeller

        static func with(_ body: (Written) async throws -> Void) async throws {
            try await BillingFixture.with { fixture in
                let seller = try await fixture.load([SampleCustomer()], netDays: 14)
                try await fixture.bill(seller)
                try await body(Written(fixture: fixture, seller: seller))
            }
        }

        /// Runs what comes due within a day.
        func send() async throws -> [String] {
            try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(86_400)) {
                SendMailHandler(mailer: mailer, zones: fixture.zones, domain: "billwright.example")
            }.endings
        }

        var mails: [String] {
            get async throws {
                try await fixture.query(
                    "SELECT concat_ws(' ', template, state, reply) FROM books.mails ORDER BY ordinal", of: seller.id
                ).decode(String.self)
            }
        }
    }

    @Test func `a mail is sent once, however often it is asked for`() async throws {
        try await Written.with { written in
            #expect(try await written.send() == ["completed"])
            try await written.fixture.enqueue(SendMail(customer: written.seller.customer(), mail: 0))
            #expect(try await written.send() == ["completed"])
            let mail = try #require(written.mailer.accepted.first)
            #expect(written.mailer.accepted.count == 1)
            #expect(mail.subject == "Invoice ACME-0001")
            #expect(mail.recipient == "acme@customers.example")
            #expect(mail.text.contains("invoice ACME-0001 of 2026-02-15 comes to 118.00 USD."))
            #expect(mail.text.contains("118.00 USD are to be paid by 2026-03-01."))
            #expect(try await written.mails == ["invoice_issued sent 250 taken"])
        }
    }

    @Test func `a mail whose fate is unknown is sent again under the same Message-ID`() async throws {
        try await Written.with { written in
            written.mailer.script(.losesReply, .losesMail)
            let endings = try await written.send()
            #expect(endings.count == 3 && endings.last == "completed")
            #expect(written.mailer.accepted.count == 2 && written.mailer.messageIDs.count == 1)
            #expect(try await written.mails == ["invoice_issued sent 250 taken"])
        }
    }

    @Test func `a mail whose fate is unknown says so until it is sent`() async throws {
        try await Written.with { written in
            written.mailer.script(.losesReply, .refuses(code: 550))
            _ = try await written.fixture.drain(from: written.fixture.start) {
                SendMailHandler(mailer: written.mailer, zones: written.fixture.zones, domain: "billwright.example")
            }
            #expect(try await written.mails == ["invoice_issued unknown connection lost"])
            #expect(try await written.send() == ["completed"])
            #expect(try await written.mails == ["invoice_issued refused 550 no such mailbox"])
        }
    }

    @Test func `a mail refused for now is tried again`() async throws {
        try await Written.with { written in
            written.mailer.script(.refusesForNow(code: 421), .refusesConnection)
            let failed = ["421 try again later", "connection refused"].map { "failed: mail not sent: \($0)" }
            let endings = try await written.send()
            #expect(endings == failed + ["completed"])
            #expect(written.mailer.accepted.count == 1)
        }
    }

    @Test func `a mail refused for good is not sent again, and keeps the server's words`() async throws {
        try await Written.with { written in
            written.mailer.script(.refuses(code: 550))
            #expect(try await written.send() == ["completed"])
            try await written.fixture.enqueue(SendMail(customer: written.seller.customer(), mail: 0))
            #expect(try await written.send() == ["completed"])
            #expect(written.mailer.accepted.isEmpty)
            #expect(try await written.mails == ["invoice_issued refused 550 no such mailbox"])
        }
    }

    @Test func `a server that stays away has the mail held for a person`() async throws {
        try await Written.with { written in
            written.mailer.script(.refusesConnection, times: 15)
            let endings = try await written.send()
            #expect(endings.count == 15 && endings.last == "held: mail not sent: connection refused")
            try await written.fixture.release(SendMail.kind, at: written.fixture.start)
            #expect(try await written.send() == ["completed"])
            #expect(written.mailer.accepted.count == 1)
        }
    }

    @Test func `of mails that go out together each is sent for itself`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load(["a", "b", "c"].map { SampleCustomer($0) })
            try await fixture.bill(seller)
            let mailer = CountingMailer()
            mailer.script(.losesReply, .refuses(code: 550))
            func send(for seconds: Int) async throws -> [String] {
                try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
                    SendMailHandler(mailer: mailer, zones: fixture.zones, domain: "billwright.example")
                }.endings
            }
            func states() async throws -> [String] {
                try await fixture.query("SELECT state FROM books.mails ORDER BY 1", of: seller.id).decode(String.self)
            }
            #expect(try await send(for: 0) == ["completed"])
            #expect(try await states() == ["refused", "sent", "unknown"])
            // The one nobody answered for is sent again, by a job of its own.
            #expect(try await send(for: 5) == ["completed"])
            #expect(try await states() == ["refused", "sent", "sent"])
            #expect(mailer.accepted.count == 3 && mailer.messageIDs.count == 2)
        }
    }

    @Test func `every template has words, of what it is about`() async throws {
        try await Written.with { written in
            let customer = written.seller.customer()
            // As a long life would have written them.
            for (place, template) in Mail.Template.allCases.enumerated() {
                try await written.fixture.query(
                    """
                    INSERT INTO books.mails (seller_id, customer_id, ordinal, template, subject, at, recipient)
                    VALUES (\(customer.seller), \(customer.customer), \(place + 1), \(template.rawValue), 'ACME-0001',
                            \(written.fixture.start), 'acme@customers.example')
                    """, of: written.seller.id)
                try await written.fixture.enqueue(SendMail(customer: customer, mail: place + 1))
            }
            _ = try await written.send()
            let taken = written.mailer.accepted
            #expect(taken.count == 1 + Mail.Template.allCases.count && written.mailer.messageIDs.count == taken.count)
            #expect(taken.allSatisfy { $0.subject.contains("ACME-0001") && $0.text.contains("ACME-0001") })
            #expect(Set(taken.map(\.subject)).count == Mail.Template.allCases.count)
        }
    }
}
