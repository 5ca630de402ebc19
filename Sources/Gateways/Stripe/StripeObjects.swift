internal import JSONText

/// Stripe's error object. Every part may be missing: it is read for what it says, not for being complete.
struct StripeFault: Sendable, Hashable {
    var type: String?
    var code: String?
    var declineCode: String?
    /// What the card network recommends: `try_again_later`, `do_not_try_again`, `confirm_card_data`.
    var adviceCode: String?
    var param: String?
    var message: String?
    /// The intent exists even when its charge was declined.
    var paymentIntent: String?

    init(body: [UInt8]) {
        let error = (try? JSONNode(parsing: body))?.member("error")
        self.init(error)
    }

    init(_ node: JSONNode?) {
        type = node?.text("type")
        code = node?.text("code")
        declineCode = node?.text("decline_code")
        adviceCode = node?.text("advice_code")
        param = node?.text("param")
        message = node?.text("message")
        paymentIntent = node?.member("payment_intent")?.text("id")
    }

    var isEmpty: Bool { type == nil && code == nil && message == nil }

    /// The bank's own word where it gave one.
    var reasonCode: String? { declineCode ?? code }

    var needsCustomer: Bool { code == "authentication_required" || declineCode == "authentication_required" }

    /// Limits were once told as 400, and a locked object is told as 429: neither was processed.
    var isLimit: Bool { code == "rate_limit" || code == "lock_timeout" }

    /// `: type, code, param x: message`, as much of it as there is. A message is cut at 300 characters.
    var summary: String {
        let words = [type, code, declineCode, param.map { "parameter \($0)" }].compactMap { $0 }.joined(separator: ", ")
        let parts = [words, String((message ?? "").prefix(300))].filter { !$0.isEmpty }
        return parts.isEmpty ? "" : ": " + parts.joined(separator: ": ")
    }
}

/// What we read of a payment intent.
struct PaymentIntent: Sendable, Hashable {
    let id: String
    let status: String
    let amount: Int64
    let currency: String
    /// Seconds since the epoch.
    let created: Int64
    let customer: String?
    /// Ours, from the metadata.
    let attempt: String?
    let lastError: StripeFault?

    static let attemptKey = "attempt_id"

    init(_ node: JSONNode) throws(JSONFault) {
        id = try node.required("id").string()
        status = try node.required("status").string()
        amount = try node.required("amount").integer()
        currency = try node.required("currency").string()
        created = try node.required("created").integer()
        customer = node.text("customer")
        attempt = node.member("metadata")?.text(PaymentIntent.attemptKey)
        lastError = node.member("last_payment_error").map { StripeFault($0) }
    }
}

extension JSONNode {
    /// The value of a key, `nil` also where this is no object or the value is null.
    func member(_ key: String) -> JSONNode? {
        guard let node = try? optional(key), node.value != .null else { return nil }
        return node
    }

    /// The text of a key, `nil` where there is none.
    func text(_ key: String) -> String? { try? member(key)?.string() }
}
