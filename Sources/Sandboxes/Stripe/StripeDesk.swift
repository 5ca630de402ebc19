internal import FoundationEssentials
internal import HTTPServer
internal import HTTPTypes
internal import Synchronization

/// Takes the sandbox's HTTP requests: who asks, with which version, how often; then faults, keys, and the service.
final class StripeDesk: Sendable {
    private let service: StripeService
    private let webhooks: StripeWebhooks?
    private let faults = StripeFaults()
    private let limiter: Mutex<RateLimiter>
    /// Of the pages that customers see; set once it is known.
    let origin = SandboxOrigin()

    init(_ settings: StripeSandbox.Settings) throws(StripeSandboxError) {
        service = try StripeService(journal: settings.journal, origin: origin)
        webhooks = settings.webhook.map(StripeWebhooks.init)
        limiter = Mutex(RateLimiter(perSecond: settings.requestsPerSecond))
    }

    /// Ends the deliveries and leaves the journal to the next sandbox.
    func stop() async {
        await webhooks?.stop()
        await service.close()
    }

    /// All paths of the sandbox.
    func router() -> Router {
        var router = Router()
        for endpoint in StripeEndpoint.all {
            router.on(endpoint.method, endpoint.path) { [self] in await serve(endpoint, $0, $1) }
        }
        router.on("GET", "/_sandbox/stats") { [self] _, _ in
            Self.json(200, await service.statistics().text)
        }
        router.on("POST", "/_sandbox/faults") { [self] request, _ in
            faults.add(request.body)
                ? Self.json(200, "{}") : Self.json(400, #"{"error":{"message":"not a plan of faults"}}"#)
        }
        router.on("DELETE", "/_sandbox/faults") { [self] _, _ in
            faults.clear()
            return Self.json(200, "{}")
        }
        StripeHostedPages(service).add(to: &router) { [webhooks] in webhooks?.deliver($0) }
        router.on("POST", "/_sandbox/webhooks") { [self] request, _ in
            webhooks?.trouble(request.body) == true
                ? Self.json(200, "{}") : Self.json(400, #"{"error":{"message":"no webhooks, or no plan of trouble"}}"#)
        }
        router.on("POST", "/_sandbox/webhooks/release") { [self] _, _ in
            await webhooks?.release()
            return Self.json(200, "{}")
        }
        router.on("POST", "/_sandbox/payment_intents/{id}/{answer}") { [self] in await authenticate($0, $1) }
        return router
    }

    /// Wraps what the router says about paths and methods it does not know into Stripe's words.
    static func unrecognized(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let error = StripeError(
            status: 404, type: "invalid_request_error",
            message: "Unrecognized request URL (\(request.method): \(request.path)). This sandbox may not know it.")
        return json(404, error.body(requestID: "req_unrecognized").text)
    }

    private func serve(
        _ endpoint: StripeEndpoint, _ request: HTTPServerRequest, _ path: [String: String]
    ) async -> HTTPServerResponse {
        let id = StripeCall.newID("req")
        do throws(StripeError) {
            try checkCaller(request)
            let asked = try Self.read(request, endpoint, path, id: id)
            let fault = faults.strike(method: request.method, path: request.path)
            if let response = try await failBefore(fault) { return response }
            let (answer, isReplay) = try await answer(endpoint, asked, fault)
            webhooks?.deliver(answer.events)
            return await deliver(answer, isReplay: isReplay, asked, fault, version: request.headers["Stripe-Version"])
        } catch {
            return response(StripeService.Answer(error, request: id), id: id, version: nil)
        }
    }

    private func checkCaller(_ request: HTTPServerRequest) throws(StripeError) {
        guard let key = Self.apiKey(request.headers["Authorization"]) else {
            throw .unauthorized("You did not provide an API key, in a header like 'Authorization: Bearer sk_test_...'.")
        }
        if key.hasPrefix("sk_live_") || key.hasPrefix("rk_live_") {
            throw .unauthorized(
                "This is a sandbox: it takes no live keys. Yours has now been sent in the clear; roll it.")
        }
        guard key.hasPrefix("sk_test_") || key.hasPrefix("rk_test_") else {
            throw .unauthorized("Invalid API Key provided: \(key.prefix(8))***")
        }
        guard Self.isVersion(request.headers["Stripe-Version"] ?? StripeSandbox.version) else {
            throw .invalid("Invalid Stripe API version: \(request.headers["Stripe-Version"] ?? "")")
        }
        guard limiter.withLock({ $0.admit() }) else { throw .rateLimit }
    }

    /// Bearer, or the user of Basic, as Stripe's own examples for curl have it.
    private static func apiKey(_ header: String?) -> String? {
        guard let header, let space = header.firstIndex(of: " ") else { return nil }
        let value = String(header[header.index(after: space)...])
        switch header[..<space].lowercased() {
        case "bearer": return value
        case "basic":
            guard let data = Data(base64Encoded: value), let text = String(validating: data, as: UTF8.self) else {
                return nil
            }
            return String(text.prefix { $0 != ":" })
        default: return nil
        }
    }

    /// `2026-10-28`, or with the name of its release: `2026-10-28.endive`.
    private static func isVersion(_ text: String) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        return date.map(\.utf8.count) == [4, 2, 2] && date.joined().utf8.allSatisfy { (48...57).contains($0) }
            && (parts.count == 1 || (!parts[1].isEmpty && parts[1].utf8.allSatisfy { (97...122).contains($0) }))
    }

    private static func read(
        _ request: HTTPServerRequest, _ endpoint: StripeEndpoint, _ path: [String: String], id: String
    ) throws(StripeError) -> StripeRequest {
        var items = request.query
        if endpoint.method == "POST" && !request.body.isEmpty {
            guard request.headers["Content-Type"]?.hasPrefix("application/x-www-form-urlencoded") == true else {
                throw .invalid("The body must be application/x-www-form-urlencoded.")
            }
            items = String(validating: request.body, as: UTF8.self).flatMap(QueryItem.parse)
        }
        guard let items else { throw .invalid("The parameters are not properly encoded.") }
        var path = path
        path["url"] = request.path
        do throws(FormTree.Fault) {
            return try StripeRequest(id: id, request: request, path: path, items: items)
        } catch {
            throw .invalid("The parameters cannot be read: \(error).")
        }
    }

    /// The faults that come before anything happens.
    private func failBefore(_ fault: StripeFaults.Plan?) async throws(StripeError) -> HTTPServerResponse? {
        switch fault?.kind {
        case .rateLimit: throw .rateLimit
        case .errorBefore: throw .serverFault
        case .resetBefore: return Self.nothing
        case .timeoutBefore:
            try? await Task.sleep(for: fault?.delay ?? .zero)
            return Self.nothing
        default: return nil
        }
    }

    private func answer(
        _ endpoint: StripeEndpoint, _ request: StripeRequest, _ fault: StripeFaults.Plan?
    ) async throws(StripeError) -> (StripeService.Answer, isReplay: Bool) {
        if let key = request.idempotencyKey {
            switch await service.admit(key: key, fingerprint: request.fingerprint) {
            case .refused(let error): throw error
            case .replay(let saved): return (StripeService.Answer(status: saved.status, body: saved.body), true)
            case .fresh: break
            }
        }
        if let fault, fault.kind == .slow { try? await Task.sleep(for: fault.delay) }
        return (await service.perform(endpoint, request, isFailing: fault?.kind == .errorAfter), false)
    }

    /// The faults that come after everything happened, else the answer.
    private func deliver(
        _ answer: StripeService.Answer, isReplay: Bool, _ request: StripeRequest, _ fault: StripeFaults.Plan?,
        version: String?
    ) async -> HTTPServerResponse {
        switch fault?.kind {
        case .resetAfter: return Self.nothing
        case .timeoutAfter:
            try? await Task.sleep(for: fault?.delay ?? .zero)
            return Self.nothing
        default:
            var response = response(answer, id: request.id, version: version)
            if let key = request.idempotencyKey { response.headers["Idempotency-Key"] = key }
            if isReplay { response.headers["Idempotent-Replayed"] = "true" }
            return response
        }
    }

    private func authenticate(_ request: HTTPServerRequest, _ path: [String: String]) async -> HTTPServerResponse {
        let id = StripeCall.newID("req")
        let answers = ["authenticate": true, "refuse": false]
        guard let succeeds = answers[path["answer"] ?? ""],
            let answer = await service.authenticate(intent: path["id"] ?? "", succeeds: succeeds, request: id)
        else { return Self.json(404, #"{"error":{"message":"no such question"}}"#) }
        webhooks?.deliver(answer.events)
        return response(answer, id: id, version: nil)
    }

    private func response(_ answer: StripeService.Answer, id: String, version: String?) -> HTTPServerResponse {
        var response = Self.json(answer.status, answer.body)
        response.headers["Request-Id"] = id
        response.headers["Stripe-Version"] = version ?? StripeSandbox.version
        for (name, value) in answer.headers { response.headers[name] = value }
        return response
    }

    private static func json(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: ["Content-Type": "application/json"], body: Array(text.utf8))
    }

    private static var nothing: HTTPServerResponse {
        var response = HTTPServerResponse(status: 500)
        response.delivery = .closeWithoutAnswer
        return response
    }
}

/// A bucket that fills at a steady rate and holds one second's worth.
struct RateLimiter {
    private let perSecond: Double?
    private var tokens: Double
    private var last = ContinuousClock.now

    init(perSecond: Int?) {
        self.perSecond = perSecond.map(Double.init)
        tokens = Double(perSecond ?? 0)
    }

    mutating func admit() -> Bool {
        guard let perSecond else { return true }
        let now = ContinuousClock.now
        tokens = min(perSecond, tokens + (now - last) / .seconds(1) * perSecond)
        last = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
