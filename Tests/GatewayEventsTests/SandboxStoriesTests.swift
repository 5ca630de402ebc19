import Accounts
import BillingPorts
import BillingSupport
import Foundation
import GatewayEvents
import Gateways
import JobKit
import Money
import Postgres
import TestSupport
import Testing
import Web

/// What happens at Stripe and comes to us by webhook, as our sandbox does both.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct SandboxStoriesTests {
    @Test func `events that come twice and backwards change nothing that is booked`() async throws {
        try await SandboxStory.with { story in
            #expect(try await story.standing == "paid paid 11800 refunded 0 back 0 credit 0")
            try await story.trouble(#"{"hold": true, "duplicate_every": 1}"#)
            try await story.post("/v1/refunds", "payment_intent=\(story.payment)&amount=1800")
            try await story.release()
            #expect(try await story.standing == "paid paid 11800 refunded 1800 back 0 credit 0")
            #expect(story.delivered(.duplicate) == 2 && story.delivered(.forged) == 0)
            #expect(try await story.fixture.gatewayEvents.allSatisfy { $0 != "stored" })
        }
    }

    @Test func `a refund fails days later, and a dispute is opened and won`() async throws {
        try await SandboxStory.with { story in
            let refund = try await story.post("/v1/refunds", "payment_intent=\(story.payment)&amount=1800")
            try await story.release()
            try await story.post("/_sandbox/refunds/\(try #require(refund["id"] as? String))/fail", "")
            try await story.release()
            #expect(try await story.standing == "paid paid 11800 refunded 1800 back 0 credit 1800")
            let dispute = try await story.post("/_sandbox/disputes", "payment_intent=\(story.payment)&amount=10000")
            try await story.release()
            // The credit of the refund that failed settles part of what is owed again.
            #expect(try await story.standing == "open paid 1800 refunded 1800 back 10000 credit 0")
            try await story.post("/_sandbox/disputes/\(try #require(dispute["id"] as? String))/won", "")
            try await story.release()
            #expect(try await story.standing == "paid paid 10000 refunded 1800 back 0 credit 1800")
        }
    }

    @Test func `a customer who confirms in person has paid, whichever event comes first`() async throws {
        try await SandboxStory.with(token: "pm_card_authenticationRequired") { story in
            #expect(try await story.standing == "open paid 0 refunded 0 back 0 credit 0")
            let intent = try await story.payment
            // On the page the same payment is confirmed, and the bank asks.
            let method = try #require(
                try await story.fixture.query(
                    "SELECT gateway_reference FROM books.payment_methods", of: story.seller.id
                ).decode(String.self).first)
            try await story.post("/v1/payment_intents/\(intent)/confirm", "payment_method=\(method)")
            try await story.post("/_sandbox/payment_intents/\(intent)/authenticate", "", isForm: false)
            try await story.release()
            #expect(try await story.standing == "paid paid 11800 refunded 0 back 0 credit 0")
        }
    }

    @Test func `what we pay back is paid once at Stripe, and its events change nothing`() async throws {
        try await SandboxStory.with { story in
            try await story.fixture.perform(
                .refund(invoice: 1, amount: Money(minorUnits: 1800, .usd)), for: story.customer)
            try await story.drain()
            try await story.release()
            #expect(try await story.standing == "paid paid 11800 refunded 1800 back 0 credit 0")
            guard case .found(let refunds) = await story.gateway.refunds(of: try await story.payment) else {
                Issue.record("Stripe has no such payment")
                return
            }
            #expect(refunds.map(\.amount.minorUnits) == [1800])
            let known = try await story.fixture.account(story.customer).attempts.last?.reference
            #expect(known == refunds.first?.reference)
        }
    }

    @Test func `a card that is saved at Stripe's own form is charged from then on, until it is removed`() async throws {
        try await SandboxStory.with(token: "pm_card_chargeCustomerFail") { story in
            let owner = try #require(
                try await story.fixture.query("SELECT gateway_customer FROM books.customers", of: story.seller.id)
                    .decode(String.self).first)
            guard case .found(let form) = await story.gateway.beginSetup(ofCustomer: owner, key: IdempotencyKey("form"))
            else {
                Issue.record("no form")
                return
            }
            #expect(form.status == "requires_payment_method" && !"\(form)".contains(form.clientSecret))
            try await story.post("/v1/setup_intents/\(form.reference)/confirm", "payment_method=pm_card_visa")
            try await story.release()
            // What the first card could not pay, the second has paid at once.
            #expect(try await story.standing == "paid paid 11800 refunded 0 back 0 credit 0")
            let methods = try await story.fixture.query(
                "SELECT concat_ws(' ', state, gateway_reference) FROM books.payment_methods ORDER BY state",
                of: story.seller.id
            ).decode(String.self)
            #expect(methods.count == 2 && methods[0].hasPrefix("active pm_") && methods[1].hasPrefix("removed pm_"))

            let reference = String(methods[0].dropFirst("active ".count))
            let isRemoved = try await story.fixture.work(of: story.seller.id) { work in
                try await work.removePaymentMethod(known: reference, of: story.customer)
            }
            #expect(isRemoved)
            try await story.drain()
            #expect(await story.gateway.owner(ofMethod: reference) == .gone)
            #expect(try await story.fixture.account(story.customer).arrangement == nil)
        }
    }

    @Test func `what was never delivered is found by the sweep`() async throws {
        try await SandboxStory.with { story in
            try await story.trouble(#"{"drop_every": 1}"#)
            try await story.post("/v1/refunds", "payment_intent=\(story.payment)&amount=1800")
            try await story.drain()
            #expect(try await story.standing == "paid paid 11800 refunded 0 back 0 credit 0")
            // The sandbox lives by the real clock, which is after the books' time here.
            try await story.fixture.enqueue(SweepGatewayEvents())
            try await story.drain()
            #expect(try await story.standing == "paid paid 11800 refunded 1800 back 0 credit 0")
        }
    }

    @Test func `a card that Stripe has detached, and a customer it has deleted, are charged no more`() async throws {
        try await SandboxStory.with { story in
            let method = try #require(
                try await story.fixture.query(
                    "SELECT gateway_reference FROM books.payment_methods", of: story.seller.id
                ).decode(String.self).first)
            try await story.post("/v1/payment_methods/\(method)/detach", "")
            try await story.release()
            #expect(try await story.fixture.account(story.customer).arrangement == nil)
        }
    }
}
