import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import JudgeSupport
import Sandboxes
import Synchronization
import Testing

/// Stripe's own SDK judges the sandbox and the webhooks it sends.
@Suite(Judge.isHere, .timeLimit(.minutes(2))) struct StripeJudgeTests {
    private static let secret = "whsec_judge"

    @Test func `the official SDK finds the sandbox to be Stripe and takes its webhooks`() async throws {
        let folder = try TemporaryFolder()
        let received = WebhookSink()
        let sink = try HTTPServer { await received.take($0) }
        var settings = StripeSandbox.Settings(journal: folder.path("stripe.jsonl"))
        settings.webhook = StripeSandbox.Webhook(url: "http://127.0.0.1:\(sink.port)/hooks", secret: Self.secret)
        let sandbox = try StripeSandbox(settings)

        let (output, status) = try await Judge.verdict(of: "stripe_sdk_judge.py", "http://127.0.0.1:\(sandbox.port)")
        #expect(status == 0, "\(output.suffix(4000))")

        let stats = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(sandbox.port)/_sandbox/stats"))
        let counts = try #require(try JSONSerialization.jsonObject(with: Data(stats.body)) as? [String: Any])
        let lines = await received.lines(count: try #require(counts["events"] as? Int))
        let input = Array(lines.joined(separator: "\n").utf8)
        let verdict = try await Judge.verdict(of: "stripe_webhook_judge.py", Self.secret, on: input)
        #expect(verdict.status == 0, "\(verdict.text)")
        await sandbox.stop()
        await sink.stop()
    }
}

/// Keeps webhooks by their event's id; the first delivery of each is refused, so every one must come again.
actor WebhookSink {
    private var refused: Set<String> = []
    private var deliveries: [String: String] = [:]
    private var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func take(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let body = String(decoding: request.body, as: UTF8.self)
        let object = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any]
        let id = object?["id"] as? String ?? ""
        if refused.count < 10 && refused.insert(id).inserted { return .text("not now", status: 500) }
        let line = ["signature": request.headers["Stripe-Signature"] ?? "", "body": body]
        deliveries[id] = (try? JSONSerialization.data(withJSONObject: line)).map { String(decoding: $0, as: UTF8.self) }
        for waiter in waiters where deliveries.count >= waiter.count { waiter.continuation.resume() }
        waiters.removeAll { deliveries.count >= $0.count }
        return .text("ok")
    }

    /// Waits until so many events have come.
    func lines(count: Int) async -> [String] {
        if deliveries.count < count {
            await withCheckedContinuation { waiters.append((count, $0)) }
        }
        return Array(deliveries.values)
    }
}
