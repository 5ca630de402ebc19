import HTTPClient
import HTTPServer
import HTTPTypes
import Observability
import Synchronization
import Testing

@testable import Web

@Suite(.timeLimit(.minutes(15))) struct HealthServiceTests {
    /// Work that counts itself, says when it begins, and ends when it is let go.
    private final class Work: Sendable {
        private let count = Atomic<Int>(0)
        private let started = AsyncStream.makeStream(of: Void.self)
        private let released = AsyncStream.makeStream(of: Void.self)

        var times: Int { count.load(ordering: .relaxed) }
        func hasBegun() async { for await _ in started.stream { return } }
        func letGo() { released.continuation.yield() }

        func run() async {
            count.add(1, ordering: .relaxed)
            started.continuation.yield()
            for await _ in released.stream { return }
        }
    }

    /// A clock that moves when told to.
    private final class Clock: Sendable {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(by duration: Duration) { time.withLock { $0 += duration } }
    }

    @Test func `what many ask for at a time is done once`() async {
        let work = Work()
        let refresh = Refresh(every: .seconds(5)) { await work.run() }
        async let first: Void = refresh.whenDue()
        await work.hasBegun()
        await withTaskGroup { tasks in
            for _ in 0..<50 { tasks.addTask { await refresh.whenDue() } }
            work.letGo()
        }
        await first
        #expect(work.times == 1)
    }

    @Test func `it is done again when the interval since its end is over`() async {
        let (work, clock) = (Work(), Clock())
        let refresh = Refresh(every: .seconds(5), now: { clock.now }, work: { await work.run() })
        async let first: Void = refresh.whenDue()
        await work.hasBegun()
        // Slower than the interval: the rest counts from the end.
        clock.advance(by: .seconds(60))
        work.letGo()
        await first
        for _ in 0..<3 { await refresh.whenDue() }
        clock.advance(by: .milliseconds(4999))
        await refresh.whenDue()
        #expect(work.times == 1)
        clock.advance(by: .milliseconds(1))
        work.letGo()
        await refresh.whenDue()
        #expect(work.times == 2)
    }

    @Test func `who asked first may go away, and the others still get the work done`() async {
        let work = Work()
        let refresh = Refresh(every: .seconds(5)) { await work.run() }
        let first = Task { await refresh.whenDue() }
        await work.hasBegun()
        first.cancel()
        async let second: Void = refresh.whenDue()
        work.letGo()
        await second
        #expect(work.times == 1)
    }

    @Test func `scrapes at any rate refresh once, and show what was refreshed`() async throws {
        let metrics = Metrics()
        let count = Atomic<Int>(0)
        let service = HealthService(metrics: metrics, readiness: { nil }) {
            metrics.set("depth", to: Double(count.add(1, ordering: .relaxed).newValue))
        }
        let server = try service.start(on: HTTPServer.Settings())
        for _ in 0..<20 {
            let answer = try await Self.get("/metrics", of: server)
            #expect(answer.status == 200)
            #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(String(decoding: answer.body, as: UTF8.self).contains("depth 1.0\n"))
        }
        await server.stop()
    }

    private struct Away: Error {}

    @Test func `a refresh that fails is counted, and the scrape is answered`() async throws {
        let service = HealthService(metrics: Metrics(), readiness: { "the database is away" }) { throw Away() }
        let server = try service.start(on: HTTPServer.Settings())
        let answer = try await Self.get("/metrics", of: server)
        #expect(answer.status == 200)
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.contains("\nbillwright_metrics_refresh_failures_total 1\n"))
        let readiness = try await Self.get("/readyz", of: server)
        #expect(readiness.status == 503)
        #expect(String(decoding: readiness.body, as: UTF8.self) == "not ready: the database is away\n")
        #expect(try await Self.get("/livez", of: server).status == 200)
        await server.stop()
    }

    private static func get(_ path: String, of server: HTTPServer) async throws -> HTTPResponse {
        try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)\(path)"))
    }
}
