import CLinux
import Foundation
import Glibc
import LocalPostgres
import Postgres
import Processes
import Testing

/// A home of its own for `billwright up`, and the customers it is to bill; everything in it is stopped and removed with
/// the test that made it.
struct Installation: Sendable {
    let home: String
    let customers: String
    let environment: [String: String]

    /// Lends a new installation to `body`. Processes that are still there afterwards fail the test and are killed.
    static func lend(
        customers count: Int, declining: Int = 0, _ body: (Installation) async throws -> Void
    ) async throws {
        // Short, because a socket's path must be; and where the server's user may enter.
        var template = Array("/tmp/bw.XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(unsafe chmod(folder, 0o755) == 0)
        let installation = Installation(home: "\(folder)/home", customers: "\(folder)/customers.json")
        try installation.writeCustomers(count, declining: declining)
        do {
            try await body(installation)
        } catch {
            await installation.clear(folder, isExpected: true)
            throw error
        }
        await installation.clear(folder, isExpected: false)
    }

    private init(home: String, customers: String) {
        self.home = home
        self.customers = customers
        environment = ["BILLWRIGHT_HOME": home, "BILLWRIGHT_CUSTOMERS": customers]
    }

    /// In the seller's time zone: further west the day of loading may not have begun, and nothing would be due yet.
    private func writeCustomers(_ count: Int, declining: Int) throws {
        let text = """
            {"generate": {
              "count": \(count), "id": "practice-%04d", "name": "Practice %04d", "email": "billing+%04d@practice.example",
              "plans": [{"plan": "starter_month", "weight": 3}, {"plan": "professional_year", "weight": 1}],
              "payments": [{"token": "pm_card_visa", "weight": \(count - declining)}\
            \(declining == 0 ? "" : #", {"token": "pm_card_chargeCustomerFail", "weight": \#(declining)}"#)],
              "time_zones": ["America/New_York"], "started_within_days": 1
            }}
            """
        try Data(text.utf8).write(to: URL(filePath: customers))
    }

    private func clear(_ folder: String, isExpected: Bool) async {
        let left = processes
        if !isExpected && !left.isEmpty { Issue.record("still running: \(left.map { "\($0.id) \($0.words)" })") }
        for process in left { kill(process.id, SIGKILL) }
        _ = await areGone(within: .seconds(10))
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts `up` on this home. Charges without an answer are asked about soon, since nothing here is slow.
    func up(_ words: String..., environment: [String: String] = [:], limit: Duration = .seconds(60)) async throws -> Run
    {
        try await Run.start(
            ["up", "--reconcile-after", "5s"] + words,
            environment: self.environment.merging(environment) { $1 }, limit: limit)
    }

    // MARK: Its processes

    struct Process: Sendable {
        let id: CInt
        let words: [String]
        /// The subcommand; nil: of the database server.
        var command: String? { words.first?.hasSuffix("billwright") == true && words.count > 1 ? words[1] : nil }
    }

    /// Every process that belongs to this home, whoever started it: by its environment, or, of the database server, by
    /// its working directory.
    var processes: [Process] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(CInt.init).sorted().compactMap { id in
            let variables = Self.strings("/proc/\(id)/environ")
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")
            guard variables.contains("BILLWRIGHT_HOME=\(home)") || folder == "\(home)/postgres" else { return nil }
            return Process(id: id, words: Self.strings("/proc/\(id)/cmdline"))
        }
    }

    func processes(_ command: String) -> [CInt] { processes.filter { $0.command == command }.map(\.id) }

    /// What a process of this home was given.
    func variable(_ name: String, of process: CInt) -> String? {
        Self.strings("/proc/\(process)/environ").first { $0.hasPrefix("\(name)=") }.map {
            String($0.dropFirst(name.count + 1))
        }
    }

    private static func strings(_ path: String) -> [String] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Waits until no process of this home is left.
    func areGone(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while let process = processes.first {
            let left = deadline - .now
            guard left > .zero else { return false }
            await Self.waitForEnd(of: process.id, milliseconds: CInt(left / .milliseconds(1)))
        }
        return true
    }

    /// Waits for the end of a process that is no child of ours, on a thread of its own.
    private static func waitForEnd(of id: CInt, milliseconds: CInt) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let descriptor = pidfd_open(id, 0)
                if descriptor >= 0 {
                    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    unsafe _ = poll(&watched, 1, milliseconds)
                    close(descriptor)
                }
                continuation.resume()
            }
        }
    }

    // MARK: Its database

    /// How to connect while the server runs; the socket is all it listens on.
    func database(as role: String) -> String { "host='\(home)/run' port=5432 dbname=billwright user=\(role)" }

    /// Lends a pool to `body`. Starts the server for it when nothing of this home runs.
    func withBooks<Value: Sendable>(
        as role: String = "billwright_worker", _ body: (PostgresPool) async throws -> Value
    ) async throws -> Value {
        guard processes.isEmpty else { return try await withPool(role, body) }
        let home = try Home(self.home)
        let lock = try home.lock()
        let binaries = try PrivateCluster.binaries(for: home, environment: ProcessInfo.processInfo.environment)
        let server = try await PrivateCluster(binaries: binaries).start(holding: lock)
        let value: Value
        do {
            value = try await withPool(role, body)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        _ = lock.home  // Held until here.
        return value
    }

    private func withPool<Value: Sendable>(
        _ role: String, _ body: (PostgresPool) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(try PostgresConfiguration(database(as: role)), size: 2)
        do {
            let value = try await body(pool)
            await pool.close()
            return value
        } catch {
            await pool.close()
            throw error
        }
    }
}
