internal import Crypto
internal import FoundationEssentials
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

    /// What a POST to `/_sandbox/webhooks` says; what it leaves out happens to none.
    struct Trouble: Codable, Sendable {
        /// Each so-manieth event is delivered twice.
        var duplicateEvery: Int?
        /// Each so-manieth is never delivered; it can be listed.
        var dropEvery: Int?
        /// Each waits up to so long, by chance that the seed repeats, so that they come in another order.
        var delayMilliseconds: Int?
        var seed: UInt64?
        /// They are kept until `/_sandbox/webhooks/release`, and come then in the reverse of their order.
        var hold: Bool?
    }

    private struct State {
        var deliveries: [Int: Task<Void, Never>] = [:]
        var lastID = 0
        var trouble = Trouble()
        var held: [StripeEvent] = []
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

    /// False when the text is no plan.
    func trouble(_ text: [UInt8]) -> Bool {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let trouble = try? decoder.decode(Trouble.self, from: Data(text)), (trouble.duplicateEvery ?? 1) > 0,
            (trouble.dropEvery ?? 1) > 0, (trouble.delayMilliseconds ?? 0) >= 0
        else { return false }
        state.withLock { $0.trouble = trouble }
        return true
    }

    /// Delivers what is held, the last first, one after the other; returns when all that was tried.
    func release() async {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for event in held.reversed() { await deliver(event) }
    }

    func deliver(_ events: [StripeEvent]) {
        for event in events { state.withLock { schedule(event, &$0) } }
    }

    private func schedule(_ event: StripeEvent, _ state: inout State) {
        state.lastID += 1
        let (id, trouble) = (state.lastID, state.trouble)
        if let every = trouble.dropEvery, id.isMultiple(of: every) { return }
        let copies = trouble.duplicateEvery.map { id.isMultiple(of: $0) ? 2 : 1 } ?? 1
        if trouble.hold == true {
            state.held += Array(repeating: event, count: copies)
            return
        }
        let chance = StripeFaults.Plan.scramble((trouble.seed ?? 0) &+ UInt64(id))
        let delay = Duration.milliseconds(Int64(chance % UInt64((trouble.delayMilliseconds ?? 0) + 1)))
        state.deliveries[id] = Task {
            if delay > .zero { try? await Task.sleep(for: delay) }
            for _ in 0..<copies { await self.deliver(event) }
            self.state.withLock { $0.deliveries[id] = nil }
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
        HTTPRequest(
            method: "POST", url: endpoint.url,
            headers: [
                "Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (Billwright sandbox)",
                "Stripe-Signature": TimedSignature.sign(body, by: [endpoint.secret], at: Int64(time(nil))),
            ], body: body)
    }
}
