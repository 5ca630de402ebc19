import BillingPorts
import HTTPClient
import HTTPServer
import HTTPTypes
import JobKit
import Synchronization
import Testing

@testable import Gateways

/// The gateway over real connections that end in every way.
@Suite(.timeLimit(.minutes(15))) struct StripeWireTests {
    /// Charges at a server that gives the answers in turn, then none; counts what reached it.
    private func charge(
        _ answers: [HTTPServerResponse], timeout: Duration = .seconds(20)
    ) async throws -> (outcome: ChargeOutcome, requests: Int) {
        let state = Mutex((left: answers, count: 0))
        let server = try HTTPServer { _ in
            let answer: HTTPServerResponse? = state.withLock { state in
                state.count += 1
                return state.left.isEmpty ? nil : state.left.removeFirst()
            }
            if let answer { return answer }
            // Ends when the server cancels it.
            for await _ in AsyncStream.makeStream(of: Void.self).stream {}
            return .text("")
        }
        let outcome = try await Self.gateway(port: server.port, timeout).charge(StripeChargeTests.request())
        await server.stop(grace: .zero)
        return (outcome, state.withLock { $0.count })
    }

    private static func gateway(port: Int, _ timeout: Duration = .seconds(20)) throws -> StripeGateway {
        var settings = HTTPClient.Settings()
        settings.totalTimeout = timeout
        return try StripeGateway(
            secretKey: "sk_test_1", apiBase: "http://127.0.0.1:\(port)", client: HTTPClient(settings))
    }

    @Test func `an answer's own advice on trying again is heard`() async throws {
        let wait = HTTPServerResponse(status: 429, headers: ["Stripe-Should-Retry": "true", "Request-Id": "req_7"])
        let intent = HTTPServerResponse(status: 200, body: Array(PaymentIntent.text("pi_1", "succeeded").utf8))
        let (outcome, requests) = try await charge([wait, intent])
        #expect(outcome == .succeeded(reference: "pi_1"))
        #expect(requests == 2)
        let limited = try await charge([HTTPServerResponse(status: 429, headers: ["Request-Id": "req_7"])])
        #expect(limited.outcome == .notProcessed(reason: "Stripe answered 429 (request req_7)"))
        #expect(limited.requests == 1)
    }

    @Test func `silence and a closed connection are unknown, and nothing is sent twice`() async throws {
        var closed = HTTPServerResponse(status: 200)
        closed.delivery = .closeWithoutAnswer
        for result in [try await charge([closed]), try await charge([], timeout: .milliseconds(300))] {
            guard case .unknown = result.outcome else {
                Issue.record("expected unknown, got \(result.outcome)")
                return
            }
            #expect(result.requests == 1)
        }
    }

    @Test func `a connection that nobody takes is certain, and tried again`() async throws {
        let server = try HTTPServer { _ in .text("") }
        let port = server.port
        await server.stop()
        guard case .notProcessed = try await Self.gateway(port: port).charge(StripeChargeTests.request()) else {
            Issue.record("expected notProcessed")
            return
        }
    }

    @Test func `a call carries the trace it is made under, and none where there is none`() async throws {
        let heard = Mutex<[(trace: String?, body: [UInt8])]>([])
        let intent = HTTPServerResponse(status: 200, body: Array(PaymentIntent.text("pi_1", "succeeded").utf8))
        let server = try HTTPServer { request in
            heard.withLock { $0.append((request.headers["traceparent"], request.body)) }
            return intent
        }
        let gateway = try Self.gateway(port: server.port)
        _ = await gateway.charge(StripeChargeTests.request())
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let trace: TraceContext = try #require(TraceContext(traceparent: header))
        await TraceContext.$current.withValue(trace) {
            _ = await gateway.charge(StripeChargeTests.request())
        }
        await server.stop()
        let requests = heard.withLock { $0 }
        #expect(requests.map(\.trace) == [nil, header])
        // What the key stands for does not change with the trace.
        #expect(requests[0].body == requests[1].body)
    }
}
