internal import HTTPClient
internal import HTTPTypes
internal import JobKit

/// Sends calls to Stripe, again where that is certain to be harmless, and keeps account of what an earlier try of the
/// same call may have done.
struct StripeAPI: Sendable {
    /// How often and how long apart a call is sent again.
    struct Patience: Sendable {
        /// For a connection that certainly carried nothing, and where Stripe itself asks for it.
        var retries = 2
        /// While our own earlier request under this key is under way: 7.5 s in all.
        var conflictRetries = 4
        /// Doubled each time; the figures of Stripe's own libraries.
        var firstDelay = Duration.milliseconds(500)
        var longestDelay = Duration.seconds(5)

        /// Half of it at least and the rest by chance, so that workers stopped together do not come back together.
        /// `retry` counts from 1.
        func delay(before retry: Int) -> Duration {
            min(longestDelay, firstDelay * (1 << min(retry - 1, 10))) * Int.random(in: 50...100) / 100
        }
    }

    private let access: StripeAccess
    private let patience: Patience
    private let exchange: @Sendable (HTTPRequest) async -> StripeExchange
    private let limited: @Sendable (Duration) async -> Void

    /// `limited` is told when the account has called too often, and for how long nobody is to call.
    init(
        access: StripeAccess, patience: Patience = Patience(),
        limited: @escaping @Sendable (Duration) async -> Void = { _ in },
        exchange: @escaping @Sendable (HTTPRequest) async -> StripeExchange
    ) {
        self.access = access
        self.patience = patience
        self.exchange = exchange
        self.limited = limited
    }

    func send(_ call: StripeCall) async -> StripeReply {
        let request = request(call)
        var doubt: String?
        var retries = 0
        var conflicts = 0
        while true {
            let result = await exchange(request).without(access.secretKey)
            if case .answer(let answer) = result, let pause = answer.pause { await limited(pause) }
            switch result.advice {
            case .again where retries < patience.retries: retries += 1
            case .underWay where conflicts < patience.conflictRetries: conflicts += 1
            case .keep, .again, .underWay: return StripeReply(result, doubt: doubt)
            }
            doubt = doubt ?? result.doubt
            guard await pause(before: retries + conflicts) else { return StripeReply(result, doubt: doubt) }
        }
    }

    /// False when the task is cancelled: then the last result stands.
    private func pause(before retry: Int) async -> Bool {
        do {
            try await Task.sleep(for: patience.delay(before: retry))
            return true
        } catch {
            return false
        }
    }

    private func request(_ call: StripeCall) -> HTTPRequest {
        var headers: HTTPFields = [
            "Authorization": "Bearer \(access.secretKey)", "Stripe-Version": StripeGateway.apiVersion,
            "Accept": "application/json", "User-Agent": "Billwright",
        ]
        // A header and no parameter: Stripe compares parameters with those the key was first used with.
        headers["traceparent"] = TraceContext.current?.traceparent
        switch call.method {
        case .get:
            let query = call.form.text.isEmpty ? "" : "?\(call.form.text)"
            return HTTPRequest(method: "GET", url: access.base + call.path + query, headers: headers)
        case .post(let key):
            // An empty key would be no key at all, and a resend a second charge.
            precondition(!key.text.isEmpty, "a call that changes something needs an idempotency key")
            headers["Idempotency-Key"] = key.text
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return HTTPRequest(
                method: "POST", url: access.base + call.path, headers: headers, body: Array(call.form.text.utf8))
        }
    }
}

/// One call of the API.
struct StripeCall: Sendable {
    enum Method: Sendable {
        case get
        case post(key: IdempotencyKey)
    }

    let method: Method
    let path: String
    let form: FormEncoding

    static func get(_ path: String, _ query: FormEncoding) -> StripeCall {
        StripeCall(method: .get, path: path, form: query)
    }

    static func post(_ path: String, _ form: FormEncoding, key: IdempotencyKey) -> StripeCall {
        StripeCall(method: .post(key: key), path: path, form: form)
    }
}
