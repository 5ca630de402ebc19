import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import GatewayEvents
import JobKit
import Money
import Postgres
import TestSupport
import Testing

/// Refunds, disputes, and what customers pay with.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct MoneyBackTests {
    private static func refund(
        _ minorUnits: Int64, _ state: GatewayRefund.State = .succeeded, failure: String? = nil
    ) -> GatewayRefund {
        GatewayRefund(
            reference: "re_1", key: nil, amount: Money(minorUnits: minorUnits, .usd), state: state, failure: failure)
    }

    private static func dispute(_ state: GatewayDispute.State) -> GatewayDispute {
        GatewayDispute(reference: "dp_1", amount: ToldInvoice.amount, state: state, reason: "fraudulent")
    }

    @Test func `a refund made at the gateway is booked once, and becomes credit when it fails days later`()
        async throws
    {
        try await ToldInvoice.with { told in
            told.news.hold(Self.refund(5000), of: "pi_1")
            for number in 1...3 { try await told.tell("evt_\(number)", .refunds(payment: "pi_1")) }
            #expect(try await told.standing == "paid paid 11800 refunded 5000 back 0 credit 0")
            #expect(try await told.attempts == ["1 success", "0 refunded"])
            told.news.hold(Self.refund(5000, .failed, failure: "lost_or_stolen_card"), of: "pi_1")
            for number in 4...5 { try await told.tell("evt_\(number)", .refunds(payment: "pi_1")) }
            #expect(try await told.standing == "paid paid 11800 refunded 5000 back 0 credit 5000")
            #expect(
                try await told.fixture.gatewayEvents == [
                    "done", "ignored the books know", "ignored the books know", "done", "ignored the books know",
                ])
        }
    }

    @Test func `a refund that failed before we heard of it is nothing`() async throws {
        try await ToldInvoice.with { told in
            told.news.hold(Self.refund(5000, .failed, failure: "declined"), of: "pi_1")
            try await told.tell("evt_1", .refunds(payment: "pi_1"))
            #expect(try await told.standing == "paid paid 11800 refunded 0 back 0 credit 0")
        }
    }

    @Test func `a refund that comes before the charge's own event books both`() async throws {
        try await ToldInvoice.with(charging: .losesAnswer) { told in
            told.holds(.succeeded(reference: "pi_1"))
            told.news.hold(Self.refund(11_800), of: "pi_1")
            try await told.tell("evt_1", .refunds(payment: "pi_1"))
            #expect(try await told.standing == "paid paid 11800 refunded 11800 back 0 credit 0")
        }
    }

    @Test func `a refund that our rules do not allow is held`() async throws {
        try await ToldInvoice.with { told in
            told.news.hold(Self.refund(11_801), of: "pi_1")
            let endings = try await told.tell("evt_1", .refunds(payment: "pi_1"))
            #expect(endings[0].hasPrefix("held: event evt_1, test: the books refuse it: amount_exceeds"))
            #expect(try await told.standing == "paid paid 11800 refunded 0 back 0 credit 0")
        }
    }

    /// What the gateway says in turn, and where the invoice stands in the end.
    @Test(arguments: [
        ([GatewayDispute.State.inquiry], "paid paid 11800 refunded 0 back 0 credit 0"),
        ([.withdrawn, .withdrawn], "open paid 0 refunded 0 back 11800 credit 0"),
        ([.withdrawn, .lost, .lost], "open paid 0 refunded 0 back 11800 credit 0"),
        ([.withdrawn, .won, .won], "paid paid 11800 refunded 0 back 0 credit 0"),
        // Out of order: what was closed does not open again.
        ([.withdrawn, .won, .withdrawn], "paid paid 11800 refunded 0 back 0 credit 0"),
        ([.lost], "open paid 0 refunded 0 back 11800 credit 0"),
        ([.won, .withdrawn], "paid paid 11800 refunded 0 back 0 credit 0"),
    ])
    func `a dispute takes a payment back once, and lets it stand again once`(
        states: [GatewayDispute.State], standing: String
    ) async throws {
        try await ToldInvoice.with { told in
            for (number, state) in states.enumerated() {
                told.news.hold(Self.dispute(state), about: "pi_1")
                let endings = try await told.tell("evt_\(number)", .disputes(payment: "pi_1"))
                #expect(endings == ["completed"])
            }
            #expect(try await told.standing == standing)
        }
    }

    @Test func `a method that is detached is charged no more, unless it is attached again`() async throws {
        try await ToldInvoice.with { told in
            let reference = try #require(
                try await told.fixture.query(
                    "SELECT gateway_reference FROM books.payment_methods", of: told.seller.id
                ).decode(String.self).first)
            let owner = try #require(
                try await told.fixture.query("SELECT gateway_customer FROM books.customers", of: told.seller.id)
                    .decode(String.self).first)
            told.news.own(reference, by: owner)
            try await told.tell("evt_1", .methodDetached(reference: reference))
            #expect(try await told.account.arrangement?.method == .card)
            told.news.own(reference, by: "cus_somebody_else")
            try await told.tell("evt_2", .methodDetached(reference: reference))
            #expect(try await told.account.arrangement == nil)
            #expect(try await told.fixture.gatewayEvents == ["ignored attached again", "done"])
        }
    }

    @Test func `a customer whom the gateway has deleted is made known there anew with the next method`() async throws {
        try await ToldInvoice.with { told in
            let owner = try #require(
                try await told.fixture.query("SELECT gateway_customer FROM books.customers", of: told.seller.id)
                    .decode(String.self).first)
            try await told.tell("evt_1", .customerDeleted(reference: owner))
            #expect(
                try await told.fixture.query(
                    "SELECT concat_ws(' ', gateway_customer, gateway_losses) FROM books.customers", of: told.seller.id
                ).decode(String.self) == ["1"])
            #expect(
                try await told.fixture.query("SELECT state FROM books.payment_methods", of: told.seller.id)
                    .decode(String.self) == ["removed"])
        }
    }

    @Test func `a card that the network has renewed is charged at once for what is overdue`() async throws {
        try await ToldInvoice.with(charging: .declines(code: "expired_card", advice: nil)) { told in
            let reference = try #require(
                try await told.fixture.query(
                    "SELECT gateway_reference FROM books.payment_methods", of: told.seller.id
                ).decode(String.self).first)
            try await told.tell("evt_1", .methodRenewed(reference: reference))
            #expect(try await told.fixture.gatewayEvents == ["done"])
            #expect(try await told.account.chargesDue(at: told.fixture.start) == [0])
        }
    }
}
