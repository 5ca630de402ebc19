internal import Crypto
public import HTTPServer
internal import HTTPTypes
public import JSONText
public import Observability

/// Takes webhooks that a payment gateway has signed: verified over the bytes that came, stored, and only then answered 200.
///
/// What is not ours, too old, of the other mode or no event is answered 400 and counted, and nothing of it is stored.
/// An event that cannot be stored is answered 503, and comes again.
public struct WebhookService: Sendable {
    /// What is read of an event before it is stored.
    public struct Arrival: Sendable, Equatable {
        public let reference: String
        public let type: String
        public let isLive: Bool
        /// Seconds since 1970, by the gateway's clock.
        public let madeAt: Int64
        public let body: [UInt8]
    }

    /// What became of one delivery; the metric's label.
    public enum Outcome: String, CaseIterable, Sendable {
        case stored, duplicate, forged, stale, malformed
        case otherMode = "other_mode"
        case tooLarge = "too_large"
        case notStored = "not_stored"

        var status: Int {
            switch self {
            case .stored, .duplicate: 200
            case .forged, .stale, .malformed, .otherMode: 400
            case .tooLarge: 413
            case .notStored: 503
            }
        }
    }

    /// Stripe's largest events are a tenth of it.
    public static let bodyLimit = 256 << 10
    private static let metric = "billwright_webhook_deliveries_total"

    private let secrets: [String]
    private let isLive: Bool
    private let metrics: Metrics
    private let log: Log
    private let now: @Sendable () -> Int64
    private let store: @Sendable (Arrival) async throws -> Bool

    /// `secrets`: all that are in force, while one is being replaced two. `isLive`: whether real money is moved here.
    /// `now`: seconds since 1970. `store` answers false for what was there already.
    public init(
        secrets: [String], isLive: Bool, metrics: Metrics, log: Log, now: @escaping @Sendable () -> Int64,
        store: @escaping @Sendable (Arrival) async throws -> Bool
    ) {
        precondition(!secrets.isEmpty && !secrets.contains(""), "an empty secret would verify anybody")
        self.secrets = secrets
        self.isLive = isLive
        self.metrics = metrics
        self.log = log
        self.now = now
        self.store = store
        metrics.declare(Self.metric, .counter, help: "Deliveries of webhooks by what became of them.")
        for outcome in Outcome.allCases { _ = metrics.counter(Self.metric, ["outcome": outcome.rawValue]) }
    }

    /// Adds `POST /webhooks/stripe`.
    public func add(to router: inout Router) {
        router.on("POST", "/webhooks/stripe") { [self] request, _ in await answer(request) }
    }

    private func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        let outcome = await take(request)
        metrics.count(Self.metric, ["outcome": outcome.rawValue])
        return .text("\(outcome.rawValue)\n", status: outcome.status)
    }

    private func take(_ request: HTTPServerRequest) async -> Outcome {
        guard request.body.count <= Self.bodyLimit else { return .tooLarge }
        do throws(TimedSignature.Fault) {
            let header = request.headers["Stripe-Signature"] ?? ""
            try TimedSignature.verify(request.body, header: header, by: secrets, now: now())
        } catch {
            return error == .stale ? .stale : .forged
        }
        guard let arrival = try? Arrival(request.body) else {
            log.error("a signed webhook is no event of Stripe's", ["bytes": "\(request.body.count)"])
            return .malformed
        }
        guard arrival.isLive == isLive else {
            let mode = arrival.isLive ? "live" : "test"
            log.error(
                "a webhook of the other mode was refused: its endpoint at the gateway points here by mistake",
                ["event": arrival.reference, "mode": mode])
            return .otherMode
        }
        do { return try await store(arrival) ? .stored : .duplicate } catch {
            log.error(
                "a webhook could not be stored; it will come again", ["event": arrival.reference, "error": "\(error)"])
            return .notStored
        }
    }
}

extension WebhookService.Arrival {
    /// Reads Stripe's event object. Throws `JSONFault`.
    public init(_ body: [UInt8]) throws(JSONFault) {
        let event = try JSONNode(parsing: body)
        guard try event.required("object").string() == "event" else { throw event.fault("is no event") }
        let reference = try event.required("id").string()
        guard (1...255).contains(reference.utf8.count) else { throw event.fault("its id is no id") }
        self.init(
            reference: reference, type: try event.required("type").string(),
            isLive: try event.required("livemode").bool(),
            madeAt: try event.required("created").integer(in: 0...4_102_444_800), body: body)
    }
}
