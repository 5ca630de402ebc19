import BillingPorts
import BillingSupport
import Dates
import JobKit
import Money
import PaymentRetries
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(5)))
struct PaymentRetriesTests {
    /// One open invoice of 118.00, whose customer can be charged.
    private struct Open {
        let fixture: BillingFixture
        let gateway = CountingGateway()
        let seller: SampleSeller
        let invoice: IssuedInvoice

        static func with(netDays: Int = 0, _ body: (Open) async throws -> Void) async throws {
            try await BillingFixture.with { fixture in
                let seller = try await fixture.load([SampleCustomer()], netDays: netDays)
                let invoice = try #require(try await fixture.bill(seller).first)
                let open = Open(fixture: fixture, seller: seller, invoice: invoice)
                try await fixture.registerMethods(of: seller, at: open.gateway)
                try await body(open)
                try await fixture.expectBalancedBooks(of: seller.id)
            }
        }

        func enqueue() async throws {
            try await fixture.enqueue(ChargeInvoice(customer: seller.customer(), invoice: invoice.id))
        }

        /// Runs what comes due within `seconds` of the start.
        func drain(for seconds: Int = 0) async throws -> [String] {
            try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(seconds)) {
                ChargeInvoiceHandler(gateway: gateway, zones: fixture.zones, reconcileAfter: .seconds(300))
            }.endings
        }

        var attempts: [String] {
            get async throws {
                try await fixture.query(
                    """
                    SELECT concat_ws(' ', number, state, decline_code, decline) FROM books.payment_attempts
                     ORDER BY number
                    """, of: seller.id
                ).decode(String.self)
            }
        }

