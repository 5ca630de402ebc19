import Foundation
import LocalPostgres
import Postgres
import Processes
import TestSupport
import Testing

/// `billwright simulate`: billing history on the real queue, handlers and Postgres, with a clock of its own.
extension Installations {
    @Suite(.timeLimit(.minutes(8))) struct SimulateTests {
        private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()

        /// Every example, by path.
        private static let examples = Self.files(under: root.appending(path: "scenarios"))

        private static func files(under folder: URL) -> [String] {
            let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            return (found?.allObjects as? [URL] ?? []).map { $0.path() }.filter { $0.hasSuffix(".json") }.sorted()
        }

        private static func example(_ name: String) -> String { root.appending(path: "scenarios/\(name).json").path() }

        private static func simulate(
            _ words: [String], database: String? = nil, limit: Duration = .seconds(400)
        ) async throws -> (status: Ending, run: Run) {
            try await Run.finish(
                ["simulate"] + words, environment: database.map { ["DATABASE_URL": $0] } ?? [:], limit: limit)
        }

        @Test func `every example comes out the same, to the byte, with one worker, with eight and by the rules alone`()
            async throws
        {
            let (checked, verdict) = try await Self.simulate(["--check", "--rules"] + Self.examples)
            #expect(checked == .code(0), "\(verdict.everything)")
            let (_, rules) = try await Self.simulate(["--rules"] + Self.examples)
            #expect(rules.output.count == Self.examples.count && rules.output.count > 70)
            for workers in [1, 8] {
                let (status, real) = try await Self.simulate(["--workers", "\(workers)"] + Self.examples)
                #expect(status == .code(0) && real.errors == [], "\(real.errors)")
                for (name, (said, expected)) in zip(Self.examples, zip(real.output, rules.output)) {
                    #expect(said == expected, "\(name) with \(workers) workers")
                }
                #expect(real.output.count == rules.output.count)
            }
        }

        @Test func `random histories come out as the rules say`() async throws {
            let (status, run) = try await Self.simulate(["--random", "6", "--seed", "40", "--workers", "4"])
            #expect(status == .code(0) && run.errors == [], "\(run.everything)")
            #expect(run.output == (40...45).map { "seed \($0): as expected" } + ["6 as expected, 0 not"])
        }

        @Test func `a difference is told by its place, and ends with 1`() async throws {
            let text = try String(contentsOfFile: Self.example("calendar/month_end"), encoding: .utf8)
            let file = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString).json").path()
            try Data(text.replacing(#""total": 1000}]"#, with: #""total": 1001}]"#).utf8).write(to: URL(filePath: file))
            defer { try? FileManager.default.removeItem(atPath: file) }
            let (status, run) = try await Self.simulate(["--check", file, Self.example("calendar/calendar_week")])
            #expect(status == .code(1))
            #expect(
                run.output.count == 3 && run.output[0].hasPrefix("\(file): line 13: invoices[4].total"), "\(run.output)"
            )
            #expect(run.output.last == "1 as expected, 1 not")
        }

        @Test func `each amount is explained, and JSON is laid out for people`() async throws {
            let example = Self.example("calendar/month_end")
            let (status, explained) = try await Self.simulate(["--explain", "--until", "2026-02-28", example])
            #expect(status == .code(0), "\(explained.everything)")
            #expect(
                explained.output == [
                    "ACME-0001 of 2026-01-31 for acme: 10.00 USD",
                    "  recurring base from 2026-01-31 to 2026-02-28: 10.00, for 10.00 for a whole cycle (month)",
                    "ACME-0002 of 2026-02-28 for acme: 10.00 USD",
                    "  recurring base from 2026-02-28 to 2026-03-31: 10.00, for 10.00 for a whole cycle (month)",
                ])
            let (_, pretty) = try await Self.simulate(["--rules", "--pretty", example])
            let (_, compact) = try await Self.simulate(["--rules", example])
            #expect(pretty.output.count > 10 && pretty.output.allSatisfy { $0.count <= 120 })
            let values = try [pretty, compact].map {
                try #require(JSONSerialization.jsonObject(with: Data($0.output.joined().utf8)) as? NSDictionary)
            }
            #expect(values[0] == values[1])
        }

        @Test func `an interrupted simulation leaves no server and no folder behind`() async throws {
            // Many of the same, so that there is always more to come.
            let run = try await Run.start(
                ["simulate"] + Array(repeating: Self.example("calendar/leap_day_year"), count: 500))
            _ = try #require(await run.line { $0.hasPrefix("{") }, "\(run.everything)")
            let homes = try Self.homes(of: run.id)
            #expect(homes.count == 1)
            run.send(.interrupt)
            #expect(await run.ended() == .code(1), "\(run.everything)")
            #expect(run.errors == ["billwright: stopped before the end"])
            #expect(homes.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
        }

        /// Folders that a process keeps a server in.
        private static func homes(of process: CInt) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.hasPrefix("bw-simulate.") }
                .map { "/tmp/\($0)" }
                .filter { (try? String(contentsOfFile: "\($0)/lock", encoding: .utf8)) == "\(process)\n" }
        }
    }
}

/// Simulations on a server of somebody's, one at a time: each looks what is left of it there.
@Suite(.serialized, .timeLimit(.minutes(15))) struct SimulateElsewhereTests {
    private static let example = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../scenarios/calendar/month_end.json").standardized.path()

    private static func simulate(as login: String) async throws -> (status: Ending, run: Run) {
        let server = try #require(ProcessInfo.processInfo.environment[TestCluster.variable])
        return try await Run.finish(
            ["simulate", "--check", example], environment: ["DATABASE_URL": "\(server) user=\(login)"])
    }

    @Test(.database) func `databases are made on the server that is given, and dropped`() async throws {
        let (status, run) = try await Self.simulate(as: "postgres")
        #expect(status == .code(0) && run.output == ["\(Self.example): as expected"], "\(run.everything)")
        let left = try await TestDatabase.current.withPool { pool in
            try await pool.query("SELECT datname::text FROM pg_database WHERE datname LIKE 'billwright_simulation_%'")
                .decode(String.self)
        }
        #expect(left == [])
    }

    @Test(.database) func `a login that may not is told what it lacks, and nothing is made`() async throws {
        let login = "bw_login_" + UUID().uuidString.lowercased().prefix(8)
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("CREATE ROLE \(SQL.identifier(login)) LOGIN")
        }
        let (refused, poor) = try await Self.simulate(as: login)
        #expect(refused == .code(1) && poor.errors.count == 1)
        #expect(poor.errors[0].contains("may not create databases"), "\(poor.everything)")
        #expect(poor.errors[0].contains("ALTER ROLE \(login) CREATEDB"), "\(poor.everything)")
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("ALTER ROLE \(SQL.identifier(login)) CREATEDB CREATEROLE")
        }
        let (stranger, member) = try await Self.simulate(as: login)
        #expect(stranger == .code(1))
        #expect(member.errors.last?.contains("GRANT billwright_worker TO \(login)") == true, "\(member.everything)")
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("GRANT billwright_worker TO \(SQL.identifier(login))")
        }
        let (done, run) = try await Self.simulate(as: login)
        #expect(done == .code(0), "\(run.everything)")
        try await TestDatabase.current.withPool { pool in
            _ = try await pool.query("DROP ROLE \(SQL.identifier(login))")
        }
    }
}
