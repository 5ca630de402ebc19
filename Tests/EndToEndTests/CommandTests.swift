import Foundation
import HTTPClient
import LocalPostgres
import Postgres
import Processes
import TestSupport
import Testing

/// Commands on a database that they did not make, and the binary by itself.
@Suite(.timeLimit(.minutes(15))) struct CommandTests {
    /// The running test's database, as `DATABASE_URL` takes it.
    static func database() throws -> [String: String] {
        let server = try #require(ProcessInfo.processInfo.environment[TestCluster.variable])
        return ["DATABASE_URL": "\(server) dbname=\(try TestDatabase.current.name)"]
    }

    @Test(.database) func `migrations are applied once and never changed afterwards`() async throws {
        let environment = try Self.database()
        let (before, pending) = try await Run.finish(["migrate", "--status"], environment: environment)
        #expect(before == .code(1))
        let files = pending.output.compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(pending.output == files.map { "\($0)  pending" } && files.count >= 3)

        let (first, applied) = try await Run.finish(["migrate"], environment: environment)
        #expect(first == .code(0) && applied.output == files.map { "applied \($0)" }, "\(applied.everything)")
        let (second, nothing) = try await Run.finish(["migrate"], environment: environment)
        #expect(second == .code(0) && nothing.output == ["nothing to do: the schema is up to date"])
        let (after, status) = try await Run.finish(["migrate", "--status"], environment: environment)
        #expect(after == .code(0) && status.output.allSatisfy { $0.contains("  applied 2") })

        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query(
                "UPDATE billwright_migrations SET checksum = sha256('another text') WHERE number = 2")
        }
        let (refused, complaint) = try await Run.finish(["migrate"], environment: environment)
        #expect(refused == .code(1) && complaint.output == [])
        #expect(complaint.errors.count == 1 && complaint.errors[0].contains(files[1]), "\(complaint.everything)")
    }

    @Test(.database) func `the binary runs alone from an empty folder`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-alone-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let binary = "\(folder)/billwright"
        try FileManager.default.copyItem(atPath: Run.binary, toPath: binary)
        let environment = try Self.database()
        let commands = [
            ["--help"], ["load", "--check", "--customers", "practice-customers.json"], ["migrate"],
            ["load", "--customers", "practice-customers.json"],
        ]
        for words in commands {
            let (status, run) = try await Run.finish(words, environment: environment, binary: binary, folder: folder)
            #expect(status == .code(0), "\(words): \(run.everything)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["billwright"])
    }

    @Test func `a worker waits for a database that is away, says so, and gives up with the reason`() async throws {
        // Time for a second try: the first may be a slow one. One that does not give up is killed at the limit.
        let (status, run) = try await Run.finish(
            ["worker", "--database-wait", "5s"], environment: Self.awayEnvironment, limit: .seconds(60))
        #expect(status == .code(1))
        #expect(run.errors.contains { $0.contains("the database is away; waiting") }, "\(run.everything)")
        #expect(run.errors.last?.contains("Connection refused") == true, "\(run.everything)")
    }

    @Test func `a worker that waits for its database obeys SIGTERM`() async throws {
        let run = try await Run.start(["worker"], environment: Self.awayEnvironment, limit: .seconds(20))
        _ = try #require(await run.line { $0.contains("the database is away; waiting") })
        run.send(.terminate)
        let ending = await run.ended()
        #expect(ending == .code(0) || ending == .code(1), "\(run.everything)")
    }

    /// A port that nobody listens on.
    private static let awayEnvironment = [
        "DATABASE_URL": "host=127.0.0.1 port=1 user=nobody", "STRIPE_SECRET_KEY": "sk_test_12345",
        "BILLWRIGHT_SMTP_URL": "smtp://127.0.0.1:9",
    ]

    @Test(.database) func `the doctor says what is wrong and how to mend it`() async throws {
        let (status, run) = try await Run.finish(["doctor"], environment: try Self.database())
        #expect(status == .code(1))
        let said = run.output.joined(separator: "\n")
        #expect(said.contains("ok    database: "))
        #expect(said.contains("MEND  schema: ") && said.contains("run `billwright migrate` as the owner"))
        #expect(said.contains("MEND  role: postgres escapes row-level security"))
        #expect(said.contains("--stripe-key or STRIPE_SECRET_KEY must be set"))
    }
}