        var charges: [String] { gateway.calls.filter { $0 == "charge" || $0 == "findCharge" } }
        var keys: Set<String> { Set(gateway.charges.map(\.key.text)) }
    }

    /// How an attempt ends whose charge got no answer.
    private static let noAnswer = "failed: the payment gateway is unavailable: no answer to a charge: timed out"

    @Test func `an open invoice is charged, booked, and its receipt enqueued`() async throws {
        try await Open.with { open in
            try await open.enqueue()
            #expect(try await open.drain() == ["completed"])
            #expect(try await open.attempts == ["1 succeeded"])
            #expect(open.gateway.collected.map(\.amount.minorUnits) == [11800])
            #expect(try await open.fixture.states(of: SendReceipt.kind).count == 1)
        }
    }

    @Test func `a charge whose answer was lost is asked about, and not sent again`() async throws {
        try await Open.with { open in
            open.gateway.script(.losesAnswer)
            try await open.enqueue()
            #expect(try await open.drain(for: 299) == [Self.noAnswer, "snoozed"])
            #expect(try await open.attempts == ["1 unknown"])
            #expect(try await open.drain(for: 300) == ["completed"])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(try await open.attempts == ["1 succeeded"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `a charge that never arrived is sent again as the same attempt, under the same key`() async throws {
        try await Open.with { open in
            open.gateway.script(.losesRequest, .losesRequest, .losesAnswer)
            try await open.enqueue()
            let endings = try await open.drain(for: 3600)
            #expect(
                endings == [Self.noAnswer, "snoozed", Self.noAnswer, "snoozed", Self.noAnswer, "snoozed", "completed"])
            #expect(open.charges == ["charge", "findCharge", "charge", "findCharge", "charge", "findCharge"])
            #expect(try await open.attempts == ["1 succeeded"])
            let key = try await open.fixture.pool.query(
                "SELECT idempotency_key FROM queue.effects WHERE name = 'charge'"
            ).only(String.self)
            #expect(open.gateway.collected.count == 1 && open.keys == [key])
        }
    }

    @Test func `an unknown charge waits for a gateway that cannot be asked`() async throws {
        try await Open.with { open in
            open.gateway.script(.losesAnswer)
            open.gateway.scriptSearches(.unavailable(reason: "down"), .unavailable(reason: "down"))
            try await open.enqueue()
            let endings = try await open.drain(for: 3600)
            let failed = "failed: the payment gateway is unavailable: down"
            #expect(endings == [Self.noAnswer, "snoozed", failed, failed, "completed"])
            #expect(open.charges == ["charge", "findCharge", "findCharge", "findCharge"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test(arguments: [
        ("insufficient_funds", nil, "soft"), ("expired_card", nil, "hard"),
        ("generic_decline", "do_not_try_again", "hard"), ("authentication_required", nil, "needs_action"),
        ("live_mode_test_card", nil, "configuration"),
    ])
    func `a decline is recorded with its code and what it means`(
        code: String, advice: String?, decline: String
    ) async throws {
        try await Open.with { open in
            open.gateway.script(.declines(code: code, advice: advice))
            try await open.enqueue()
            #expect(try await open.drain(for: 3600) == ["completed"])
            #expect(try await open.attempts == ["1 declined \(code) \(decline)"])
            #expect(open.gateway.collected.isEmpty)
            #expect(try await open.fixture.states(of: SendReceipt.kind).isEmpty)
        }
    }

    @Test func `a second job does not make a declined card decline again`() async throws {
        try await Open.with { open in
            open.gateway.script(.declines(code: "lost_card", advice: nil))
            for _ in 1...2 { try await open.enqueue() }
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 declined lost_card hard"])
        }
    }

    @Test func `a charge under way is neither repeated nor booked`() async throws {
        try await Open.with { open in
            open.gateway.script(.processes)
            try await open.enqueue()
            try await open.enqueue()
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 processing"])
        }
    }

    @Test func `a charge that the customer must confirm waits for the customer`() async throws {
        try await Open.with { open in
            open.gateway.script(.requiresAction)
            try await open.enqueue()
            try await open.enqueue()
            #expect(try await open.drain(for: 3600) == ["completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 requires_action"])
        }
    }

    @Test func `a job held for our own key asks before it sends, once it is released`() async throws {
        try await Open.with { open in
            open.gateway.script(.rejects(reason: "no such key"))
            try await open.enqueue()
            let endings = try await open.drain(for: 3600)
            let held = "held: payment attempt 1 of 118.00 USD, invoice 1: the gateway refuses our requests: no such key"
            #expect(endings == [held])
            #expect(try await open.attempts == ["1 sent"])
            _ = try await open.fixture.pool.query("UPDATE queue.waiting SET state = 'scheduled', held_reason = NULL")
            #expect(try await open.drain(for: 300) == ["snoozed", "completed"])
            #expect(open.charges == ["charge", "findCharge", "charge"])
            #expect(try await open.attempts == ["1 succeeded"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `what the gateway remembers and cannot be is left to a person`() async throws {
        try await Open.with { open in
            open.gateway.script(.losesAnswer)
            open.gateway.scriptSearches(.found(.unknown(reason: "charged twice")))
            try await open.enqueue()
            let endings = try await open.drain(for: 3600)
            #expect(
                endings == [
                    Self.noAnswer, "snoozed", "held: payment attempt 1 of 118.00 USD, invoice 1: charged twice",
                ])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(try await open.attempts == ["1 unknown"])
        }
    }

    @Test func `a gateway that is away is tried again, the attempt being taken back meanwhile`() async throws {
        try await Open.with { open in
            open.gateway.script(.refusesConnection, .refusesConnection)
            try await open.enqueue()
            let failed = "failed: the payment gateway is unavailable: connection refused"
            #expect(try await open.drain() == [failed])
            #expect(try await open.attempts == ["1 intended"])
            #expect(try await open.drain(for: 3600) == [failed, "completed"])
            #expect(open.charges == ["charge", "charge", "charge"])
            #expect(try await open.attempts == ["1 succeeded"])
        }
    }

    /// An attempt that was taken back is sent again as it stands then, whatever comes of it.
    @Test(arguments: [true, false])
    func `an attempt sent again after it was taken back can still go wrong`(declines: Bool) async throws {
        try await Open.with { open in
            open.gateway.script(
                .refusesConnection, declines ? .declines(code: "lost_card", advice: nil) : .losesAnswer)
            try await open.enqueue()
            let endings = try await open.drain(for: 60)
            #expect(Array(endings.dropFirst()) == (declines ? ["completed"] : [Self.noAnswer, "snoozed"]))
            #expect(try await open.attempts == [declines ? "1 declined lost_card hard" : "1 unknown"])
            #expect(open.charges == ["charge", "charge"])
        }
    }

    @Test func `a second job for an invoice finds it paid`() async throws {
        try await Open.with { open in
            for _ in 1...3 { try await open.enqueue() }
            #expect(try await open.drain(for: 3600) == ["completed", "completed", "completed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.attempts == ["1 succeeded"])
        }
    }

    @Test func `a second job keeps off while the first does not know`() async throws {
        try await Open.with { open in
            open.gateway.script(.losesAnswer)
            for _ in 1...2 { try await open.enqueue() }
            #expect(try await open.drain(for: 299) == [Self.noAnswer, "snoozed", "snoozed"])
            #expect(open.charges == ["charge"])
            #expect(try await open.drain(for: 300) == ["completed", "completed"])
            #expect(open.charges == ["charge", "findCharge"])
            #expect(open.gateway.collected.count == 1)
        }
    }

    @Test func `an invoice of which nothing is left to pay is not charged`() async throws {
        try await Open.with { open in
            // Paid by other means, and not yet marked so.
            try await open.fixture.query("UPDATE books.invoices SET paid = total", of: open.seller.id)
            try await open.enqueue()
            #expect(try await open.drain() == ["completed"])
            #expect(open.charges.isEmpty)
            try await open.fixture.query("UPDATE books.invoices SET paid = 0", of: open.seller.id)
        }
    }

    @Test func `an invoice without a payment method waits for one`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer(token: nil)])
            let invoice = try #require(try await fixture.bill(seller).first)
            let gateway = CountingGateway()
            try await fixture.enqueue(ChargeInvoice(customer: seller.customer(), invoice: invoice.id))
            let drained = try await fixture.drain(from: fixture.start) {
                ChargeInvoiceHandler(gateway: gateway, zones: fixture.zones)
            }
            #expect(drained.endings == ["completed"])
            #expect(gateway.calls.isEmpty)
        }
    }
}
