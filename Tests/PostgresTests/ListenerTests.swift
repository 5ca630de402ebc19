import Postgres
import TestSupport
import Testing

@Suite(.database, .timeLimit(.minutes(15)))
struct ListenerTests {
    private typealias Events = AsyncStream<PostgresListener.Event>.Iterator

    private func connected(_ events: inout Events) async {
        while let event = await events.next() {
            if case .connected = event { return }
        }
        Issue.record("the listener ended")
    }

    private func notification(_ events: inout Events) async -> [String] {
        while let event = await events.next() {
            if case .notification(let channel, let payload) = event { return [channel, payload] }
        }
        return []
    }

    @Test func `notifications arrive in order on the channels asked for`() async throws {
        let listener = try PostgresListener(TestDatabase.current.configuration, channels: ["jobs", "Odd \"name\""])
        var events = listener.events.makeAsyncIterator()
        await connected(&events)
        let sender = try await PostgresConnection.connect(TestDatabase.current.configuration)
        _ = try await sender.pipeline([
            "SELECT pg_notify('jobs', 'a')", "SELECT pg_notify('other', 'b')", "SELECT pg_notify('Odd \"name\"', '')",
        ])
        #expect(await notification(&events) == ["jobs", "a"])
        #expect(await notification(&events) == ["Odd \"name\"", ""])
        listener.stop()
        while await events.next() != nil {}
        await sender.close()
    }

    @Test func `after the server ends the session it listens again and says so`() async throws {
        let listener = try PostgresListener(TestDatabase.current.configuration, channels: ["jobs"])
        var events = listener.events.makeAsyncIterator()
        await connected(&events)
        let other = try await PostgresConnection.connect(TestDatabase.current.configuration)
        let ended = try await other.query(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        ).only(Int.self)
        #expect(ended == 1)
        guard case .disconnected = await events.next() else { throw Unexpected(nil) }
        await connected(&events)
        _ = try await other.query("SELECT pg_notify('jobs', 'again')")
        #expect(await notification(&events) == ["jobs", "again"])
        listener.stop()
        await other.close()
    }

    @Test func `a connection that went silent is noticed`() async throws {
        let proxy = try await Proxy()
        let listener = try PostgresListener(
            proxy.configuration(of: TestDatabase.current), channels: ["jobs"], pingInterval: .milliseconds(50),
            pingTimeout: .milliseconds(200))
        var events = listener.events.makeAsyncIterator()
        await connected(&events)
        proxy.setFault(.silence)
        guard case .disconnected(.deadlineExceeded) = await events.next() else { throw Unexpected(nil) }
        proxy.setFault(.none)
        await connected(&events)
        let sender = try await PostgresConnection.connect(TestDatabase.current.configuration)
        _ = try await sender.query("SELECT pg_notify('jobs', 'back')")
        #expect(await notification(&events) == ["jobs", "back"])
        listener.stop()
        await sender.close()
        proxy.stop()
    }

    @Test func `stopping ends a wait at once`() async throws {
        let listener = try PostgresListener(
            TestDatabase.current.configuration, channels: ["jobs"], pingInterval: .seconds(600))
        var events = listener.events.makeAsyncIterator()
        await connected(&events)
        listener.stop()
        #expect(await events.next() == nil)
    }
}
