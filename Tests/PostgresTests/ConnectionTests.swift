import Dates
import Postgres
import TestSupport
import Testing

@Suite(.database, .timeLimit(.minutes(15)))
struct ConnectionTests {
    private func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(TestDatabase.current.configuration)
    }

    @Test func `a broken constraint is named and the connection stays usable`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8 CONSTRAINT t_key PRIMARY KEY)")
        _ = try await connection.query("INSERT INTO t VALUES (\(1))")
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("INSERT INTO t VALUES (\(1))")
        }
        #expect(error?.sqlState == "23505")
        #expect(error?.constraint == "t_key")
        #expect(error?.mayRetry == .no)
        guard case .server(let server) = error else { return }
        #expect(server.table == "t")
        #expect(server.detail == "Key (id)=(1) already exists.")
        #expect(try await connection.query("SELECT 1").only(Int.self) == 1)
        await connection.close()
    }

    @Test func `a deferred constraint that fails at the commit is an error`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8 CONSTRAINT t_key UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("INSERT INTO t VALUES (1), (1)")
        }
        #expect(error?.constraint == "t_key")
        #expect(try await connection.query("SELECT count(*) FROM t").only(Int.self) == 0)
        await connection.close()
    }

    @Test func `a deadlock may be tried again`() async throws {
        let (one, two) = (try await connect(), try await connect())
        _ = try await one.query("CREATE TABLE t AS SELECT * FROM generate_series(1, 2) AS g (id)")
        _ = try await one.pipeline(["BEGIN", "SELECT FROM t WHERE id = 1 FOR UPDATE"])
        _ = try await two.pipeline(["BEGIN", "SELECT FROM t WHERE id = 2 FOR UPDATE"])
        async let first = result { try await one.query("SELECT FROM t WHERE id = 2 FOR UPDATE") }
        async let second = result { try await two.query("SELECT FROM t WHERE id = 1 FOR UPDATE") }
        let failures = await [first, second].compactMap { result in
            if case .failure(let error) = result { error as? PostgresError } else { nil }
        }
        #expect(failures.map(\.sqlState) == ["40P01"])
        #expect(failures.map(\.mayRetry) == [.yes])
        await one.close()
        await two.close()
    }

    private func result(_ body: () async throws -> Rows) async -> Result<Rows, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    @Test func `a missed deadline closes the connection`() async throws {
        let connection = try await connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT pg_sleep(10)", deadline: .now + .milliseconds(50))
        }
        #expect(error?.mayRetry == .outcomeUnknown)
        #expect(await connection.isBroken)
        let next = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
        guard case .closed = next else { throw Unexpected(next) }
    }

    @Test func `the server itself ends a statement that takes too long`() async throws {
        var configuration = try TestDatabase.current.configuration
        configuration.sessionLimits?.statement = .milliseconds(30)
        let connection = try await PostgresConnection.connect(configuration)
        let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT pg_sleep(10)") }
        #expect(error?.sqlState == "57014")
        let limits = try await connection.query(
            """
            SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
                   current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')
            """
        ).only(String.self, String.self, String.self, String.self)
        #expect(limits == ("30ms", "10s", "1min", "billwright"))
        await connection.close()
    }

    @Test func `a running statement can be cancelled`() async throws {
        let (connection, watcher) = (try await connect(), try await connect())
        let pid = try await connection.query("SELECT pg_backend_pid()").only(Int.self)
        async let outcome = result { try await connection.query("SELECT pg_sleep(30)") }
        while try await watcher.query(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid) AND wait_event = 'PgSleep'"
        ).only(Int.self) == 0 {}
        try await connection.cancel()
        guard case .failure(let error) = await outcome else { throw Unexpected(nil) }
        #expect((error as? PostgresError)?.sqlState == "57014")
        #expect(try await connection.query("SELECT 1").only(Int.self) == 1)
        await connection.close()
        await watcher.close()
    }

    @Test func `a pipeline answers in order and is all or nothing`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8 PRIMARY KEY)")
        let answers = try await connection.pipeline((0..<500).map { "SELECT \($0)" })
        #expect(try answers.map { try $0.only(Int.self) } == Array(0..<500))
        let error = await #expect(throws: PostgresError.self) {
            try await connection.pipeline([
                "INSERT INTO t VALUES (\(1))", "INSERT INTO t VALUES (\(1))", "SELECT 1 / \(0)",
            ])
        }
        #expect(error?.sqlState == "23505")
        #expect(try await connection.query("SELECT count(*) FROM t").only(Int.self) == 0)
        await connection.close()
    }

    @Test func `statements that carry megabytes both ways do not stall`() async throws {
        let connection = try await connect()
        let blob = [UInt8](repeating: 7, count: 4 << 20)
        let answers = try await connection.pipeline(Array(repeating: "SELECT \(blob)", count: 4))
        #expect(try answers.allSatisfy { try $0.only([UInt8].self) == blob })
        await connection.close()
    }

    @Test func `more statements than the session keeps prepared still work`() async throws {
        let connection = try await connect()
        for round in 0..<2 {
            for number in 0..<300 {
                let value: SQL = try "SELECT \(number) AS \(SQL.identifier("n\(number)"))"
                #expect(try await connection.query(value).only(Int.self) == number, "round \(round)")
            }
        }
        let prepared = try await connection.query("SELECT count(*) FROM pg_prepared_statements").only(Int.self)
        #expect(prepared <= 257)
        await connection.close()
    }

    @Test func `a statement the server has forgotten or outgrown is prepared anew`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8)")
        _ = try await connection.query("SELECT * FROM t")
        try await connection.script("DEALLOCATE ALL")
        #expect(try await connection.query("SELECT * FROM t").isEmpty)
        try await connection.script("ALTER TABLE t ADD name text")
        #expect(try await connection.query("SELECT * FROM t").columns.map(\.name) == ["id", "name"])
        await connection.close()
    }

    @Test func `statements that are not prepared work the same`() async throws {
        var configuration = try TestDatabase.current.configuration
        configuration.usesPreparedStatements = false
        let connection = try await PostgresConnection.connect(configuration)
        #expect(try await connection.query("SELECT \(1) + \(2)").only(Int.self) == 3)
        #expect(try await connection.query("SELECT count(*) FROM pg_prepared_statements").only(Int.self) == 0)
        await connection.close()
    }

    @Test func `a session ended by an operator is lost with its reason`() async throws {
        let (connection, other) = (try await connect(), try await connect())
        let pid = try await connection.query("SELECT pg_backend_pid()").only(Int32.self)
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT pg_terminate_backend(\(pid)), pg_sleep(10)")
        }
        #expect(error?.mayRetry == .outcomeUnknown)
        #expect(error?.description.contains("57P01") == true, "\(String(describing: error))")
        #expect(await connection.isBroken)
        #expect(try await other.query("SELECT 1").only(Int.self) == 1)
        await other.close()
    }

    @Test func `ten thousand rows are copied in`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8 PRIMARY KEY, name text, at timestamptz)")
        var rows = CopyRows(columns: 3)
        for id in 1...10_000 { rows.append(id, id.isMultiple(of: 2) ? "n\(id)" : nil, Instant?.none) }
        let copy: SQL = "COPY t (id, name, at) FROM STDIN (FORMAT binary)"
        #expect(try await connection.copyIn(copy, rows) == 10_000)
        let counts = try await connection.query("SELECT count(*), count(name), sum(id)::int8 FROM t")
        #expect(try counts.only(Int.self, Int.self, Int.self) == (10_000, 5_000, 50_005_000))
        let error = await #expect(throws: PostgresError.self) { try await connection.copyIn(copy, rows) }
        #expect(error?.sqlState == "23505")
        let text: SQL = "COPY t (id, name) FROM STDIN"
        #expect(try await connection.copyIn(text, Array("20001\ta\n20002\tb\n".utf8)) == 2)
        await #expect(throws: PostgresError.self) { try await connection.copyIn("COPY u FROM STDIN", rows) }
        await #expect(throws: PostgresError.self) { try await connection.copyIn("SELECT 1", rows) }
        #expect(try await connection.query("SELECT count(*) FROM t").only(Int.self) == 10_002)
        await connection.close()
    }

    @Test func `a COPY in the wrong call closes the connection with an error`() async throws {
        let connection = try await connect()
        _ = try await connection.query("CREATE TABLE t (id int8)")
        await #expect(throws: PostgresError.self) { try await connection.query("COPY t FROM STDIN") }
        await #expect(throws: PostgresError.self) { try await connection.script("COPY t FROM STDIN") }
        await connection.close()
    }

    @Test func `a server that is not there is unreachable, with the place`() async throws {
        let configuration = try PostgresConfiguration("host=127.0.0.1 port=1 user=u dbname=d password=hush")
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(configuration) }
        #expect(error?.mayRetry == .yes)
        #expect(error?.description.contains("port 1 failed") == true, "\(String(describing: error))")
        #expect(error?.description.contains("hush") == false)
    }

    @Test func `a server that accepts and says nothing is given up at the deadline`() async throws {
        let proxy = try await Proxy()
        proxy.setFault(.silence)
        let configuration = try proxy.configuration(of: TestDatabase.current)
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, deadline: .now + .milliseconds(50))
        }
        #expect(error?.description.contains("did not answer in time") == true)
        proxy.stop()
    }
}

/// Another outcome than the test wants.
struct Unexpected: Error {
    let found: String
    init(_ found: (any Error)?) { self.found = String(describing: found) }
}
