import BillingPorts
import BillingSupport
import CustomerMails
import JobKit
import Mails
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct CustomerMailsCrashTests {
    @Test(arguments: [1, 2])
    func `one mail is received, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 9, customers: [SampleCustomer()]) { trial in
                let mailer = CountingMailer()
                try await fixture.bill(trial.seller)
                try await trial.drain {
                    SendMailHandler(
                        mailer: trial.reaching(mailer), writer: fixture.writer, domain: "billwright.example")
                }
                #expect(mailer.messageIDs.count == 1, trial.comment)
                // Who died with the server's reply unread must send again; nobody else may.
                let unread = trial.deaths.count { $0.isAfterSending }
                #expect(mailer.accepted.count == 1 + unread, trial.comment)
            }
        }
    }

    @Test func `mails that go out together are received once each, whichever call their worker dies after`()
        async throws
    {
        try await BillingFixture.with { fixture in
            let customers = ["a", "b", "c"].map { SampleCustomer($0) }
            try await fixture.dieAfterEachCall(atLeast: 15, customers: customers, comparingJobs: false) { trial in
                let mailer = CountingMailer()
                try await fixture.bill(trial.seller)
                try await trial.drain {
                    SendMailHandler(
                        mailer: trial.reaching(mailer), writer: fixture.writer, domain: "billwright.example")
                }
                #expect(mailer.messageIDs.count == 3, trial.comment)
                // A death costs each of them one copy at most.
                #expect(mailer.accepted.count <= 3 + 3 * trial.deaths.count, trial.comment)
            }
        }
    }

    @Test func `a mail that may not come twice comes once or not at all`() async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(
                times: 1, atLeast: 9, customers: [SampleCustomer()], comparing: false
            ) { trial in
                let mailer = CountingMailer()
                let customer = trial.seller.customer()
                try await fixture.query(
                    """
                    INSERT INTO books.mails (seller_id, customer_id, ordinal, template, subject, at, recipient)
                    VALUES (\(customer.seller), \(customer.customer), 0, 'usage_80', 'events', \(fixture.start),
                            'acme@customers.example')
                    """, of: trial.seller.id)
                try await fixture.query(
                    "UPDATE books.customers SET mail_count = 1 WHERE customer_id = \(customer.customer)",
                    of: trial.seller.id)
                try await fixture.enqueue(SendMail(customer: customer, mail: 0))
                try await trial.drain {
                    SendMailHandler(
                        mailer: trial.reaching(mailer), writer: fixture.writer, domain: "billwright.example")
                }
                #expect(mailer.accepted.count <= 1, trial.comment)
                let states = try await fixture.query("SELECT state FROM books.mails", of: trial.seller.id)
                    .decode(String.self)
                #expect(states.allSatisfy { ["sent", "unknown"].contains($0) }, trial.comment)
            }
        }
    }
}

extension BillingFixture {
    var writer: TemplateMailWriter { TemplateMailWriter(.shipped, zones: zones) }
}

extension String {
    /// The mail was taken, and its row does not say so yet.
    fileprivate var isAfterSending: Bool {
        [
            "before the reply to send", "before the last transaction", "after settle a mail", "before the last commit",
        ].contains(self)
    }
}
