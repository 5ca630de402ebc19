internal import HTTPServer
internal import HTTPTypes

/// A stand-in for Stripe on this machine: it charges published test cards, remembers every charge on disk, and answers
/// as Stripe does where a billing engine can tell the difference.
///
/// It listens on loopback only and refuses live keys. Its journal is one JSON line a change and the truth of what was
/// charged. Control, for tests: `GET /_sandbox/stats`, `POST` and `DELETE /_sandbox/faults` (see ``StripeFaults``),
/// `POST /_sandbox/payment_intents/{id}/authenticate` and `…/refuse` for the customer who is asked by the bank;
/// `POST /_sandbox/webhooks` and `…/webhooks/release` (see ``StripeWebhooks``), and with an API key
/// `POST /_sandbox/disputes`, `…/disputes/{id}/won`, `…/refunds/{id}/fail`, `…/payment_methods/{id}/renew` and
/// `…/setup_intents/{id}/authenticate`.
public final class StripeSandbox: Sendable {
    /// The API version whose objects it writes.
    public static let version = "2026-10-28.endive"

    /// Where events go.
    public struct Webhook: Sendable {
        /// `https`, or `http` on this machine.
        public let url: String
        /// `whsec_…`; all of it is the key.
        public let secret: String

        public init(url: String, secret: String) {
            self.url = url
            self.secret = secret
        }
    }

    public struct Settings: Sendable {
        /// The file that holds everything; made when there is none.
        public var journal: String
        /// 0 takes any free port.
        public var port = 0
        /// Requests a second beyond which it answers 429; nil for no limit. Stripe's own sandboxes allow 25.
        public var requestsPerSecond: Int?
        public var webhook: Webhook?

        public init(journal: String) { self.journal = journal }
    }

    private let desk: StripeDesk
    private let server: HTTPServer

    /// Reads the journal and starts listening. Throws ``StripeSandboxError`` or ``HTTPServerError``.
    public init(_ settings: Settings) throws {
        let desk = try StripeDesk(settings)
        let router = desk.router()
        var limits = HTTPServer.Settings()
        limits.port = settings.port
        limits.bodyLimit = 256 << 10
        self.desk = desk
        server = try HTTPServer(limits) { request in
            let response = await router.respond(to: request)
            // The router alone answers in text.
            let isUnknown = [404, 405].contains(response.status) && request.segments.first != "_hosted"
            return isUnknown && response.headers["Content-Type"]?.hasPrefix("text/") == true
                ? StripeDesk.unrecognized(request) : response
        }
        desk.origin.set("http://127.0.0.1:\(server.port)")
    }

    /// The port it listens on, on 127.0.0.1.
    public var port: Int { server.port }

    /// Answers what runs, then closes. Time-outs it was told to make end at once.
    public func stop() async {
        await server.stop(grace: .seconds(1))
        await desk.stop()
    }
}
