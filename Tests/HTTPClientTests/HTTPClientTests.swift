import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct HTTPClientTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Twice: a\r\nx-twice:b\r\n\r\nok"

    private func client(_ change: (inout HTTPClient.Settings) -> Void = { _ in }) -> HTTPClient {
        var settings = HTTPClient.Settings()
        settings.totalTimeout = .seconds(20)
        change(&settings)
        return HTTPClient(settings)
    }

    private func failure(_ client: HTTPClient, _ request: HTTPRequest) async -> HTTPError? {
        do throws(HTTPError) {
            _ = try await client.send(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func `an answer comes back whole, its fields found in any case`() async throws {
        let received = Mutex("")
        let server = LoopbackListener { connection, _ in
            let head = connection.read(until: "\r\n\r\n")
            let body = connection.read(until: "b=2")
            received.withLock { $0 = head + body }
            connection.write("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n" + Self.answer)
        }
        let request = HTTPRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/v1/x?q=1", headers: ["X-Empty": "", "X-One": "1"],
            body: Array("a=1&b=2".utf8))
        let response = try await client().send(request)
        #expect(response.status == 200)
        #expect(response.headers.values(of: "X-TWICE") == ["a", "b"])
        #expect(response.headers["x-early"] == nil)
        #expect(response.body == Array("ok".utf8))
        let sent = received.withLock { $0 }
        #expect(sent.hasPrefix("POST /v1/x?q=1 HTTP/1.1\r\n"))
        #expect(sent.contains("X-One: 1\r\n") && sent.contains("X-Empty:\r\n"))
        #expect(!sent.contains("Content-Type") && !sent.contains("Expect"))
        #expect(sent.hasSuffix("\r\n\r\na=1&b=2"))
    }

    @Test func `a closed port means nothing was sent`() async {
        let url = "http://127.0.0.1:\(LoopbackListener.closedPort())/"
        let error = await failure(client(), HTTPRequest(method: "POST", url: url, body: [1]))
        #expect(error?.kind == .connect)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `a name that does not resolve means nothing was sent`() async {
        let error = await failure(client(), HTTPRequest(url: "https://nowhere.invalid/"))
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `a failed handshake means nothing was sent`() async {
        let server = LoopbackListener { connection, _ in connection.write("220 this is no TLS\r\n") }
        let url = "https://127.0.0.1:\(server.port)/"
        let error = await failure(client(), HTTPRequest(method: "POST", url: url, body: [1]))
        #expect(error?.kind == .tls)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `a handshake that hangs is a time-out with nothing sent`() async {
        let server = LoopbackListener { connection, _ in connection.awaitClose() }
        let url = "https://127.0.0.1:\(server.port)/"
        let error = await failure(
            client { $0.totalTimeout = .milliseconds(300) }, HTTPRequest(method: "POST", url: url, body: [1]))
        #expect(error?.kind == .timeout)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `a server that takes the request and closes may have acted`() async {
        let server = LoopbackListener { connection, _ in connection.read(until: "\r\n\r\n") }
        let url = "http://127.0.0.1:\(server.port)/"
        let error = await failure(client(), HTTPRequest(method: "POST", url: url, body: [1]))
        #expect(error?.kind == .connectionLost)
        #expect(error?.mayHaveReachedServer == true)
    }

    @Test func `a server that takes the request and hangs may have acted`() async {
        let server = LoopbackListener { connection, _ in connection.awaitClose() }
        let url = "http://127.0.0.1:\(server.port)/"
        let error = await failure(
            client { $0.totalTimeout = .milliseconds(300) }, HTTPRequest(method: "POST", url: url, body: [1]))
        #expect(error?.kind == .timeout)
        #expect(error?.mayHaveReachedServer == true)
    }

    @Test func `an answer cut short may have been acted on`() async {
        let server = LoopbackListener { connection, _ in
            connection.read(until: "\r\n\r\n")
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        }
        let error = await failure(client(), HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
        #expect(error?.kind == .connectionLost)
        #expect(error?.mayHaveReachedServer == true)
    }

    @Test func `an answer over the limit is refused, not kept`() async {
        let server = LoopbackListener { connection, _ in
            connection.read(until: "\r\n\r\n")
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world")
            connection.awaitClose()
        }
        let error = await failure(
            client { $0.responseBodyLimit = 10 }, HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
        #expect(error?.kind == .responseTooLarge)
        #expect(error?.mayHaveReachedServer == true)
    }

    @Test func `a redirect is an answer, not an instruction`() async throws {
        let server = LoopbackListener { connection, _ in
            connection.read(until: "\r\n\r\n")
            connection.write("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        }
        let response = try await client().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
        #expect(response.status == 302)
    }

    /// The server answers once, then takes the second request on the kept connection and closes without an answer.
    @Test(arguments: [
        (["Idempotency-Key": "k"] as HTTPFields, 3), (HTTPFields(), 2),
    ])
    func `only a repeatable request is sent again behind a dead kept connection`(
        headers: HTTPFields, expectedRequests: Int
    ) async {
        let requests = Atomic(0)
        let server = LoopbackListener { connection, _ in
            while connection.read(until: "\r\n\r\n!").hasSuffix("!") {
                let number = requests.add(1, ordering: .relaxed).newValue
                if number == 2 { return }
                connection.write(Self.answer)
            }
        }
        let client = client()
        let request = HTTPRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/", headers: headers, body: Array("!".utf8))
        #expect(await failure(client, request) == nil)
        let second = await failure(client, request)
        #expect(requests.load(ordering: .relaxed) == expectedRequests)
        #expect(second?.mayHaveReachedServer == (expectedRequests == 3 ? nil : true))
    }

    @Test(arguments: [
        HTTPRequest(url: "http://example.com/"), HTTPRequest(url: "ftp://127.0.0.1/"), HTTPRequest(url: "/relative"),
        HTTPRequest(url: "file:///etc/passwd"), HTTPRequest(url: "http://127.0.0.1.example.com/"),
        HTTPRequest(url: "http://user:word@127.0.0.1/"), HTTPRequest(method: "GET /x", url: "http://127.0.0.1/"),
        HTTPRequest(url: "http://127.0.0.1/", headers: ["X": "a\r\nY: b"]),
        HTTPRequest(url: "http://127.0.0.1/", headers: ["X Y": "a"]),
    ])
    func `what must not be sent is refused before it is`(request: HTTPRequest) async {
        let error = await failure(client(), request)
        #expect(error?.kind == .invalidRequest)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `cancelling the task drops the transfer and its connection`() async {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let (closings, closed) = AsyncStream.makeStream(of: Void.self)
        let server = LoopbackListener { connection, _ in
            connection.read(until: "\r\n\r\n")
            arrived.yield()
            connection.awaitClose()
            closed.yield()
        }
        let client = client { $0.totalTimeout = .seconds(30) }
        let url = "http://127.0.0.1:\(server.port)/"
        let sending = Task { await failure(client, HTTPRequest(url: url)) }
        for await _ in arrivals { break }
        sending.cancel()
        let error = await sending.value
        #expect(error?.kind == .cancelled)
        #expect(error?.mayHaveReachedServer == true)
        for await _ in closings { break }
    }

    @Test func `a task cancelled beforehand sends nothing`() async {
        let client = client()
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await failure(client, HTTPRequest(url: "http://127.0.0.1:\(LoopbackListener.closedPort())/"))
        }
        let error = await task.value
        #expect(error?.kind == .cancelled)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test func `requests beyond both limits are refused, and one waits for its turn at most its time-out`() async {
        let server = LoopbackListener { connection, _ in connection.awaitClose() }
        let client = client {
            $0.totalTimeout = .milliseconds(300)
            $0.maximumConcurrent = 1
            $0.maximumWaiting = 1
        }
        let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/")
        let kinds = await withTaskGroup(of: HTTPError?.self) { group in
            for _ in 0..<3 { group.addTask { await failure(client, request) } }
            return await group.reduce(into: [HTTPError?]()) { $0.append($1) }
        }
        #expect(kinds.count { $0?.kind == .tooManyWaiting } == 1)
        #expect(kinds.count { $0?.kind == .timeout } == 2)
    }
}
