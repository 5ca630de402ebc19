import HTTPClient
import HTTPServer
import HTTPTypes
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct HTTPServerTests {
    private func server(
        _ change: (inout HTTPServer.Settings) -> Void = { _ in },
        _ handler: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    ) throws -> HTTPServer {
        var settings = HTTPServer.Settings()
        change(&settings)
        return try HTTPServer(settings, handler: handler)
    }

    private func url(_ server: HTTPServer, _ path: String = "/") -> String { "http://127.0.0.1:\(server.port)\(path)" }

    @Test func `a request arrives whole and its answer comes back whole`() async throws {
        let server = try server { request in
            HTTPServerResponse(
                status: 201, headers: ["X-Saw": "\(request.method) \(request.path) \(request.rawQuery)"],
                body: Array((request.headers["x-TEST"] ?? "").utf8) + request.body)
        }
        let response = try await HTTPClient().send(
            HTTPRequest(
                method: "POST", url: url(server, "/a%20b/%C3%A9?x=1&y=%26"), headers: ["X-Test": "t:"],
                body: Array("body".utf8)))
        #expect(response.status == 201)
        #expect(response.headers["X-Saw"] == "POST /a b/é x=1&y=%26")
        #expect(response.body == Array("t:body".utf8))
        await server.stop()
    }

    @Test func `many requests run at a time, all waiting for the last`() async throws {
        let count = 60
        let arrived = Mutex<[CheckedContinuation<Void, Never>]>([])
        let server = try server { _ in
            // Answers nobody until everybody is here: a server that serves fewer at a time would hang.
            await withCheckedContinuation { continuation in
                let all = arrived.withLock { waiting in
                    waiting.append(continuation)
                    return waiting.count == count ? waiting : []
                }
                for each in all { each.resume() }
            }
            return .text("ok")
        }
        let client = HTTPClient()
        let request = HTTPRequest(url: url(server))
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<count { group.addTask { try await client.send(request).status } }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 200, count: count))
        await server.stop()
    }

    @Test func `connections are reused and bodies do not leak from one request into the next`() async throws {
        let server = try server { HTTPServerResponse(status: 200, body: $0.body) }
        let client = HTTPClient()
        for number in 0..<200 {
            let body = Array(String(repeating: "\(number),", count: number).utf8)
            let request = HTTPRequest(
                method: "POST", url: url(server), headers: ["Idempotency-Key": "\(number)"], body: body)
            #expect(try await client.send(request).body == body)
        }
        await server.stop()
    }

    @Test(arguments: [(100, 200), (101, 413), (500_000, 413)])
    func `a body over the limit is answered 413 and never handled`(size: Int, status: Int) async throws {
        let handled = Atomic(false)
        let server = try server({ $0.bodyLimit = 100 }) { _ in
            handled.store(true, ordering: .relaxed)
            return .text("ok")
        }
        let response = try await HTTPClient().send(
            HTTPRequest(method: "POST", url: url(server), body: [UInt8](repeating: 65, count: size)))
        #expect(response.status == status)
        let wasHandled = handled.load(ordering: .relaxed)
        #expect(wasHandled == (status == 200))
        await server.stop()
    }

    @Test(arguments: ["/..%2Fetc", "/a/../b", "/%2e%2e/b", "/a%00b", "/a%2Fb", "/a%", "/%zz", "/%ff", "/a%0d%0ab"])
    func `a path that could mean two things is answered 400`(path: String) async throws {
        let server = try server { _ in .text("handled") }
        let client = RawClient(port: server.port)
        client.write("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(client.readToEnd().hasPrefix("HTTP/1.1 400 "))
        await server.stop()
    }

    @Test func `HEAD is answered with GET's length and no body`() async throws {
        var router = Router()
        router.on("GET", "/x") { _, _ in .text("hello") }
        let routes = router
        let server = try server { await routes.respond(to: $0) }
        let response = try await HTTPClient().send(HTTPRequest(method: "HEAD", url: url(server, "/x")))
        #expect(response.status == 200)
        #expect(response.headers["content-length"] == "5")
        #expect(response.body.isEmpty)
        await server.stop()
    }

    @Test func `a header that would split the answer makes it a 500`() async throws {
        let server = try server { _ in
            HTTPServerResponse(status: 200, headers: ["Location": "/x\r\nSet-Cookie: a=b"])
        }
        let response = try await HTTPClient().send(HTTPRequest(url: url(server)))
        #expect(response.status == 500)
        #expect(response.headers["Set-Cookie"] == nil)
        await server.stop()
    }

    @Test func `a connection without answer may have reached the server`() async throws {
        let server = try server { _ in
            var response = HTTPServerResponse.text("never seen")
            response.delivery = .closeWithoutAnswer
            return response
        }
        await #expect {
            try await HTTPClient().send(HTTPRequest(method: "POST", url: url(server)))
        } throws: { error in
            (error as? HTTPError)?.kind == .connectionLost && (error as? HTTPError)?.mayHaveReachedServer == true
        }
        await server.stop()
    }

    @Test func `a client that sends half a request is cut off`() async throws {
        let server = try server({ $0.idleSeconds = 1 }) { _ in .text("ok") }
        let client = RawClient(port: server.port)
        client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        #expect(!client.readToEnd().contains("200 OK"))
        await server.stop()
    }

    @Test func `a client that goes away does not disturb its handler or the server`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        let finished = Atomic(false)
        let server = try server { _ in
            arrived.yield()
            for await _ in releases { break }
            finished.store(true, ordering: .relaxed)
            return .text("too late")
        }
        do {
            let client = RawClient(port: server.port)
            client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            for await _ in arrivals { break }
        }
        release.yield()
        await server.stop()
        let hasFinished = finished.load(ordering: .relaxed)
        #expect(hasFinished)
    }

    @Test func `stopping waits for a running handler and answers it`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        let server = try server { _ in
            arrived.yield()
            for await _ in releases { break }
            return .text("done")
        }
        let request = HTTPRequest(url: url(server))
        async let answer = HTTPClient().send(request)
        for await _ in arrivals { break }
        async let stopped: Void = server.stop()
        release.yield()
        #expect(try await answer.body == Array("done".utf8))
        await stopped
        await #expect(throws: HTTPError.self) { try await HTTPClient().send(request) }
    }

    @Test func `stopping cancels a handler that outlives the grace and answers 503`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let server = try server { _ in
            arrived.yield()
            // Ends by cancellation only.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            return .text("never")
        }
        let request = HTTPRequest(url: url(server))
        async let answer = HTTPClient().send(request)
        for await _ in arrivals { break }
        await server.stop(grace: .milliseconds(10))
        // The answer may be cut off by the closing, but it is never the handler's.
        let status = try? await answer.status
        #expect(status == nil || status == 503)
    }

    @Test func `a taken port is an error that says so`() async throws {
        let server = try server { _ in .text("ok") }
        #expect(throws: HTTPServerError.self) {
            var settings = HTTPServer.Settings()
            settings.port = server.port
            _ = try HTTPServer(settings) { _ in .text("second") }
        }
        #expect(throws: HTTPServerError.self) {
            var settings = HTTPServer.Settings()
            settings.address = "example.com"
            _ = try HTTPServer(settings) { _ in .text("never") }
        }
        await server.stop()
    }
}
