import Accounts
import BillingPorts
import BillingSupport
import Foundation
import GatewayEvents
import JobKit
import Postgres
import TestSupport
import Testing
import Web

/// What happens at Stripe and comes to us by webhook, as our sandbox does both.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
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
