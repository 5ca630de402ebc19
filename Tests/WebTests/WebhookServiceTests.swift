import Crypto
import HTTPClient
import HTTPServer
import HTTPTypes
import JudgeSupport
import Observability
import Synchronization
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(2))) struct WebhookServiceTests {
    private static let now: Int64 = 1_764_000_000

    /// What was stored, and what becomes of the next: it fails while `isAway`.
    private final class Shelf: Sendable {
        struct Away: Error {}
        private struct State {
            var arrivals: [WebhookService.Arrival] = []
            var isAway = false
        }
        private let state = Mutex(State())

        var arrivals: [WebhookService.Arrival] { state.withLock(\.arrivals) }
        func goAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
        func take(_ arrival: WebhookService.Arrival) throws -> Bool {
            try state.withLock { state in
                if state.isAway { throw Away() }
                if state.arrivals.contains(where: { $0.reference == arrival.reference }) { return false }
                state.arrivals.append(arrival)
                return true
            }
        }
    }

    /// A listener with the service, and a client.
    private struct Bench {
        let server: HTTPServer
        let shelf = Shelf()
        let metrics = Metrics()
        let client = HTTPClient()

        init(secrets: [String] = ["whsec_old", "whsec_new"], isLive: Bool = false) throws {
            let shelf = shelf
            let service = WebhookService(
                secrets: secrets, isLive: isLive, metrics: metrics, log: Log(component: "test", threshold: .error),
                now: { WebhookServiceTests.now }, store: { try shelf.take($0) })
            var router = Router()
            service.add(to: &router)
            let routes = router
            server = try HTTPServer { await routes.respond(to: $0) }
        }

        func post(_ body: [UInt8], signature: String?) async throws -> Int {
            var request = HTTPRequest(
                method: "POST", url: "http://127.0.0.1:\(server.port)/webhooks/stripe", body: body)
            request.headers["Stripe-Signature"] = signature
            return try await client.send(request).status
        }

        func post(_ body: String, by secret: String = "whsec_new", at time: Int64 = WebhookServiceTests.now)
            async throws
            -> Int
        {
            try await post(
                Array(body.utf8), signature: TimedSignature.sign(Array(body.utf8), by: [secret], at: time))
        }

        func count(_ outcome: WebhookService.Outcome) -> Int {
            metrics.total("billwright_webhook_deliveries_total", ["outcome": outcome.rawValue])
        }
    }

    private static func event(_ id: String = "evt_1", isLive: Bool = false) -> String {
        #"{"id":"\#(id)","object":"event","type":"charge.refunded","livemode":\#(isLive),"created":1764000000,"#
            + #""data":{"object":{}}}"#
    }

    @Test func `what is signed is stored as it came, once, and answered 200 each time`() async throws {
        let bench = try Bench()
        #expect(try await bench.post(Self.event()) == 200)
        #expect(try await bench.post(Self.event(), by: "whsec_old") == 200)
        #expect(try await bench.post(Self.event("evt_2")) == 200)
        #expect(bench.shelf.arrivals.map(\.reference) == ["evt_1", "evt_2"])
        #expect(bench.shelf.arrivals[0].body == Array(Self.event().utf8))
        #expect(bench.shelf.arrivals[0].type == "charge.refunded" && bench.shelf.arrivals[0].madeAt == Self.now)
        #expect(bench.count(.stored) == 2 && bench.count(.duplicate) == 1)
        await bench.server.stop()
    }

    @Test func `what is forged, stale, of the other mode or no event is refused, counted and not stored`() async throws
    {
        let bench = try Bench()
        #expect(try await bench.post(Self.event(), by: "whsec_stolen") == 400)
        #expect(try await bench.post(Array(Self.event().utf8), signature: nil) == 400)
        #expect(try await bench.post(Array(Self.event().utf8), signature: "t=1,v1=zz") == 400)
        #expect(try await bench.post(Self.event(), at: Self.now - 301) == 400)
        #expect(try await bench.post(Self.event(isLive: true)) == 400)
        #expect(try await bench.post(#"{"id":"evt_1"}"#) == 400)
        #expect(try await bench.post("no JSON") == 400)
        #expect(bench.shelf.arrivals.isEmpty)
        #expect(bench.count(.forged) == 3 && bench.count(.stale) == 1 && bench.count(.otherMode) == 1)
        #expect(bench.count(.malformed) == 2)
        await bench.server.stop()
    }

    @Test func `a live system takes live events only`() async throws {
        let bench = try Bench(isLive: true)
        #expect(try await bench.post(Self.event(isLive: true)) == 200)
        #expect(try await bench.post(Self.event("evt_2")) == 400)
        await bench.server.stop()
    }

    @Test func `a body over the limit is refused before it is verified`() async throws {
        let bench = try Bench()
        let large = String(repeating: " ", count: WebhookService.bodyLimit)
        #expect(try await bench.post(Self.event() + large) == 413)
        #expect(bench.count(.tooLarge) == 1 && bench.shelf.arrivals.isEmpty)
        await bench.server.stop()
    }

    @Test func `what cannot be stored is to come again`() async throws {
        let bench = try Bench()
        bench.shelf.goAway(true)
        #expect(try await bench.post(Self.event()) == 503)
        bench.shelf.goAway(false)
        #expect(try await bench.post(Self.event()) == 200)
        #expect(bench.count(.notStored) == 1 && bench.count(.stored) == 1)
        await bench.server.stop()
    }

    @Test(Judge.isHere) func `what Stripe's own library signs is taken`() async throws {
        let bench = try Bench()
        let body = Array(Self.event("evt_\u{e9}").utf8)
        let signed = try await Judge.verdict(of: "stripe_sign.py", "whsec_new", "\(Self.now)", on: body)
        #expect(signed.status == 0, "\(signed.text)")
        #expect(try await bench.post(body, signature: signed.text) == 200)
        let stale = try await Judge.verdict(of: "stripe_sign.py", "whsec_new", "\(Self.now - 400)", on: body)
        #expect(try await bench.post(body, signature: stale.text) == 400)
        #expect(bench.count(.stale) == 1)
        await bench.server.stop()
    }
}