extension Installations {
    /// A running installation answers for itself.
    @Suite(.timeLimit(.minutes(15))) struct RunningTests {
        @Test func `health, metrics, jobs and doctor tell of a running installation; nobody in it is a superuser`()
            async throws
        {
            try await Installation.lend(customers: 6) { installation in
                let up = try await installation.up()
                _ = try #require(await up.line { $0.hasPrefix("running;") }, "\(up.everything)")
                let line = try #require(up.output.first { $0.contains("/metrics") })
                let base = try #require(line.firstMatch(of: /http:.*(?=\/metrics)/)).output.description
                try await Self.expectHealth(at: base)

                try await installation.withBooks(as: PrivateCluster.superuser) { pool in
                    let users = try await pool.query(
                        """
                        SELECT DISTINCT usename::text FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1
                        """)
                    #expect(try users.decode(String.self) == ["billwright_web", "billwright_worker"])
                }
                let environment = ["DATABASE_URL": installation.database(as: "billwright_worker")]
                try await Self.expectJobs(environment)
                let (_, doctor) = try await Run.finish(["doctor"], environment: environment)
                #expect(doctor.output.contains { $0.hasPrefix("ok    schema: ") }, "\(doctor.everything)")
                #expect(doctor.output.contains("ok    role: billwright_worker"))
                for line in ["queue's cluster: the one its jobs were enqueued in", "stranded jobs: none"] {
                    #expect(doctor.output.contains("ok    \(line)"), "\(doctor.everything)")
                }
                up.send(.interrupt)
                #expect(await up.ended() == .code(0))
            }
        }

        private static func expectHealth(at base: String) async throws {
            let client = HTTPClient()
            for path in ["/livez", "/readyz"] {
                let answer = try await client.send(HTTPRequest(url: base + path))
                #expect(answer.status == 200, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
            }
            let metrics = try await client.send(HTTPRequest(url: base + "/metrics"))
            #expect(metrics.status == 200)
            let text = String(decoding: metrics.body, as: UTF8.self)
            for line in ["# TYPE billwright_build_info gauge", "billwright_metrics_refresh_failures_total 0"] {
                #expect(text.contains("\(line)\n"), "\(text)")
            }
        }

        private struct Listed: Decodable {
            let id: Int
            let kind: String
            let state: String
        }

        private struct Shown: Decodable {
            struct Failure: Decodable { let error: String }
            let job: Listed
            let failures: [Failure]
        }

        private struct Depth: Decodable {
            let kind: String
            let state: String
            let jobs: Int
        }

        private static func expectJobs(_ environment: [String: String]) async throws {
            let list = try await answer(
                [Listed].self, ["jobs", "list", "--json", "--limit", "1000", "--state", "completed"], environment)
            #expect(list.map(\.id) == list.map(\.id).sorted(by: >))
            #expect(list.contains { $0.kind == "collect_payments" }, "\(list)")
            let newest = try #require(list.first)
            let shown = try await answer(Shown.self, ["jobs", "show", "\(newest.id)", "--json"], environment)
            #expect(shown.job.id == newest.id && shown.job.kind == newest.kind && shown.failures.isEmpty)
            let depths = try await answer([Depth].self, ["jobs", "stats", "--json"], environment)
            for depth in depths {
                let live = try await answer(
                    [Listed].self, ["jobs", "list", "--json", "--kind", depth.kind, "--state", depth.state],
                    environment)
                #expect(live.count == depth.jobs)
            }
            let (status, none) = try await Run.finish(["jobs", "show", "999999"], environment: environment)
            #expect(status == .code(1))
            #expect(none.errors == ["billwright: there is no job 999999, live or in history"])
        }

        private static func answer<Value: Decodable>(
            _: Value.Type, _ words: [String], _ environment: [String: String]
        ) async throws -> Value {
            let (status, run) = try await Run.finish(words, environment: environment)
            try #require(status == .code(0), "\(run.everything)")
            return try JSONDecoder().decode(Value.self, from: Data(run.output.joined().utf8))
        }
    }
}
