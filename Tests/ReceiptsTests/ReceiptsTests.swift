import BillingPorts
import BillingSupport
import Dates
import JobKit
import Postgres
import Receipts
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct ReceiptsTests {
    /// One payment whose receipt is to be sent.
    private struct Paid {
        let fixture: BillingFixture
        let mailer = CountingMailer()
        let seller: SampleSeller
        let payment: SendReceipt

        static func with(_ body: (Paid) async throws -> Void) async throws {
            try await BillingFixture.with { fixture in
                let seller = try await fixture.load([SampleCustomer()])
                try await fixture.registerMethods(of: seller, at: CountingGateway())
                let invoice = try #require(try await fixture.bill(seller).first)
                let payment = try await fixture.pay(invoice, of: seller.customer())
                let job = SendReceipt(customer: seller.customer(), payment: payment)
                try await body(Paid(fixture: fixture, seller: seller, payment: job))
            }
        }

        /// Enqueues the receipt and runs what comes due within a day.
        func send() async throws -> [String] {
            try await fixture.enqueue(payment)
            return try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(86_400)) {
                SendReceiptHandler(mailer: mailer, zones: fixture.zones, domain: "billwright.example")
            }.endings
        }

        var mails: [String] {
            get async throws {
                try await fixture.query("SELECT concat_ws(' ', state, reply) FROM books.mails", of: seller.id)
                    .decode(String.self)
            }
        }
    }

    @Test func `a payment's receipt is sent once, however often it is asked for`() async throws {
        try await Paid.with { paid in
            #expect(try await paid.send() == ["completed"])
            #expect(try await paid.send() == ["completed"])
            let mail = try #require(paid.mailer.accepted.first)
            #expect(paid.mailer.accepted.count == 1)
            #expect(mail.subject == "Receipt for invoice ACME-0001")
            #expect(mail.recipient == "acme@customers.example")
            #expect(mail.text.contains("we received 118.00 USD on 2026-02-15 for invoice ACME-0001."))
            #expect(mail.text.contains("paid in full"))
            #expect(try await paid.mails == ["sent 250 taken"])
        }
    }

    @Test func `a mail whose fate is unknown is sent again under the same Message-ID`() async throws {
        try await Paid.with { paid in
            paid.mailer.script(.losesReply, .losesMail)
            let endings = try await paid.send()
            #expect(endings.count == 3 && endings.last == "completed")
            #expect(paid.mailer.accepted.count == 2 && paid.mailer.messageIDs.count == 1)
            #expect(try await paid.mails == ["sent 250 taken"])
        }
    }

    @Test func `a mail refused for now is tried again`() async throws {
        try await Paid.with { paid in
            paid.mailer.script(.refusesForNow(code: 421), .refusesConnection)
            let endings = try await paid.send()
            let failed = ["421 try again later", "connection refused"].map { "failed: receipt not sent: \($0)" }
            #expect(endings == failed + ["completed"])
            #expect(paid.mailer.accepted.count == 1)
        }
    }

    @Test func `a mail refused for good is not sent again, and keeps the server's words`() async throws {
        try await Paid.with { paid in
            paid.mailer.script(.refuses(code: 550))
            let endings = try await [paid.send(), paid.send()]
            #expect(endings == [["completed"], ["completed"]])
            #expect(paid.mailer.accepted.isEmpty)
            #expect(try await paid.mails == ["refused 550 no such mailbox"])
        }
    }
}
