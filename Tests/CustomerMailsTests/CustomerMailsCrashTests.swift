import BillingPorts
import BillingSupport
import CustomerMails
import JobKit
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct CustomerMailsCrashTests {
    @Test(arguments: [1, 2])
    func `one mail is received, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 9, customers: [SampleCustomer()]) { trial in
                let mailer = CountingMailer()
                try await fixture.bill(trial.seller)
                try await trial.drain {
                    SendMailHandler(
                        mailer: trial.reaching(mailer), zones: fixture.zones, domain: "billwright.example")
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
                        mailer: trial.reaching(mailer), zones: fixture.zones, domain: "billwright.example")
                }
                #expect(mailer.messageIDs.count == 3, trial.comment)
                // A death costs each of them one copy at most.
                #expect(mailer.accepted.count <= 3 + 3 * trial.deaths.count, trial.comment)
            }
        }
    }
}

extension String {
    /// The mail was taken, and its row does not say so yet.
    fileprivate var isAfterSending: Bool {
        [
            "before the reply to send", "before the last transaction", "after settle a mail", "before the last commit",
        ].contains(self)
    }
}
