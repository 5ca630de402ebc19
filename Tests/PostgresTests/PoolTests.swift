import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.database, .timeLimit(.minutes(15)))
struct PoolTests {
    struct Stop: Error, Equatable {}
    final class Order: Sendable { let callers = Mutex<[Int]>([]) }

    /// Waits until the pool is in the state described, by yielding to it.
    private func wait(_ pool: PostgresPool, until condition: (PostgresPool.Status) -> Bool) async {
        while !condition(await pool.status) { await Task.yield() }
    }

    @Test func `a connection left in a transaction comes back clean`() async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in
            _ = try await pool.query("CREATE TABLE t (id int8)")
            await #expect(throws: Stop()) {
                try await pool.withConnection { connection in
                    _ = try await connection.pipeline([
                        "BEGIN", "SELECT set_config('billwright.seller', '7', true)", "INSERT INTO t VALUES (1)",
                    ])
                    throw Stop()
                }
            }
            let seen = try await pool.query(
                "SELECT coalesce(current_setting('billwright.seller', true), ''), (SELECT count(*) FROM t)"
            ).only(String.self, Int.self)
            #expect(seen == ("", 0))
        }
    }

    @Test func `callers get connections in the order in which they asked`() async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in
            let order = Order()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withConnection { _ in
                    for caller in 0..<20 {
                        group.addTask {
                            try await pool.withConnection { _ in order.callers.withLock { $0.append(caller) } }
                        }
                        await wait(pool) { $0.waiting == caller + 1 }
                    }
                    #expect(await pool.status == .init(size: 1, idle: 0, leased: 1, waiting: 20))
                }
                try await group.waitForAll()
            }
            #expect(order.callers.withLock { $0 } == Array(0..<20))
        }
    }

    @Test func `no more connections are made than the pool is large`() async throws {
        try await TestDatabase.current.withPool(size: 3) { pool in
            let pids = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await pool.query("SELECT pg_backend_pid()").only(Int.self) }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(pids.count <= 3)
        }
    }

    @Test func `a caller waits no longer than its deadline and learns why`() async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in
            try await pool.withConnection { _ in
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.query("SELECT 1", deadline: .now + .milliseconds(20))
                }
                #expect(error?.description.contains("the pool is exhausted: all 1 connections") == true)
            }
            #expect(try await pool.query("SELECT 1").only(Int.self) == 1)
        }
    }

    @Test func `a caller who is cancelled leaves the queue`() async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in
            try await pool.withConnection { _ in
                let caller = Task { try await pool.query("SELECT 1") }
                await wait(pool) { $0.waiting == 1 }
                caller.cancel()
                await #expect(throws: CancellationError.self) { try await caller.value }
                #expect(await pool.status.waiting == 0)
            }
        }
    }

    @Test func `an idle connection ended by the server is replaced unnoticed`() async throws {
        let other = try await PostgresConnection.connect(TestDatabase.current.configuration)
        try await TestDatabase.current.withPool(size: 1) { pool in
            let pid = try await pool.query("SELECT pg_backend_pid()").only(Int32.self)
            _ = try await other.query("SELECT pg_terminate_backend(\(pid), 10000)")
            #expect(try await pool.query("SELECT pg_backend_pid()").only(Int32.self) != pid)
        }
        await other.close()
    }

    @Test func `a connection that broke is not lent again`() async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in
            await #expect(throws: PostgresError.self) {
                try await pool.query("SELECT pg_sleep(10)", deadline: .now + .milliseconds(100))
            }
            let one = try await pool.query("SELECT 1").only(Int.self)
            #expect(one == 1)
        }
    }

    @Test func `while the server is away a caller waits up to its deadline`() async throws {
        let pool = PostgresPool(try PostgresConfiguration("host=127.0.0.1 port=1 user=u dbname=d"), size: 1)
        let error = await #expect(throws: PostgresError.self) {
            try await pool.query("SELECT 1", deadline: .now + .milliseconds(300))
        }
        guard case .unreachable = error else { throw Unexpected(error) }
        await pool.close()
    }

    @Test func `closing refuses new callers and waits for those who hold a connection`() async throws {
        let pool = PostgresPool(try TestDatabase.current.configuration, size: 1)
        let isReturned = Mutex(false)
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (left, leave) = AsyncStream.makeStream(of: Void.self)
        let holder = Task {
            try await pool.withConnection { connection in
                enter.finish()
                for await _ in left {}
                isReturned.withLock { $0 = true }
                return try await connection.query("SELECT 1").only(Int.self)
            }
        }
        for await _ in entered {}
        let waiting = Task { try await pool.query("SELECT 1") }
        await wait(pool) { $0.waiting == 1 }
        let closing = Task { await pool.close() }
        await #expect(throws: PostgresError.self) { try await waiting.value }
        await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        leave.finish()
        await closing.value
        #expect(isReturned.withLock { $0 })
        #expect(try await holder.value == 1)
    }
}

@Suite struct PoolStateTests {
    @Test func `a place is handed on, with its connection or without`() {
        var state = PoolState<String>(size: 1)
        guard case .granted(nil) = state.lease(1), case .queued = state.lease(2), case .queued = state.lease(3) else {
            Issue.record("the first gets the place, the others wait")
            return
        }
        guard case .resume(2, "a") = state.giveBack("a"), case .resume(3, nil) = state.giveBack(nil) else {
            Issue.record("the oldest comes first")
            return
        }
        guard case .keep(nil) = state.giveBack("b"), case .granted("b") = state.lease(4) else {
            Issue.record("an idle connection is lent again")
            return
        }
        #expect(state.leased == 1)
    }

    @Test func `who has left does not get a place`() {
        var state = PoolState<String>(size: 1)
        _ = state.lease(1)
        _ = state.lease(2)
        let forgotten = [state.forget(2), state.forget(2)]
        #expect(forgotten == [true, false])
        guard case .keep = state.giveBack("a") else {
            Issue.record("nobody waits")
            return
        }
        #expect(state.leased == 0)
    }

    @Test func `a closed pool drains`() {
        var state = PoolState<String>(size: 2)
        _ = state.lease(1)
        _ = state.lease(2)
        _ = state.giveBack("a")
        #expect(state.close().idle == ["a"])
        guard case .refused = state.lease(3) else {
            Issue.record("closed")
            return
        }
        #expect(!state.isDrained)
        guard case .keep(close: "b") = state.giveBack("b") else {
            Issue.record("what comes back is closed")
            return
        }
        #expect(state.isDrained)
    }
}
