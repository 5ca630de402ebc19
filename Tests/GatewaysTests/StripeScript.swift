import HTTPClient
import Synchronization

@testable import Gateways

/// A transport that plays the given exchanges in order and remembers what it was asked to send.
final class StripeScript: Sendable {
    private let state: Mutex<(left: [StripeExchange], heard: [HTTPRequest])>

    init(_ exchanges: [StripeExchange]) { state = Mutex((exchanges, [])) }

    var heard: [HTTPRequest] { state.withLock { $0.heard } }
    var bodies: [String] { heard.map { String(decoding: $0.body, as: UTF8.self) } }

    /// A gateway that speaks to this script and never waits.
    func gateway(minimalParameters: Bool = false) throws -> StripeGateway {
        var patience = StripeAPI.Patience()
        patience.firstDelay = .zero
        let access = try StripeAccess(secretKey: Self.key, apiBase: "http://127.0.0.1:9", allowsLive: false)
        return StripeGateway(
            api: StripeAPI(access: access, patience: patience) { [self] request in
                state.withLock { state in
                    state.heard.append(request)
                    return state.left.isEmpty ? .noAnswer(reason: "the script is over") : state.left.removeFirst()
                }
            }, minimalParameters: minimalParameters)
    }

    static let key = "sk_test_script"
}

extension StripeExchange {
    static func answer(_ status: Int, _ body: String, retry: Bool? = nil) -> StripeExchange {
        .answer(StripeAnswer(status: status, requestID: "req_1", shouldRetry: retry, body: Array(body.utf8)))
    }

    static func intent(_ status: String, amount: Int = 1999, currency: String = "usd") -> StripeExchange {
        .answer(200, PaymentIntent.text("pi_1", status, amount: amount, currency: currency))
    }

    static let refusedConnection = StripeExchange.notSent(reason: "refused", isPassing: true)
    static let inUse = StripeExchange.answer(
        409, #"{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use","message":"in use"}}"#)
}

extension PaymentIntent {
    /// An intent as the API writes it, without the fields we do not read but a few.
    static func text(
        _ id: String, _ status: String, amount: Int = 1999, currency: String = "usd", created: Int = 1_790_000_000,
        attempt: String = "attempt-7", error: String = "null"
    ) -> String {
        """
        {"id":"\(id)","object":"payment_intent","amount":\(amount),"amount_received":0,"currency":"\(currency)",
        "created":\(created),"customer":"cus_1","latest_charge":"ch_1","livemode":false,"status":"\(status)",
        "metadata":{"attempt_id":"\(attempt)","invoice":"INV-1"},"last_payment_error":\(error)}
        """
    }
}
