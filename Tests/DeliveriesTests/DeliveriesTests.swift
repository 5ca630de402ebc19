import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import Deliveries
import JobKit
import Money
import PaymentRetries
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DeliveriesTests {
    @Test func `what happens in the books is told, in the transaction that causes it`() async throws {
        try await ToldSeller.with { told in
            try await told.fixture.bill(told.seller)
            try await told.charge(.declines(code: "insufficient_funds", advice: nil))
            try await told.fixture.perform(.pay(invoice: 1, amount: nil), for: told.customer)
            try await told.fixture.perform(
                .refund(invoice: 1, amount: Money(minorUnits: 100, .usd)), for: told.customer)
            try await told.fixture.perform(
                .cancel(subscription: "acme-1", when: .now, unused: .none, reason: nil), for: told.customer)
            // Moving on to a new period changes a subscription in no way that anybody was promised to hear of.
            let types = try await told.types.filter { $0 != "subscription.updated" }
            #expect(
                types == [
                    "invoice.issued", "subscription.past_due", "invoice.overdue",
                    "payment.failed", "subscription.active", "invoice.paid", "payment.refunded",
                    "subscription.cancelled",
                ])
            try await told.deliver()
            #expect(try await told.deliveries.allSatisfy { $0.hasSuffix(" delivered") })
            let bodies = told.post.deliveries.map(\.body)
            let paid = try #require(bodies.first { $0.contains("\"invoice.paid\"") })
            #expect(paid.hasPrefix(#"{"id":"evt_"#) && paid.contains(#""object":"event","type":"invoice.paid""#))
            #expect(
                paid.contains(
                    #""data":{"object":{"object":"invoice","id":"ACME-0001","customer":"acme","state":"paid""#))
        }
    }

    @Test func `an endpoint is told what it asked for, and a seller without one costs no row`() async throws {
        try await ToldSeller.with(types: ["invoice.issued", "payment.*"]) { told in
            try await told.fixture.bill(told.seller)
            try await told.charge()
            #expect(try await told.types == ["invoice.issued", "payment.succeeded"])
            let other = try await told.fixture.load([SampleCustomer()], seller: "silent")
            try await told.fixture.bill(other)
            let rows = try await told.fixture.query("SELECT count(*) FROM books.outbound_events", of: other.id)
                .decode(Int.self)
            #expect(rows == [0])
            #expect(
                try await told.fixture.query("SELECT tells_events FROM books.sellers", of: other.id).decode(Bool.self)
                    == [false])
        }
    }

    @Test func `what is not taken comes again for three days, and then the endpoint is disabled`() async throws {
        try await ToldSeller.with(types: ["invoice.issued"]) { told in
            told.post.answer(500)
            try await told.fixture.bill(told.seller)
            let endings = try await told.deliver(for: .seconds(4 * 86_400))
            #expect(endings.last == "completed" && endings.dropLast().allSatisfy { $0 == "snoozed" })
            // 15 s, 1, 5 and 30 minutes, 2 and 5 hours, then every 10 hours.
            #expect((12...16).contains(told.post.deliveries.count))
            #expect(try await told.deliveries == ["invoice.issued failed"])
            let (endpoint, _, acts) = try #require(try await told.desk.find(told.endpoint, limit: 1))
            #expect(endpoint.state == "disabled" && endpoint.disabledWhy?.contains("answered 500") == true)
            #expect(acts.map(\.verb) == ["add", "disable"])
            // Nobody is told any more.
            #expect(
                try await told.fixture.query("SELECT tells_events FROM books.sellers", of: told.seller.id)
                    .decode(Bool.self) == [false])
        }
    }

    @Test func `an endpoint that takes other events is not disabled for one`() async throws {
        try await ToldSeller.with(types: ["invoice.issued"]) { told in
            told.post.answer(500)
            try await told.fixture.bill(told.seller)
            try await told.deliver(for: .seconds(3600))
            told.post.answer(200)
            #expect(try await told.deliver(for: .seconds(4 * 86_400)) == ["completed"])
            let (endpoint, _, _) = try #require(try await told.desk.find(told.endpoint, limit: 1))
            #expect(endpoint.state == "enabled" && endpoint.failingSince == nil)
            #expect(Set(told.post.deliveries.map(\.body)).count == 1)
        }
    }

    @Test func `one that is gone is disabled at once, what waits for it skipped, and replayed when it is back`()
        async throws
    {
        try await ToldSeller.with(types: ["invoice.issued", "payment.*"]) { told in
            try await told.fixture.bill(told.seller)
            try await told.charge()
            told.post.answer(410)
            try await told.deliver()
            #expect(try await told.deliveries == ["invoice.issued failed", "payment.succeeded skipped"])
            told.post.answer(200)
            var done = [try await told.desk.set(enabled: true, told.endpoint, by: "ann", because: "moved back")]
            done.append(try await told.desk.set(enabled: true, told.endpoint, by: "ann", because: "twice"))
            #expect(done == [true, false])
            for state in ["failed", "skipped"] {
                let count = try await told.desk.replay(
                    told.endpoint, reference: nil, state: state, since: nil, limit: 10, by: "ann", because: "missed")
                #expect(count == 1)
            }
            try await told.deliver()
            #expect(try await told.deliveries == ["invoice.issued delivered", "payment.succeeded delivered"])
        }
    }

    @Test func `while a secret is replaced the old one signs beside the new, for a day`() async throws {
        try await ToldSeller.with(types: ["invoice.issued"]) { told in
            let isRotated = try await told.desk.rotate(told.endpoint, to: "whsec_new", by: "ann", because: "it leaked")
            #expect(isRotated)
            try await told.fixture.bill(told.seller)
            told.post.answer(500)
            try await told.deliver(for: .seconds(2 * 86_400))
            let secrets = told.post.deliveries.map(\.secrets)
            #expect(secrets.first == ["whsec_new", "whsec_old"] && secrets.last == ["whsec_new"])
        }
    }
}
