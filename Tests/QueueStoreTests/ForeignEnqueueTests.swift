import Dates
import Foundation
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

/// Programs that are not ours enqueue in their own transaction, what they were granted and nothing else.
@Suite(.serialized, .database(migrations: QueueMigrations.all), .timeLimit(.minutes(15)))
struct ForeignEnqueueTests {
    @Test func `a foreign job is stored as Swift stores it`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            _ = try await queue.worker(kinds: [.parcels(held: .block, discarded: .skip)])
            let now = try await foreigner.query("SELECT clock_timestamp()").only(Instant.self)
            let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            let asks: [(NewJob, SQL)] = try [
                (NewJob(Ask()), ""),
                (NewJob(Ask(), dueAt: now + .seconds(3600)), ", due_at => \(now + .seconds(3600))"),
                (NewJob(Ask(), dueAt: now - .seconds(60)), ", due_at => \(now - .seconds(60))"),
                (NewJob(Ask(serialKey: "k")), ", serial_key => 'k'"),
                (NewJob(Ask(uniqueKey: "u")), ", unique_key => 'u'"),
                (
                    NewJob(Ask(uniqueKey: "u", uniqueWindow: .seconds(5400))),
                    ", unique_key => 'u', unique_window => '1 hour 30 minutes'"
                ),
                (NewJob(Ask(tenant: 7)), ", tenant => 7"), (NewJob(Ask(), priority: .urgent), ", priority => 10"),
                (NewJob(Ask(), trace: trace), ", trace => \(trace)"),
                (NewJob(Ask()), ", queue => 'standard', version => 1"),
            ]
            for (ask, options) in asks {
                try await queue.store.transaction(tenant: .all, now: now) { work in try await work.enqueue([ask]) }
                let ours = try await queue.everythingStored()
                try await queue.asOwner("TRUNCATE queue.jobs, queue.waiting, queue.unique_keys")
                _ = try await foreigner.query("SELECT queue.enqueue('parcel', '{\"number\":1}'\(options))")
                #expect(try await queue.everythingStored() == ours, "\(ask)")
                try await queue.asOwner("TRUNCATE queue.jobs, queue.waiting, queue.unique_keys")
            }
        }
    }

    @Test func `a unique key that is taken stores nothing and says so`() async throws {
        try await Foreigner.with(granted: "count") { queue, foreigner in
            let text: SQL = "SELECT queue.enqueue('count', '{}', queue => 'standard', unique_key => 'once')"
            let first = try await foreigner.query(text).only(Int64?.self)
            let second = try await foreigner.query(text).only(Int64?.self)
            #expect(first != nil && second == nil)
        }
    }

    @Test(arguments: [
        ("'[1]'", "arguments must be a JSON object"), ("NULL", "arguments must be a JSON object"),
        ("jsonb_build_object('a', repeat('x', 65536))", "65545 bytes, over the limit of 65536"),
        ("'{}', queue => 'mail'", "parcel is run from queue standard, nobody would look in mail"),
        ("'{}', priority => 40000", "the priority is not"), ("'{}', version => 0", "the version is not 1 or more"),
        ("'{}', due_at => 'infinity'", "due_at is not a time"), ("'{}', serial_key => ''", "a key is empty"),
        ("'{}', unique_key => repeat('k', 1001)", "over the limit of 1000 bytes"),
        ("'{}', unique_window => '1 hour'", "a window without a unique key"),
        ("'{}', unique_key => 'k', unique_window => '-1 hour'", "is not positive"),
    ])
    func `what no job can be is refused with what to do`(_ arguments: String, _ reason: String) async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            _ = try await queue.worker(kinds: [.parcels(held: .block, discarded: .skip)])
            let error = await #expect(throws: PostgresError.self) {
                try await foreigner.script("SELECT queue.enqueue('parcel', \(arguments))")
            }
            let text = error.map { "\($0)" } ?? ""
            #expect(error?.sqlState == "22023" && text.contains(reason), "\(text)")
        }
    }

    @Test func `it may do nothing else, not even ask`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            let tables = try await foreigner.query(
                """
                SELECT c.oid::bigint::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname IN ('queue', 'billwright') AND c.relkind IN ('r', 'p', 'v', 'S')
                   AND (CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE')
                             ELSE has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') END)
                """
            ).decode(String.self)
            #expect(tables == [])
            let functions = try await foreigner.query(
                """
                SELECT p.proname::text FROM pg_proc AS p
                 WHERE p.pronamespace = 'queue'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1
                """
            ).decode(String.self)
            #expect(functions == ["door", "enqueue", "enqueue parcel"])
            for text in [
                "SELECT queue.enqueue('letter', '{}', queue => 'standard')", "SELECT count(*) FROM queue.jobs",
                "SELECT queue.enqueue_granted('letter', NULL)", "SELECT queue.grant_enqueue(session_user, 'letter')",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await foreigner.script(text) }
                #expect(error?.sqlState == "42501", "\(text)")
            }
            try await queue.asOwner("SELECT queue.revoke_enqueue(\(foreigner.role), 'parcel')")
            let error = await #expect(throws: PostgresError.self) {
                try await foreigner.script("SELECT queue.enqueue('parcel')")
            }
            #expect(error?.sqlState == "42501")
        }
    }

    @Test func `the right is that of the role in force, not of who logged in`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, granted in
            let group = granted.role
            let text = "SELECT queue.enqueue('parcel', '{}', queue => 'standard')"
            func isRefused(_ connection: PostgresConnection) async throws -> Bool {
                do { try await connection.script(text) } catch {
                    guard error.sqlState == "42501" else { throw error }
                    return true
                }
                return false
            }
            try await Foreigner.with(queue, granted: nil) { member in
                let name = try SQL.identifier(member.role)
                #expect(try await isRefused(member.connection))
                // A member has its groups' rights.
                try await queue.asOwner("GRANT \(SQL.identifier(group)) TO \(name)")
                #expect(try await !isRefused(member.connection))
                // One that inherits nothing has them once it takes the group's role.
                try await queue.asOwner("ALTER ROLE \(name) NOINHERIT")
                #expect(try await isRefused(member.connection))
                _ = try await member.query("SET ROLE \(SQL.identifier(group))")
                #expect(try await !isRefused(member.connection))
            }
            try await Foreigner.with(queue, granted: nil) { other in
                // Who has the right and takes a role without it has it no longer.
                try await queue.asOwner("GRANT \(SQL.identifier(other.role)) TO \(SQL.identifier(group))")
                _ = try await granted.query("SET ROLE \(SQL.identifier(other.role))")
                #expect(try await isRefused(granted.connection))
                _ = try await granted.query("RESET ROLE")
                // Nor has somebody else's function that it calls, or that it does not know it calls.
                try await queue.asOwner("GRANT CREATE ON SCHEMA public TO \(SQL.identifier(other.role))")
                try await queue.asOwner("GRANT USAGE ON SCHEMA queue TO \(SQL.identifier(other.role))")
                try await queue.asOwner(
                    "GRANT EXECUTE ON FUNCTION queue.enqueue, queue.door TO \(SQL.identifier(other.role))")
                try await other.script(
                    """
                    CREATE FUNCTION public.trap() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
                        AS $$ BEGIN RETURN queue.enqueue('parcel', '{}', queue => 'standard'); END $$
                    """)
                let error = await #expect(throws: PostgresError.self) {
                    try await granted.script("SELECT public.trap()")
                }
                #expect(error?.sqlState == "42501")
            }
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 2)
        }
    }

    @Test func `what a caller puts before the catalogue is never run`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            let database = try SQL.identifier(TestDatabase.current.name)
            try await queue.asOwner("GRANT CREATE ON DATABASE \(database) TO \(SQL.identifier(foreigner.role))")
            try await foreigner.script(
                """
                CREATE SCHEMA trap;
                CREATE TABLE trap.seen (who text);
                GRANT ALL ON SCHEMA trap TO PUBLIC;
                GRANT ALL ON trap.seen TO PUBLIC;
                CREATE FUNCTION trap.spring(text, text) RETURNS text LANGUAGE plpgsql
                    AS $$ BEGIN INSERT INTO trap.seen VALUES (current_user); RETURN $1; END $$;
                CREATE FUNCTION trap.format(text, text) RETURNS text LANGUAGE sql RETURN trap.spring($1, $2);
                CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql
                    AS $$ BEGIN PERFORM trap.spring('', ''); RETURN pg_catalog.now(); END $$;
                CREATE FUNCTION trap.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
                    AS $$ BEGIN PERFORM trap.spring('', ''); END $$;
                CREATE OPERATOR trap.|| (leftarg = text, rightarg = text, function = trap.spring);
                CREATE TEMPORARY TABLE kinds AS SELECT trap.spring('', '') LIMIT 0;
                CREATE TEMPORARY TABLE jobs (id bigint);
                SET search_path = trap, pg_temp, pg_catalog
                """)
            _ = try await foreigner.query("SELECT queue.enqueue('parcel', '{}', queue => 'standard')")
            let seen = try await foreigner.query("SELECT pg_catalog.count(*) FROM trap.seen").only(Int.self)
            #expect(seen == 0)
            #expect(try await queue.counted("SELECT count(*) FROM queue.jobs") == 1)
        }
    }

    @Test func `a job exists when the caller's transaction has committed, or not at all`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            let worker = try await queue.worker(kinds: [.parcels(held: .block, discarded: .skip)])
            for (end, names) in [("ROLLBACK", []), ("COMMIT", [1])] {
                try await foreigner.script("BEGIN")
                try await foreigner.script("SELECT queue.enqueue('parcel', '{\"number\":1}')")
                #expect(try await queue.claimAny(as: worker).isEmpty)
                try await foreigner.script(end)
                #expect(try await queue.finishAll(as: worker) == names)
            }
        }
    }

    @Test func `a wake-up is sent while a worker has said that it sleeps, and only then`() async throws {
        try await Foreigner.with(granted: "parcel") { queue, foreigner in
            let (one, other) = (try await queue.worker(), try await queue.worker())
            var wakeUps = queue.store.wakeUps().makeAsyncIterator()
            _ = await wakeUps.next()
            let bell = PostgresPool(queue.pool.configuration, size: 1)
            /// Whether the next enqueue says anything before the bell that is rung after it.
            func isHeard() async throws -> Bool {
                _ = try await foreigner.query("SELECT queue.enqueue('parcel', '{}', queue => 'standard')")
                _ = try await bell.query("SELECT pg_notify('billwright_queue', 'bell')")
                let first = await wakeUps.next()
                if first == .some("bell") { return false }
                #expect(first == .some(.standard))
                #expect(await wakeUps.next() == .some("bell"))
                return true
            }
            #expect(try await !isHeard())
            await queue.store.declare(one, asleep: true, in: "elsewhere")
            #expect(try await !isHeard())
            await queue.store.declare(one, asleep: true, in: .standard)
            await queue.store.declare(other, asleep: true, in: .standard)
            #expect(try await isHeard())
            await queue.store.declare(one, asleep: false, in: .standard)
            #expect(try await isHeard())
            // Its session is gone: what nobody could hear is not sent, until it says so again.
            _ = try await queue.pool.query(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            #expect(try await !isHeard())
            await queue.store.declare(other, asleep: true, in: .standard)
            await queue.store.declare(other, asleep: true, in: .standard)
            #expect(try await isHeard())
            await queue.store.declare(other, asleep: false, in: .standard)
            #expect(try await !isHeard())
            await bell.close()
        }
    }
}

