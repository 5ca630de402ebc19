import Accounts
import BillingPorts
import BillingSupport
import CustomerMails
import Dates
import JobKit
import Mails
import Money
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
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
                SendMailHandler(mailer: mailer, writer: fixture.writer, domain: "billwright.example")
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
            #expect(mail.text.contains("Total: 118.00 USD"))
            #expect(mail.text.contains("118.00 USD are to be paid by 1 March 2026."))
            #expect(mail.html?.contains("<strong>118.00 USD</strong>") == true)
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
                SendMailHandler(mailer: written.mailer, writer: written.fixture.writer, domain: "billwright.example")
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
                    SendMailHandler(mailer: mailer, writer: fixture.writer, domain: "billwright.example")
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

    /// Has a mail written down as billing does, but of that template.
    private func write(_ template: Mail.Template, about subject: String, _ place: Int, in written: Written) async throws
    {
        let customer = written.seller.customer()
        try await written.fixture.query(
            """
            INSERT INTO books.mails (seller_id, customer_id, ordinal, template, subject, at, recipient)
            VALUES (\(customer.seller), \(customer.customer), \(place), \(template.rawValue), \(subject),
                    \(written.fixture.start), 'acme@customers.example')
            """, of: written.seller.id)
        try await written.fixture.enqueue(SendMail(customer: customer, mail: place))
    }

    @Test(arguments: ["en", "de"])
    func `every template tells in every language what the books say`(language: String) async throws {
        try await Written.with { written in
            let seller = written.seller
            try await written.fixture.perform(
                .creditNote(invoice: 1, .amount(Money(minorUnits: 1000, .usd)), as: .credit), for: seller.customer())
            try await written.fixture.query("UPDATE books.customers SET language = \(language)", of: seller.id)
            let before = 2
            for (place, template) in Mail.Template.allCases.enumerated() {
                let subject =
                    switch template.topic {
                    case .invoice: "ACME-0001"
                    case .subscription: "acme-1"
                    case .creditNote: "ACME-CN-0001"
                    case .metric: "events"
                    }
                try await write(template, about: subject, before + place, in: written)
            }
            let endings = try await written.send()
            #expect(endings.allSatisfy { $0 == "completed" })
            let taken = written.mailer.accepted
            #expect(
                taken.count == before + Mail.Template.allCases.count && written.mailer.messageIDs.count == taken.count)
            #expect(Set(taken.map(\.subject)).count == Mail.Template.allCases.count)
            #expect(taken.allSatisfy { $0.text.contains("acme Ltd") && $0.html?.contains("acme Ltd") == true })
        }
    }

    @Test func `a mail that may not come twice is not sent again after an outcome nobody knows`() async throws {
        try await Written.with { written in
            _ = try await written.send()
            written.mailer.script(.losesReply)
            try await write(.usage80, about: "events", 1, in: written)
            #expect(try await written.send() == ["completed"])
            try await written.fixture.enqueue(SendMail(customer: written.seller.customer(), mail: 1))
            #expect(try await written.send() == ["completed"])
            #expect(written.mailer.accepted.count == 2)
            #expect(try await written.mails.last == "usage_80 unknown connection lost")
        }
    }

    @Test func `a mail that may not come twice is tried again when it was certainly not sent`() async throws {
        try await Written.with { written in
            _ = try await written.send()
            written.mailer.script(.refusesForNow(code: 451), .refusesConnection)
            try await write(.usage80, about: "events", 1, in: written)
            #expect(try await written.send().last == "completed")
            #expect(written.mailer.accepted.count == 2)
            #expect(try await written.mails.last == "usage_80 sent 250 taken")
            let tries = try await written.fixture.query(
                "SELECT tries FROM books.mails WHERE ordinal = 1", of: written.seller.id
            ).decode(Int.self)
            #expect(tries == [3])
        }
    }

    @Test(arguments: [
        (550, "no such mailbox", true), (550, "5.1.1 unknown user", true), (550, "550-5.1.1 unknown user", true),
        (550, "5.7.1 looks like spam", false), (554, "rejected", false), (552, "5.2.2 mailbox full", false),
        (550, "5.1.8 your own domain does not exist", false), (553, "not allowed", true),
    ])
    func `only a refused address is never written to again`(code: Int, reply: String, marks: Bool) async throws {
        try await Written.with { written in
            written.mailer.script(.refuses(code: code, reply: reply))
            _ = try await written.send()
            try await write(.trialExpired, about: "acme-1", 1, in: written)
            #expect(try await written.send() == ["completed"])
            #expect(written.mailer.accepted.count == (marks ? 0 : 1))
            let state = marks ? "suppressed mail to acme@customers.example came back before" : "sent 250 taken"
            #expect(try await written.mails.last == "trial_expired \(state)")
        }
    }

    @Test func `a mail about something that is not there says so and goes nowhere`() async throws {
        try await Written.with { written in
            _ = try await written.send()
            try await write(.invoiceIssued, about: "ACME-0099", 1, in: written)
            let endings = try await written.send()
            #expect(endings.last?.contains("there is no invoice ACME-0099") == true)
            #expect(written.mailer.accepted.count == 1)
        }
    }
}
