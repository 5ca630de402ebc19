import Accounts
import Billing
import BillingPorts
import BillingSupport
import Dates
import GatewayEvents
import JobKit
import Money
import PaymentRetries
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct GatewayEventsTests {
    @Test func `an event is stored once, with one job, however often it comes`() async throws {
        try await ToldInvoice.with { told in
            let body = told.news.event(.payment(told.holds(.succeeded(reference: "pi_1"))))
            var isNew = [try await told.fixture.receive("evt_1", body), try await told.fixture.receive("evt_1", body)]
            #expect(try await told.drain() == ["completed"])
            isNew.append(try await told.fixture.receive("evt_1", body))
            #expect(isNew == [true, false, false])
            #expect(try await told.drain() == [])
            #expect(try await told.fixture.gatewayEvents == ["ignored the books know"])
            #expect(told.news.calls == [])
        }
    }

    @Test func `the web's role adds events, and can neither read nor change them`() async throws {
        try await ToldInvoice.with { told in
            try await told.fixture.receive("evt_1", told.news.event(.other))
            let web = PostgresPool(try await TestDatabase.current.configuration(as: "billwright_web"), size: 1)
            for sql: SQL in [
                "SELECT id FROM books.gateway_events", "UPDATE books.gateway_events SET state = 'done'",
                "DELETE FROM books.gateway_events",
                "SELECT queue.enqueue('react_to_gateway_event', '{\"event\":1}', queue => 'webhooks')",
            ] {
                let refused = await #expect(throws: PostgresError.self) { _ = try await web.query(sql) }
                #expect(refused?.sqlState == "42501")
            }
            await web.close()
        }
    }

    @Test func `a charge whose answer was lost is booked when its event comes, and its effect settled`() async throws {
        try await ToldInvoice.with(charging: .losesAnswer) { told in
            let before = try await told.attempts
            #expect(before == ["1 unknown"])
            let payment = told.holds(.succeeded(reference: "pi_1"))
            #expect(try await told.tell("evt_1", .payment(payment)) == ["completed"])
            #expect(try await told.standing == "paid paid 11800 refunded 0 back 0 credit 0")
            #expect(try await told.effects == ["confirmed"])
            // The job that waited to ask finds nothing to do.
            let waiting = try await told.fixture.drain(
                from: told.fixture.start, until: told.fixture.start + .seconds(3600)
            ) { CollectPaymentsHandler(gateway: told.gateway) }
            #expect(waiting.endings == ["completed"] && told.gateway.collected.count == 1)
        }
    }

    /// Each takes the attempt from one standing to another, or leaves it.
    @Test(arguments: [
        (CountingGateway.Answer.requiresAction, ChargeOutcome.succeeded(reference: "pi_1"), ["1 success"]),
        (.requiresAction, .processing(reference: "pi_1"), ["1 processing"]),
        (.processes, .succeeded(reference: "pi_1"), ["1 success"]),
        (.processes, .declined(code: "insufficient_funds", advice: nil, reference: "pi_1"), ["1 insufficient_funds"]),
        (
            .declines(code: "card_declined", advice: nil), .succeeded(reference: "pi_1"), ["1 success"]
        ),
        (.succeeds, .declined(code: "card_declined", advice: nil, reference: "pi_1"), ["1 success"]),
        (.succeeds, .requiresAction(reference: "pi_1"), ["1 success"]),
        (
            .declines(code: "insufficient_funds", advice: nil),
            .declined(code: "lost_card", advice: nil, reference: "pi_1"), ["1 insufficient_funds"]
        ),
    ])
    func `an attempt goes on to what the gateway says, and never back`(
        first: CountingGateway.Answer, now: ChargeOutcome, standing: [String]
    ) async throws {
        try await ToldInvoice.with(charging: first) { told in
            let payment = told.holds(now)
            let endings = [
                try await told.tell("evt_1", .payment(payment)), try await told.tell("evt_2", .payment(payment)),
            ]
            #expect(endings == [["completed"], ["completed"]])
            #expect(try await told.attempts == standing)
        }
    }

    @Test func `an event that comes late asks how things stand, and that is booked`() async throws {
        try await ToldInvoice.with(charging: .processes) { told in
            let failed = told.holds(.declined(code: "insufficient_funds", advice: nil, reference: "pi_1"))
            // By now the customer has paid it.
            told.holds(.succeeded(reference: "pi_1"))
            try await told.tell("evt_1", .payment(failed))
            #expect(try await told.attempts == ["1 success"])
        }
    }

    @Test func `another amount than we asked for is held, and the books stay as they are`() async throws {
        try await ToldInvoice.with(charging: .processes) { told in
            let before = try await told.standing
            let payment = told.holds(.succeeded(reference: "pi_1"), amount: Money(minorUnits: 11_801, .usd))
            let endings = try await told.tell("evt_1", .payment(payment))
            #expect(endings.count == 1 && endings[0].hasPrefix("held: event evt_1, test: ALARM: pi_1 is over"))
            let other = told.holds(.succeeded(reference: "pi_1"), amount: Money(minorUnits: 11_800, .eur))
            #expect(try await told.tell("evt_2", .payment(other))[0].contains("ALARM"))
            #expect(try await told.standing == before)
            #expect(try await told.attempts == ["1 processing"])
            #expect(try await told.fixture.gatewayEvents == ["stored", "stored"])
        }
    }

    @Test func `what is not ours is left alone`() async throws {
        try await ToldInvoice.with { told in
            let stranger = GatewayPayment(
                reference: "pi_other", attempt: "somebody's", amount: ToldInvoice.amount,
                outcome: .succeeded(reference: "pi_other"))
            try await told.tell("evt_1", .payment(stranger))
            try await told.tell("evt_2", .refunds(payment: "pi_other"))
            try await told.tell("evt_3", .disputes(payment: "pi_other"))
            try await told.tell("evt_4", .methodDetached(reference: "pm_other"))
            try await told.tell("evt_5", .customerDeleted(reference: "cus_other"))
            try await told.tell("evt_6", .other)
            #expect(
                try await told.fixture.gatewayEvents == [
                    "ignored no payment of ours", "ignored no payment of ours", "ignored no payment of ours",
                    "ignored no method of ours", "ignored no customer of ours", "ignored not acted on",
                ])
        }
    }

    @Test func `a gateway that is away is asked again`() async throws {
        try await ToldInvoice.with(charging: .losesAnswer) { told in
            told.news.fail(2)
            let payment = told.holds(.succeeded(reference: "pi_1"))
            try await told.fixture.receive("evt_1", told.news.event(.payment(payment)))
            let away = "failed: the payment gateway is unavailable: away"
            #expect(try await told.drain(for: 60) == [away, away, "completed"])
            #expect(try await told.attempts == ["1 success"])
        }
    }

    @Test func `an event that nobody understands is held`() async throws {
        try await ToldInvoice.with { told in
            try await told.fixture.receive("evt_1", Array("{}".utf8))
            #expect(
                try await told.drain() == ["held: event evt_1, test, cannot be understood: gibberish"])
        }
    }
}
