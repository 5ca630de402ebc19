import BillingPorts
import Crypto
import Dates
import DocumentStorage
import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import JudgeSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct S3StoreTests {
    private static func key(_ text: String = "1/invoice-ACME-0001-5f.pdf") throws -> DocumentKey {
        try #require(DocumentKey(text))
    }

    private static func now() -> Instant { Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)) }

    private static func store(
        port: Int, bucket: String = "documents", _ access: String, _ secret: String,
        clock: @escaping @Sendable () -> Instant = now
    ) -> S3Store {
        S3Store(
            S3Store.Bucket(
                scheme: "http", host: "127.0.0.1:\(port)", name: bucket, prefix: ["pdf"], region: "us-east-1"),
            S3Credentials(accessKey: access, secretKey: secret), client: HTTPClient(), clock: clock)
    }

    @Test(Judge.isHere) func `a server that checks signatures takes ours, keeps the first bytes, and no others`()
        async throws
    {
        let server = try await Judge.Server.start("s3_server.py")
        defer { server.stop() }
        let words = try await server.line().split(separator: " ").map(String.init)
        try #require(words.count == 2)
        let store = Self.store(port: server.port, words[0], words[1])
        let key = try Self.key()
        let stored = try await store.keep(Array("one".utf8), under: key)
        #expect(stored == StoredBytes(sha256: sha256("one".utf8), count: 3))
        #expect(try await store.keep(Array("other".utf8), under: key) == stored)
        #expect(try await store.bytes(under: key) == Array("one".utf8))
        let other = try Self.key("1/invoice-ACME-0002-5f.pdf")
        await #expect(throws: DocumentMissing.self) { try await store.bytes(under: other) }

        let stranger = Self.store(port: server.port, words[0], "not the secret")
        let refused = await #expect(throws: StorageFault.self) { try await stranger.keep([1], under: other) }
        #expect(refused?.description.contains("403 SignatureDoesNotMatch") == true, "\(refused?.description ?? "")")
        let nowhere = Self.store(port: server.port, bucket: "none", words[0], words[1])
        let missing = await #expect(throws: StorageFault.self) { try await nowhere.keep([1], under: other) }
        #expect(missing?.description.contains("404 NoSuchBucket") == true, "\(missing?.description ?? "")")
    }

    @Test(arguments: [412, 409]) func `a key that is taken keeps what it has`(status: Int) async throws {
        let server = try HTTPServer { request in
            request.method == "PUT" ? .text("taken", status: status) : .text("one")
        }
        let stored = try await Self.store(port: server.port, "a", "b").keep(Array("two".utf8), under: Self.key())
        #expect(stored == StoredBytes(sha256: sha256("one".utf8), count: 3))
        await server.stop()
    }

    @Test func `what goes wrong is told with the bucket's own reason`() async throws {
        let xml = "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"
        let server = try HTTPServer { _ in .text(xml, status: 503) }
        let key = try Self.key()
        let store = Self.store(port: server.port, "a", "b")
        let fault = await #expect(throws: StorageFault.self) { try await store.keep([1], under: key) }
        #expect(
            fault?.description == "cannot keep \(key): the bucket answered 503 SlowDown: Reduce your rate")
        await server.stop()
        let away = await #expect(throws: StorageFault.self) { try await store.bytes(under: key) }
        #expect(away?.description.hasPrefix("cannot reach the bucket documents at 127.0.0.1") == true)
    }

    @Test func `a link names the file, lasts as long as it says, and no longer than a week`() throws {
        let store = Self.store(port: 9, "AKIAEXAMPLE", "b")
        let now = try Instant(parsing: "2026-06-01T12:00:00Z")
        let link = try #require(
            try store.link(to: Self.key(), as: "ACME-0001\r\n\".pdf", for: .seconds(3600), now: now))
        #expect(link.hasPrefix("http://127.0.0.1:9/documents/pdf/1/invoice-ACME-0001-5f.pdf?"))
        #expect(link.contains("X-Amz-Expires=3600") && link.contains("X-Amz-Date=20260601T120000Z"))
        #expect(link.contains("response-content-disposition=attachment%3B%20filename%3D%22ACME-0001.pdf%22"))
        for seconds in [0, 604_801] {
            #expect(throws: StorageFault.self) {
                try store.link(to: Self.key(), as: "a", for: .seconds(seconds), now: now)
            }
        }
    }
}