/// Arguments that name nothing of what else they state of their job.
private struct Ask: JobArguments {
    static let kind: JobKind = "parcel"
    var number = 1
    var tenant: Int64?
    var serialKey: String?
    var uniqueKey: String?
    var uniqueWindow: Duration?

    private enum CodingKeys: CodingKey { case number }
}

/// A login that has nothing but what a test grants it, and one connection.
private struct Foreigner: Sendable {
    let role: String
    let connection: PostgresConnection

    static func with(granted kind: String, _ body: (QueueFixture, Foreigner) async throws -> Void) async throws {
        try await QueueFixture.with { queue in try await with(queue, granted: kind) { try await body(queue, $0) } }
    }

    static func with(_ queue: QueueFixture, granted kind: String?, _ body: (Foreigner) async throws -> Void)
        async throws
    {
        // Roles belong to the whole server.
        let role = "hook_" + UUID().uuidString.lowercased()
        try await queue.asOwner("CREATE ROLE \(SQL.identifier(role)) LOGIN")
        if let kind { try await queue.asOwner("SELECT queue.grant_enqueue(\(role), \(kind))") }
        let connection = try await PostgresConnection.connect(try TestDatabase.current.configuration.with(user: role))
        try await body(Foreigner(role: role, connection: connection))
        await connection.close()
        try await queue.asOwner("DROP OWNED BY \(SQL.identifier(role))")
        try await queue.asOwner("DROP ROLE \(SQL.identifier(role))")
    }

    func query(_ sql: SQL) async throws -> Rows { try await connection.query(sql) }
    func script(_ text: String) async throws { try await connection.script(text) }
}

extension QueueFixture {
    fileprivate func asOwner(_ sql: SQL) async throws {
        try await TestDatabase.current.withPool(size: 1) { pool in _ = try await pool.query(sql) }
    }

    /// All that is known of the jobs there are, but for their ids and the moment they were enqueued.
    fileprivate func everythingStored() async throws -> String {
        try await pool.query(
            """
            SELECT jsonb_build_object(
                'jobs', (SELECT jsonb_agg(to_jsonb(j) - '{id,lineage,enqueued_at,due_at}'::text[]
                                          || jsonb_build_object('due', CASE WHEN due_at <> enqueued_at THEN due_at END)
                                          ORDER BY id) FROM queue.all_jobs AS j),
                'keys', (SELECT jsonb_agg(jsonb_build_array(u.kind, u.key, u.expires_at - j.enqueued_at))
                           FROM queue.unique_keys AS u JOIN queue.all_jobs AS j ON j.id = u.job))::text
            """
        ).only(String.self)
    }
}
