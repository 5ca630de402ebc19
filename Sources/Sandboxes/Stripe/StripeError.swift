/// An answer of Stripe's that is no object: its status and the members of its `error`.
///
/// `isSaved` tells whether the answer is kept under the request's idempotency key. What fails before the endpoint
/// began is not, so the same key may be used again; what failed in it is, and comes back on every repetition.
struct StripeError: Error {
    var status: Int
    var type: String
    var code: String?
    var message: String
    var param: String?
    var isSaved = false
    var card: CardError?
    var headers: [String: String] = [:]

    /// What a card error adds.
    struct CardError {
        var refusal: CardRefusal
        var charge: String?
        var intent: JSON
        var method: JSON
        /// Whether the intent is one to save a card.
        var isSetup = false
    }

    static func invalid(
        _ message: String, code: String? = nil, param: String? = nil, isSaved: Bool = false
    ) -> StripeError {
        StripeError(
            status: 400, type: "invalid_request_error", code: code, message: message, param: param, isSaved: isSaved)
    }

    static func missing(_ kind: String, _ id: String, param: String) -> StripeError {
        StripeError(
            status: 404, type: "invalid_request_error", code: "resource_missing", message: "No such \(kind): '\(id)'",
            param: param)
    }

    static func parameterMissing(_ name: String) -> StripeError {
        invalid("Missing required param: \(name).", code: "parameter_missing", param: name)
    }

    static func unauthorized(_ message: String) -> StripeError {
        StripeError(status: 401, type: "invalid_request_error", message: message)
    }

    static func idempotency(_ status: Int, code: String?, _ message: String) -> StripeError {
        StripeError(status: status, type: "idempotency_error", code: code, message: message)
    }

    static let serverFault = StripeError(
        status: 500, type: "api_error", message: "An unknown error occurred (a fault this sandbox was told to make).",
        isSaved: true)

    static let rateLimit = StripeError(
        status: 429, type: "invalid_request_error", code: "rate_limit",
        message: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        headers: ["Stripe-Rate-Limited-Reason": "global-rate"])

    /// The whole body.
    func body(requestID: String) -> JSON {
        var members: [JSON.Member] = []
        func add(_ name: String, _ value: JSON) { members.append(.init(name: name, value: value)) }
        if let card {
            if let advice = card.refusal.advice { add("advice_code", .string(advice)) }
            if let charge = card.charge { add("charge", .string(charge)) }
        }
        if let code {
            add("code", .string(code))
            add("doc_url", .string("https://stripe.com/docs/error-codes/" + code.replacing("_", with: "-")))
        }
        if let decline = card?.refusal.declineCode { add("decline_code", .string(decline)) }
        add("message", .string(message))
        if let param { add("param", .string(param)) }
        if let card {
            if !card.isSetup { add("payment_intent", card.intent) }
            add("payment_method", card.method)
        }
        if let card, card.isSetup { add("setup_intent", card.intent) }
        add("request_log_url", .string("https://dashboard.stripe.com/test/logs/\(requestID)"))
        add("type", .string(type))
        return ["error": .object(members)]
    }
}
