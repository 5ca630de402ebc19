import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import DunningEmails
import JobKit
import PaymentRetries
import Postgres
import Renewals
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DunningEmailsTests {
    /// Whatever comes due between these days of a case, each looked at when it begins and the gateway asked as it must.
    private func live(
        _ seller: SampleSeller, days: ClosedRange<Int>, at gateway: CountingGateway, in fixture: BillingFixture
    ) async throws {
        for day in days {
            try await fixture.enqueue(RenewSubscriptions(seller: seller.id))
            // At the hour of the first failure: what falls due does so to the second.
            try await fixture.drain(from: fixture.start + .seconds(86_400 * day)) {
                RenewalsHandler()
                CollectPaymentsHandler(gateway: gateway)
                RemindCustomerHandler()
            }
        }
    }

    private func mails(since number: Int, of seller: SampleSeller, in fixture: BillingFixture) async throws -> [String]
    {
        try await fixture.query(
            """
            SELECT template || ' ' || (at AT TIME ZONE 'UTC')::date - date '2026-02-15'
              FROM books.mails WHERE ordinal >= \(number) ORDER BY ordinal
            """, of: seller.id
        ).decode(String.self)
    }

    /// After the first failure a card is tried again on the days 1, 3 and 7, a lost one only spoken of; on day 15 it ends.
    @Test(arguments: [("insufficient_funds", "dunning_friendly", 4), ("lost_card", "payment_method_needed", 1)])
    func `a case goes on day by day, one mail a step, and ends with the suspension`(
        code: String, first: String, tries: Int
    ) async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            try await fixture.registerMethods(of: seller, at: gateway)
            try await fixture.bill(seller)
            let decline = CountingGateway.Answer.declines(code: code, advice: nil)
            gateway.script(decline, decline, decline, decline)
            try await fixture.enqueue(CollectPayments(customer: seller.customer()))
            try await live(seller, days: 0...15, at: gateway, in: fixture)

            #expect(gateway.charges.count == tries && gateway.collected.isEmpty)
            #expect(
                try await mails(since: 1, of: seller, in: fixture) == [
                    "\(first) 0", "dunning_friendly 1", "dunning_urgent 3", "dunning_final 7",
                    "subscription_suspended 15",
                ])
            let account = try await fixture.account(seller.customer())
            #expect(account.subscriptions.map(\.state) == [.suspended])
            #expect(account.subscriptions[0].history.last?.cause == .graceEnded)
            try await fixture.expectBalancedBooks(of: seller.id)
        }
    }

    @Test func `a case is over when a try succeeds`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            try await fixture.registerMethods(of: seller, at: gateway)
            try await fixture.bill(seller)
            let decline = CountingGateway.Answer.declines(code: "insufficient_funds", advice: nil)
            gateway.script(decline, decline)
            try await fixture.enqueue(CollectPayments(customer: seller.customer()))
            try await live(seller, days: 0...15, at: gateway, in: fixture)
            #expect(gateway.charges.count == 3 && gateway.collected.count == 1)
            #expect(
                try await mails(since: 1, of: seller, in: fixture) == [
                    "dunning_friendly 0", "dunning_friendly 1", "payment_receipt 3",
                ])
            #expect(try await fixture.account(seller.customer()).subscriptions.map(\.state) == [.active])
        }
    }

    @Test func `at one instant the charge goes before the reminder`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            try await fixture.registerMethods(of: seller, at: gateway)
            try await fixture.bill(seller)
            let customer = seller.customer()
            let decline = CountingGateway.Answer.declines(code: "insufficient_funds", advice: nil)
            gateway.script(decline)
            try await fixture.enqueue(CollectPayments(customer: customer))
            try await live(seller, days: 0...0, at: gateway, in: fixture)
            // On the day of the first retry both are at hand: the reminder leaves it to the charge, though it comes first.
            try await fixture.enqueue(RemindCustomer(customer: customer))
            try await fixture.drain(from: fixture.start + .seconds(86_400)) { RemindCustomerHandler() }
            #expect(try await mails(since: 2, of: seller, in: fixture) == [])
            try await live(seller, days: 1...1, at: gateway, in: fixture)
            #expect(try await mails(since: 2, of: seller, in: fixture) == ["payment_receipt 1"])
            #expect(gateway.collected.count == 1)
        }
    }

    @Test func `an unanswered charge is no failure: nobody is reminded or suspended for it`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let gateway = CountingGateway()
            try await fixture.registerMethods(of: seller, at: gateway)
            try await fixture.bill(seller)
            gateway.script(.declines(code: "insufficient_funds", advice: nil), .processes)
            gateway.scriptSearches(
                .found(.processing(reference: "pi_2")), .found(.processing(reference: "pi_2")),
                .found(.processing(reference: "pi_2")), .found(.processing(reference: "pi_2")))
            try await fixture.enqueue(CollectPayments(customer: seller.customer()))
            // The second try is under way from day 1 on, as a debit may be; the steps of the days 3 and 7 wait for it.
            try await live(seller, days: 0...7, at: gateway, in: fixture)
            #expect(try await mails(since: 1, of: seller, in: fixture) == ["dunning_friendly 0"])
            #expect(gateway.charges.count == 2)
            #expect(try await fixture.account(seller.customer()).subscriptions.map(\.state) == [.pastDue])
        }
    }

    @Test func `a wire that does not come is spoken of from the day after it is due`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer(token: nil)], netDays: 10)
            let gateway = CountingGateway()
            try await fixture.bill(seller)
            try await live(seller, days: 0...27, at: gateway, in: fixture)
            #expect(
                try await mails(since: 1, of: seller, in: fixture) == [
                    "dunning_friendly 11", "dunning_friendly 12", "dunning_urgent 14", "dunning_final 18",
                    "subscription_suspended 26",
                ])
            #expect(gateway.calls.isEmpty)
        }
    }
}
