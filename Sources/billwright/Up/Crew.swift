internal import Commands
internal import FoundationEssentials
internal import LocalPostgres
internal import Processes
internal import Runtime
internal import Synchronization

/// The processes `up` starts: sandboxes, workers, scheduler, web. One that ends by itself is started again.
final class Crew: Sendable {
    private let home: Home
    private let server: LocalServer
    private let plan: UpPlan
    private let program: String
    private let members = Mutex<[CrewMember]>([])
    private let addresses = Mutex<[String: String]>([:])

    init(home: Home, server: LocalServer, plan: UpPlan) {
        self.home = home
        self.server = server
        self.plan = plan
        program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/proc/self/exe"
    }

    /// What a person may want to open, in the order of interest.
    var places: [(what: String, place: String)] {
        let known = addresses.withLock { $0 }
        var places: [(String, String)] = []
        if let web = known["web"] { places.append(("metrics  ", "\(web)/metrics")) }
        if plan.smtpURL == nil { places.append(("mails    ", "\(home.sandbox)/mail")) }
        if plan.stripeURL == nil { places.append(("charges  ", "\(home.sandbox)/stripe.jsonl")) }
        places.append(("logs     ", home.logs))
        places.append(
            ("jobs     ", "DATABASE_URL=\"\(connection(as: "billwright_worker"))\" \(program) jobs stats"))
        return places
    }

    /// Our sandbox takes any key that is not live.
    static let sandboxKey = "sk_test_sandbox"

    /// Sandboxes first: the others need their addresses.
    func start() async throws {
        var environment = ProcessInfo.processInfo.environment
        environment["DATABASE_URL"] = connection(as: "billwright_worker")
        environment["BILLWRIGHT_STRIPE_URL"] = plan.stripeURL
        environment["STRIPE_SECRET_KEY"] = plan.stripeKey ?? Crew.sandboxKey
        environment["BILLWRIGHT_STRIPE_MINIMAL"] = plan.stripeMinimal
        environment["BILLWRIGHT_SMTP_URL"] = plan.smtpURL
        environment["BILLWRIGHT_RECONCILE_AFTER"] = plan.reconcileAfter
        // One address cannot serve them all, and nobody was promised any but the web's.
        environment["BILLWRIGHT_HEALTH"] = nil
        if plan.stripeURL == nil {
            let journal = "\(home.sandbox)/stripe.jsonl"
            environment["BILLWRIGHT_STRIPE_URL"] = try await listening(
                "stripe", ["sandbox", "stripe", "--port", "0", "--journal", journal], environment)
        }
        if plan.smtpURL == nil {
            let folder = "\(home.sandbox)/mail"
            environment["BILLWRIGHT_SMTP_URL"] = try await listening(
                "mail", ["sandbox", "mail", "--port", "0", "--folder", folder], environment)
        }
        for number in 1...plan.workers { try await add("worker-\(number)", ["worker"], environment) }
        try await add("scheduler", ["scheduler"], environment)
        environment["DATABASE_URL"] = connection(as: "billwright_web")
        _ = try await listening("web", ["web", "--health", "127.0.0.1:0"], environment)
    }

    private func connection(as role: String) -> String {
        server.connectionString(database: UpSession.database, user: role)
    }

    /// Starts a member and waits until it says where it listens.
    private func listening(_ name: String, _ words: [String], _ environment: [String: String]) async throws -> String {
        let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
        let member = try await add(name, words, environment) { continuation.yield($0) }
        let timer = Task {
            try await Task.sleep(for: .seconds(20))
            continuation.finish()
        }
        defer { timer.cancel() }
        for await address in addresses {
            self.addresses.withLock { $0[name] = address }
            member.pin(address)
            return address
        }
        throw CrewFailure(name: name, log: "\(home.logs)/\(name).log")
    }

    @discardableResult private func add(
        _ name: String, _ words: [String], _ environment: [String: String],
        announced: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> CrewMember {
        let member = CrewMember(
            name: name, program: program, words: words, environment: environment, log: "\(home.logs)/\(name).log",
            announced: announced)
        try await member.start()
        members.withLock { $0.append(member) }
        return member
    }

    /// Workers drain first; what they talk to goes last. A second order to stop is passed on.
    func stop(_ drain: Drain) async {
        let all = members.withLock { $0 }
        let hurry = Task {
            await drain.wait(for: .stopped)
            // Counterparts stay up: jobs that are being given back may still be talking to them.
            if drain.stage == .stopped { for member in all where !member.isCounterpart { member.hurry() } }
        }
        defer { hurry.cancel() }
        for group in [all.filter { !$0.isCounterpart }, all.filter(\.isCounterpart)] {
            await withTaskGroup(of: Void.self) { tasks in
                for member in group { tasks.addTask { await member.stop() } }
            }
        }
    }
}

/// A member of the crew that did not come up.
struct CrewFailure: Error, CustomStringConvertible {
    let name: String
    let log: String
    var description: String { "\(name) did not start within 20 seconds; its log is \(log)" }
}
