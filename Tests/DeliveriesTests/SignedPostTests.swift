import BillingPorts
import BillingSupport
import Foundation
import Gateways
import HTTPServer
import HTTPTypes
import JudgeSupport
import Synchronization
import Testing

/// What is sent to addresses that somebody else has named.
@Suite(.timeLimit(.minutes(2))) struct SignedPostTests {
    private final class Kept: Sendable {
        private let requests = Mutex<[HTTPServerRequest]>([])
        var all: [HTTPServerRequest] { requests.withLock { $0 } }
        func take(_ request: HTTPServerRequest) { requests.withLock { $0.append(request) } }
    }

    /// Answers as told and keeps what came.
    private struct Sink: Sendable {
        private let kept: Kept
        let server: HTTPServer

        init(_ answer: @escaping @Sendable () -> HTTPServerResponse = { .text("ok") }) throws {
            let kept = Kept()
            self.kept = kept
            server = try HTTPServer { request in
                kept.take(request)
                return answer()
            }
        }

        var requests: [HTTPServerRequest] { kept.all }
        var url: String { "http://127.0.0.1:\(server.port)/hooks" }
    }

    @Test(Judge.isHere) func `what is sent is an event to Stripe's own library, by either secret`() async throws {
        let sink = try Sink()
        let body = Array(
            #"{"id":"evt_1","object":"event","type":"invoice.paid","created":1,"data":{"object":{}}}"#.utf8)
        let answer = await SignedPost(allowsPrivate: true).post(
            body, to: sink.url, signedBy: ["whsec_new", "whsec_old"], now: Int64(Date().timeIntervalSince1970))
        #expect(answer == DeliveryAnswer(status: 200, error: nil))
        let request = try #require(sink.requests.first)
        #expect(request.body == body)
        let line = [
            "signature": request.headers[SignedPost.header] ?? "", "body": String(decoding: body, as: UTF8.self),
        ]
        let input = Array(try JSONSerialization.data(withJSONObject: line))
        for secret in ["whsec_new", "whsec_old"] {
            let verdict = try await Judge.verdict(of: "stripe_construct.py", secret, on: input)
            #expect(verdict.status == 0, "\(verdict.text)")
        }
        let verdict = try await Judge.verdict(of: "stripe_construct.py", "whsec_other", on: input)
        #expect(verdict.status != 0)
        await sink.server.stop()
    }

    @Test func `redirects and refusals are no delivery, and a flood is cut off`() async throws {
        let redirecting = try Sink {
            HTTPServerResponse(status: 302, headers: ["Location": "http://127.0.0.1:1/"])
        }
        let flooding = try Sink { HTTPServerResponse(status: 200, body: Array(repeating: 65, count: 80 << 10)) }
        let refusing = try Sink { .text("no", status: 500) }
        let post = SignedPost(allowsPrivate: true)
        let redirected = await post.post([], to: redirecting.url, signedBy: ["s"], now: 0)
        #expect(redirected.status == 302 && redirected.error?.contains("not followed") == true)
        #expect(await post.post([], to: flooding.url, signedBy: ["s"], now: 0).isTaken == false)
        #expect(await post.post([], to: refusing.url, signedBy: ["s"], now: 0).error == "answered 500")
        for sink in [redirecting, flooding, refusing] { await sink.server.stop() }
    }

    @Test(arguments: [
        "http://8.8.8.8/", "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://172.16.0.1/",
        "https://172.31.255.255/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/", "https://0.0.0.0/", "https://224.0.0.1/", "https://255.255.255.255/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/",
        "https://[fe80::1]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/", "https://[2001:db8::1]/", "https://[ff02::1]/", "https://2130706433/",
        "https://0x7f000001/", "https://017700000001/", "https://127.1/", "https://user:password@8.8.8.8/",
        "ftp://8.8.8.8/", "file:///etc/passwd", "https:///", "nonsense",
    ])
    func `nothing is sent to an address that is not of the public internet, in whatever notation`(url: String) async {
        let post = SignedPost(allowsPrivate: false)
        let answer = await post.post([1], to: url, signedBy: ["whsec_x"], now: 0)
        #expect(answer.status == nil && answer.error?.hasPrefix("not sent: ") == true, "\(answer)")
    }

    @Test(arguments: [
        "https://8.8.8.8/", "https://93.184.216.34:8443/x", "https://[2606:4700::1111]/", "https://172.32.0.1/",
        "https://[::ffff:8.8.8.8]/", "https://100.128.0.1/",
    ])
    func `public addresses are taken`(url: String) async throws {
        _ = try await SignedPost(allowsPrivate: false).check(url).get()
    }
}
