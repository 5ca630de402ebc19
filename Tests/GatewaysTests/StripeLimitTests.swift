import BillingPorts
import Dates
import HTTPClient
import JobKit
import Money
import Synchronization
import Testing

@testable import Gateways

/// Being called too often is told to whoever keeps the rate; a locked object is nobody else's affair.
@Suite struct StripeLimitTests {
    private static let limit = #"{"error":{"type":"invalid_request_error","code":"rate_limit","message":"slow"}}"#
    private static let lock = #"{"error":{"type":"invalid_request_error","code":"lock_timeout","message":"locked"}}"#

    @Test(arguments: [
        (429, limit, 7, [7]), (429, limit, nil, [1]), (429, limit, 0, [1]), (429, limit, 86_400, [60]),
        (400, limit, nil, [1]), (429, lock, 7, []), (200, "{}", 7, []), (500, "{}", 7, []),
    ])
    func `who is told for how long`(status: Int, body: String, retryAfter: Int?, pauses: [Int]) async throws {
        let heard = Mutex<[Duration]>([])
        let access = try StripeAccess(secretKey: StripeScript.key, apiBase: "http://127.0.0.1:9", allowsLive: false)
        let answer = StripeAnswer(
            status: status, requestID: nil, shouldRetry: nil, body: Array(body.utf8), retryAfter: retryAfter)
        let api = StripeAPI(access: access, limited: { pause in heard.withLock { $0.append(pause) } }) { _ in
            .answer(answer)
        }
        let gateway = StripeGateway(api: api, minimalParameters: false)
        let outcome = await gateway.charge(
            ChargeRequest(
                key: IdempotencyKey("k"), amount: Money(minorUnits: 1999, .usd), customer: "cus_1",
                paymentMethod: "pm_1", attempt: "a", invoice: "I-1",
                announcedAt: Instant(microseconds: 1_790_000_000_000_000)))
        #expect(heard.withLock { $0 } == pauses.map { .seconds($0) })
        if status == 429 || status == 400 {
            guard case .notProcessed = outcome else {
                Issue.record("\(outcome)")
                return
            }
        }
    }
}
