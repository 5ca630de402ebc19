import Postgres
import TestSupport
import Testing

@Suite(.database, .timeLimit(.minutes(15)))
struct TransactionTests {
    struct Stop: Error, Equatable {}

    private func withTable<Value: Sendable>(
        size: Int = 2, _ body: (PostgresPool) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.current.withPool(size: size) { pool in
            _ = try await pool.query("CREATE TABLE t (id int8 CONSTRAINT t_key PRIMARY KEY)")
            return try await body(pool)
        }
    }

    private func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.query("SELECT count(*) FROM t").only(Int.self)
    }

    @Test func `a body that returns commits, one that throws rolls back and throws its own error`() async throws {
        try await withTable { pool in
            let value = try await pool.transaction { transaction in
                _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                return try await transaction.query("SELECT count(*) FROM t").only(Int.self)
            }
            #expect(value == 1)
            await #expect(throws: Stop()) {
                try await pool.transaction { transaction in
                    _ = try await transaction.query("INSERT INTO t VALUES (\(2))")
                    throw Stop()
                }
            }
            #expect(try await count(pool) == 1)
        }
    }

    @Test func `a body that swallows a statement's error cannot commit`() async throws {
        try await withTable { pool in
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { transaction in
                    _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                    _ = try? await transaction.query("INSERT INTO t VALUES (\(1))")
                }
            }
            guard case .rolledBack(let cause) = error else { throw Unexpected(error) }
            #expect(cause?.constraint == "t_key")
            let left = try await count(pool)
            #expect(left == 0)
        }
    }

    @Test func `a transaction whose BEGIN failed lets no statement commit alone`() async throws {
        try await withTable { pool in
            let connection = try await PostgresConnection.connect(pool.configuration)
            func insert(_ ids: [Int]) async throws {
                try await connection.transaction { transaction in
                    for id in ids { _ = try? await transaction.query("INSERT INTO t VALUES (\(id))") }
                }
            }
            try await insert([1])
            // BEGIN is prepared like any other statement, and now unknown to the server.
            try await connection.script("DEALLOCATE ALL")
            let error = await #expect(throws: PostgresError.self) { try await insert([2, 3]) }
            guard case .rolledBack(let cause) = error else { throw Unexpected(error) }
            #expect(cause?.sqlState == "26000")
            #expect(error?.mayRetry == .yes)
            try await insert([4])
            let ids = try await pool.query("SELECT id FROM t ORDER BY id").decode(Int.self)
            #expect(ids == [1, 4])
            await connection.close()
        }
    }

    @Test func `a deadline that has passed already sends nothing and keeps the connection`() async throws {
        try await withTable { pool in
            let connection = try await PostgresConnection.connect(pool.configuration)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query("INSERT INTO t VALUES (1)", deadline: .now - .seconds(1))
            }
            #expect(error?.mayRetry == .yes)
            let count = try await connection.query("SELECT count(*) FROM t").only(Int.self)
            #expect(count == 0)
            await connection.close()
        }
    }

    @Test func `finish commits its statements with the rest, or nothing`() async throws {
        try await withTable { pool in
            try await pool.transaction { transaction in
                _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                let answers = try await transaction.finish(with: ["INSERT INTO t VALUES (\(2))", "SELECT \(5)"])
                #expect(try answers[1].only(Int.self) == 5)
                let late = await #expect(throws: PostgresError.self) { try await transaction.query("SELECT 1") }
                guard case .closed = late else { throw Unexpected(late) }
            }
            #expect(try await count(pool) == 2)
            for swallowed in [false, true] {
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.transaction { transaction in
                        _ = try await transaction.query("INSERT INTO t VALUES (\(3))")
                        do { try await transaction.finish(with: ["INSERT INTO t VALUES (\(2))"]) } catch {
                            if !swallowed { throw error }
                        }
                    }
                }
                #expect(error?.constraint == "t_key")
            }
            #expect(try await count(pool) == 2)
        }
    }

    @Test func `isolation, access and settings hold in the transaction and not after it`() async throws {
        try await withTable(size: 1) { pool in
            let inside = try await pool.transaction(
                settings: [.init("billwright.seller", "7"), .init("billwright.other", "x'y")],
                isolation: .serializable, readOnly: true
            ) { transaction in
                try await transaction.query(
                    """
                    SELECT current_setting('billwright.seller'), current_setting('billwright.other'),
                           current_setting('transaction_isolation'), current_setting('transaction_read_only')
                    """
                ).only(String.self, String.self, String.self, String.self)
            }
            #expect(inside == ("7", "x'y", "serializable", "on"))
            let after = try await pool.query("SELECT current_setting('billwright.seller', true)").only(String?.self)
            #expect(after == nil || after == "")
        }
    }

    @Test func `a transaction that runs nothing costs nothing and its value dies with it`() async throws {
        try await withTable { pool in
            let kept = try await pool.transaction { $0 }
            let error = await #expect(throws: PostgresError.self) { try await kept.query("SELECT 1") }
            guard case .closed = error else { throw Unexpected(error) }
        }
    }

    @Test func `rows are copied inside a transaction, its first statement too`() async throws {
        try await withTable { pool in
            var rows = CopyRows(columns: 1)
            for id in 1...3 { rows.append(id) }
            await #expect(throws: Stop()) {
                try await pool.transaction { transaction in
                    #expect(try await transaction.copyIn("COPY t FROM STDIN (FORMAT binary)", rows) == 3)
                    throw Stop()
                }
            }
            let left = try await count(pool)
            #expect(left == 0)
        }
    }

    @Test func `a commit whose answer is lost is unknown, and was done here`() async throws {
        let proxy = try await Proxy()
        let database = try TestDatabase.current
        try await withTable { pool in
            proxy.setFault(.cutAfter("COMMIT\0"))
            let connection = try await PostgresConnection.connect(proxy.configuration(of: database))
            let error = await #expect(throws: PostgresError.self) {
                try await connection.transaction { transaction in
                    _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                }
            }
            guard case .commitUnknown = error else { throw Unexpected(error) }
            #expect(error?.mayRetry == .outcomeUnknown)
            let left = try await count(pool)
            #expect(left == 1)
        }
        proxy.stop()
    }

    @Test func `a connection lost before the commit rolled its work back`() async throws {
        let proxy = try await Proxy()
        let database = try TestDatabase.current
        try await withTable { pool in
            proxy.setFault(.cutAfter("INSERT"))
            let connection = try await PostgresConnection.connect(proxy.configuration(of: database))
            let error = await #expect(throws: PostgresError.self) {
                try await connection.transaction { transaction in
                    _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                }
            }
            guard case .connectionLost(_, rolledBack: true) = error else { throw Unexpected(error) }
            #expect(error?.mayRetry == .yes)
        }
        proxy.stop()
    }

    @Test func `an operator who ends the session in a transaction leaves it to be tried again`() async throws {
        try await withTable { pool in
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { transaction in
                    _ = try await transaction.query("INSERT INTO t VALUES (\(1))")
                    _ = try await transaction.query("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)")
                }
            }
            #expect(error?.sqlState == "57P01")
            #expect(error?.mayRetry == .yes)
            let left = try await count(pool)
            #expect(left == 0)
        }
    }
}
