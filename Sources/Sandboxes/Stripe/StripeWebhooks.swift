internal import Crypto
internal import Glibc
internal import HTTPClient
internal import HTTPTypes
internal import Synchronization

/// Delivers events to one endpoint, signed as Stripe signs them, and again until it answers 2xx or the tries are spent.
///
/// As with Stripe, events may come twice and in any order. What is undelivered when the sandbox stops is not delivered
/// later; it can be listed.
final class StripeWebhooks: Sendable {
    /// Stripe tries for three days; a stand-in gives up within a minute or so.
    private static let delays: [Duration] = [.milliseconds(200), .seconds(1), .seconds(3), .seconds(10), .seconds(30)]

    private struct State {
        var deliveries: [Int: Task<Void, Never>] = [:]
        var lastID = 0
    }

    private let endpoint: StripeSandbox.Webhook
    private let client: HTTPClient
    private let state = Mutex(State())

    init(_ endpoint: StripeSandbox.Webhook) {
        self.endpoint = endpoint
        var settings = HTTPClient.Settings()
        settings.totalTimeout = .seconds(20)
        settings.maximumConcurrent = 8
        settings.maximumWaiting = 100_000
        client = HTTPClient(settings)
    }

    func deliver(_ events: [StripeEvent]) {
        for event in events {
            state.withLock { state in
                state.lastID += 1
                let id = state.lastID
                state.deliveries[id] = Task {
                    await self.deliver(event)
                    self.state.withLock { $0.deliveries[id] = nil }
                }
            }
        }
    }

    /// Ends all tries and waits for those under way.
    func stop() async {
        for delivery in state.withLock({ Array($0.deliveries.values) }) {
            delivery.cancel()
            await delivery.value
        }
    }

    private func deliver(_ event: StripeEvent) async {
        let body = Array(event.text(pendingWebhooks: 1).utf8)
        for delay in Self.delays + [nil] {
            if Task.isCancelled { return }
            let status = try? await client.send(request(body)).status
            if let status, (200..<300).contains(status) { return }
            guard let delay else { return }
            try? await Task.sleep(for: delay)
        }
    }

    /// The key is the whole secret, `whsec_` included; each try is signed anew, or an old one would be refused.
    private func request(_ body: [UInt8]) -> HTTPRequest {
        let now = "\(time(nil))"
        let code = hmacSHA256(key: endpoint.secret.utf8, Array("\(now).".utf8) + body)
        return HTTPRequest(
            method: "POST", url: endpoint.url,
            headers: [
                "Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (Billwright sandbox)",
                "Stripe-Signature": "t=\(now),v1=\(Hex.encode(code))",
            ], body: body)
    }
}
