import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Dates
import GatewayEvents
import JobKit
import Money
import Postgres
import TestSupport
import Testing

/// What never reached us is found in the gateway's list, and replayed when a person says so.
@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct SweepTests {
    @discardableResult
    private func sweep(_ told: ToldInvoice, at seconds: Int = 0) async throws -> [String] {
        try await told.fixture.enqueue(SweepGatewayEvents())
        let now = told.fixture.start + .seconds(seconds)
        return try await told.fixture.drain(from: now, until: now + .seconds(60)) {
            SweepGatewayEventsHandler(gateway: "stripe", news: told.news)
            ReactToGatewayEventHandler(news: told.news)
        }.endings
    }

    @Test func `a missed event is found and worked off once, beside those that came`() async throws {
        try await ToldInvoice.with(charging: .losesAnswer) { told in
            let fixture = told.fixture
            let came = told.news.event(.other)
            try await fixture.receive("evt_came", came)
            let missed = told.news.event(.payment(told.holds(.succeeded(reference: "pi_1"))))
            told.news.list(
                ["evt_3", "evt_missed", "evt_came", "evt_1", "evt_0"].map { id in
                    fixture.arrival(id, id == "evt_missed" ? missed : came)
                })
            try await sweep(told)
            try await sweep(told)
            #expect(try await told.attempts == ["1 success"])
            let found = try await fixture.pool.query(
                "SELECT concat_ws(' ', reference, source, state) FROM books.gateway_events ORDER BY reference"
            ).decode(String.self)
            #expect(
                found == [
                    "evt_0 sweep ignored", "evt_1 sweep ignored", "evt_3 sweep ignored", "evt_came webhook ignored",
                    "evt_missed sweep done",
                ])
        }
    }

    @Test func `a sweep goes on where the last one ended, and one that fails is gone through again`() async throws {
        try await ToldInvoice.with { told in
            let fixture = told.fixture
            let other = told.news.event(.other)
            let hour = Duration.seconds(3600)
            told.news.list([
                fixture.arrival("evt_2", other, at: fixture.start - hour),
                fixture.arrival("evt_1", other, at: fixture.start - hour * 24 * 4),
            ])
            try await sweep(told)
            #expect(try await told.fixture.gatewayEvents.count == 1)
            // Later, what was made long before is not asked for any more.
            told.news.list([
                fixture.arrival("evt_4", other, at: fixture.start + hour * 2),
                fixture.arrival("evt_3", other, at: fixture.start - hour * 2),
            ])
            told.news.fail(1)
            let endings = try await sweep(told, at: 3 * 3600)
            #expect(endings.first == "failed: the payment gateway is unavailable: away")
            #expect(try await told.fixture.gatewayEvents.count == 2)
        }
    }

    @Test func `an event is replayed by a new job with its reason kept, unless one is at it`() async throws {
        try await ToldInvoice.with(charging: .losesAnswer) { told in
            let desk = GatewayEventDesk(told.fixture.pool)
            try await told.fixture.receive(
                "evt_1", told.news.event(.payment(told.holds(.succeeded(reference: "pi_1")))))
            let early = try await desk.replay(1, by: "ann", because: "in vain")
            #expect(early?.refusal?.contains("is at it, available") == true)
            try await told.drain()
            let replay = try #require(try await desk.replay(1, by: "ann", because: "the books were restored"))
            #expect(replay.before == "done" && replay.refusal == nil)
            #expect(try await told.drain() == ["completed"])
            let found = try #require(try await desk.find("evt_1"))
            #expect(found.entry.state == "ignored" && found.entry.note == "the books know")
            #expect(found.acts.map(\.reason) == ["the books were restored"] && found.acts[0].before == "done")
            #expect(try await told.attempts == ["1 success"])
            #expect(try await desk.replay(7, by: "ann", because: "no such event") == nil)
            var filter = GatewayEventDesk.Filter()
            filter.state = "ignored"
            filter.type = "te"
            #expect(try await desk.list(filter).map(\.id) == [1])
            filter.type = "x"
            #expect(try await desk.list(filter).isEmpty)
        }
    }
}
