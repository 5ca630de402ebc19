import BooksStore
import Dates
import Foundation
import JobKit
import LocalPostgres
import Postgres
import Processes
import QueueStore
import TestSupport
import Testing

/// A logical backup of a busy queue comes back in another cluster, and no job is lost or left behind.
@Suite(.database(migrations: QueueMigrations.all + BooksMigrations.all), .timeLimit(.minutes(15))) struct RestoreTests {
    private struct Parcel: JobArguments {
        static let kind: JobKind = "parcel"
        var number: Int
    }

    private struct Restored {
        let pool: PostgresPool
        let store: PostgresJobStore<PostgresWork>
        let environment: [String: String]
    }

    @Test func `a worker refuses a restored queue until its jobs were re-laned; then each is claimed once`()
        async throws
    {
        let now = try Instant(parsing: "2026-01-01T00:00:00Z")
        try await TestDatabase.current.withPool { pool in
            // So that the cluster's transactions are far ahead of a new one's.
            _ = try await pool.query(
                """
                DO $$ BEGIN
                    CREATE TEMP TABLE transactions (number integer);
                    FOR i IN 1..20000 LOOP
                        BEGIN
                            INSERT INTO transactions VALUES (i);
                        EXCEPTION WHEN division_by_zero THEN NULL;
                        END;
                    END LOOP;
                END $$
                """)
            let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
            try await Self.enqueue(1...10, store, now)
            let worker = try await Self.register(pool)
            let claimed = try await Self.claim(4, as: worker, store, now)
            #expect(try await store.complete(Array(claimed.prefix(1)), now: now).count == 1)
        }
        try await Self.withRestored { restored in
            try await Self.expectRefusal(restored)
            // Who enqueues need not wait: with a transaction id far below those of the rows that were restored.
            try await Self.enqueue(11...12, restored.store, now)
            try await Self.relane(restored)
            let worker = try await Self.register(restored.pool)
            var numbers: [Int] = []
            while true {
                // Behind what was claimed already.
                if numbers.count == 3 { try await Self.enqueue(13...14, restored.store, now) }
                let jobs = try await Self.claim(3, as: worker, restored.store, now)
                if jobs.isEmpty { break }
                numbers += try jobs.map { try JSONDecoder().decode(Numbered.self, from: Data($0.arguments)).number }
                #expect(try await restored.store.complete(jobs, now: now).count == jobs.count)
            }
            // The first was completed before the backup; the next three ran.
            #expect(numbers == Array(2...14))
            let (_, doctor) = try await Run.finish(["doctor", "--json"], environment: restored.environment)
            #expect(doctor.output.first?.contains(#""subject":"queue's cluster","grade":"well""#) == true)
        }
    }

    private struct Numbered: Decodable { let number: Int }

    private static func enqueue(_ numbers: ClosedRange<Int>, _ store: PostgresJobStore<PostgresWork>, _ now: Instant)
        async throws
    {
        try await store.transaction(tenant: .all, now: now) { work in
            try await work.enqueue(numbers.map { try NewJob(Parcel(number: $0)) })
        }
    }

    private static func register(_ pool: PostgresPool) async throws -> WorkerID {
        let worker = WorkerID(UUID())
        try await PostgresRoster(control: pool).register(
            WorkerDescription(id: worker, host: "test", processID: 1, release: "test", queues: [.standard]))
        return worker
    }

    private static func claim(
        _ limit: Int, as worker: WorkerID, _ store: PostgresJobStore<PostgresWork>, _ now: Instant
    ) async throws -> [ClaimedJob] {
        try await store.claim(
            ClaimRequest(worker: worker, queue: .standard, kinds: [Parcel.kind: 1], limit: limit), now: now)
    }

    private static func expectRefusal(_ restored: Restored) async throws {
        await #expect(throws: RestoredElsewhere.self) { _ = try await register(restored.pool) }
        let (status, worker) = try await Run.finish(
            ["worker"],
            environment: restored.environment.merging([
                "STRIPE_SECRET_KEY": "sk_test_12345", "BILLWRIGHT_SMTP_URL": "smtp://127.0.0.1:9",
            ]) { $1 }, limit: .seconds(20))
        #expect(status == .code(1))
        #expect(worker.errors.last?.contains("billwright queues relane --reason TEXT") == true, "\(worker.everything)")
        let (faulty, doctor) = try await Run.finish(["doctor"], environment: restored.environment)
        #expect(faulty == .code(1))
        #expect(
            doctor.output.contains { $0.hasPrefix("MEND  queue's cluster: the database was restored") },
            "\(doctor.everything)")
    }

    /// Refused while a worker lives, done when none does.
    private static func relane(_ restored: Restored) async throws {
        let words = ["queues", "relane", "--reason", "restored from the backup"]
        _ = try await restored.pool.query("UPDATE queue.workers SET beat_at = clock_timestamp()")
        let (refused, complaint) = try await Run.finish(words, environment: restored.environment)
        #expect(refused == .code(1) && complaint.errors[0].contains("1 workers have beaten"), "\(complaint.everything)")
        _ = try await restored.pool.query("UPDATE queue.workers SET beat_at = beat_at - interval '1 minute'")
        let (done, run) = try await Run.finish(words, environment: restored.environment)
        #expect(done == .code(0), "\(run.everything)")
        #expect(run.output == ["re-laned 11 jobs, 3 of which ran when the dump was made and will run again"])
    }

    /// Dumps the test's database, restores it into a new cluster and lends that.
    private static func withRestored(_ body: (Restored) async throws -> Void) async throws {
        var template = Array("/tmp/bw.XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(unsafe chmod(folder, 0o755) == 0)
        let home = try Home("\(folder)/home")
        try await home.create()
        let lock = try home.lock()
        let binaries = try PrivateCluster.binaries(for: home, environment: ProcessInfo.processInfo.environment)
        var settings = PrivateCluster.Settings()
        settings.isDurable = false
        let server = try await PrivateCluster(binaries: binaries, settings: settings).start(holding: lock)
        let superuser = server.connectionString(database: "restored", user: PrivateCluster.superuser)
        do {
            try await restore(server, binaries, dump: "\(folder)/dump", into: superuser)
            let pool = PostgresPool(try PostgresConfiguration(superuser), size: 4)
            let store = PostgresJobStore(pool: pool, control: pool, listener: pool.configuration) { $0 }
            try await body(Restored(pool: pool, store: store, environment: ["DATABASE_URL": superuser]))
            await pool.close()
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        _ = lock.home  // Held until here.
    }

    private static func restore(
        _ server: LocalServer, _ binaries: PostgresBinaries, dump: String, into target: String
    ) async throws {
        let admin = try await PostgresConnection.connect(
            PostgresConfiguration(server.connectionString(database: "postgres", user: PrivateCluster.superuser)))
        for role in ["billwright_owner", "billwright_worker", "billwright_web"] {
            _ = try await admin.query("CREATE ROLE \(SQL.identifier(role)) LOGIN")
        }
        _ = try await admin.query("CREATE DATABASE restored TEMPLATE template0")
        await admin.close()
        let source = try #require(try CommandTests.database()["DATABASE_URL"])
        let steps = [
            ("pg_dump", ["--format=custom", "--file=\(dump)", "--dbname=\(source)"]),
            ("pg_restore", ["--exit-on-error", "--dbname=\(target)", dump]),
        ]
        for (program, arguments) in steps {
            let (status, lines) = try await ChildProcess.run(Command("\(binaries.folder)/\(program)", arguments))
            try #require(status == .code(0), "\(program): \(lines)")
        }
    }
}
