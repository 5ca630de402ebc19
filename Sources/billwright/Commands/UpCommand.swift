internal import Commands
internal import FoundationEssentials
internal import LocalPostgres
internal import Processes
internal import Runtime

extension Commands.Command {
    static let up = Commands.Command(
        "up", "Runs everything on a private Postgres: migrates, loads a catalogue, bills, shows progress.",
        settings: [
            Setting(
                "--catalogue", "FILE", variable: "BILLWRIGHT_CATALOGUE", default: "practice.json",
                help: "a catalogue file, or the name of a shipped one"),
            Setting(
                "--customers", "FILE", variable: "BILLWRIGHT_CUSTOMERS", default: "practice-customers.json",
                help: "a customers file, or the name of a shipped one"),
            Setting("--workers", "N", variable: "BILLWRIGHT_WORKERS", default: "2", help: "worker processes"),
            Setting(switch: "--exit", help: "end after the summary; status 0 when all is billed and the books balance"),
            Setting(
                "--stripe-url", "URL", variable: "BILLWRIGHT_STRIPE_URL",
                help: "a payment service to use in place of our own sandbox"),
            Setting(
                "--smtp-url", "URL", variable: "BILLWRIGHT_SMTP_URL",
                help: "a mail server to use in place of our own sandbox"),
            .stripeKey, .stripeMinimal,
            Setting(
                "--reconcile-after", "TIME", variable: "BILLWRIGHT_RECONCILE_AFTER", default: "15s",
                help: "how long a charge without an answer may still be on its way before the gateway is asked"),
        ],
        discussion: """
            Everything it keeps lives in $BILLWRIGHT_HOME, else /var/lib/billwright (root) or ~/.local/state/billwright.
            Ctrl-C drains and stops all it started; a second Ctrl-C does not wait for running jobs. A later `up` goes on
            with the same data. A Postgres that is already there is neither used nor touched.
            """,
        run: UpCommand.run)
}

private enum UpCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let plan = try UpPlan(arguments)
        let environment = ProcessInfo.processInfo.environment
        let home = try Home.resolve(environment: environment)
        let binaries = try PrivateCluster.binaries(for: home, environment: environment)
        try await home.create()
        let lock = try home.lock()
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        var settings = PrivateCluster.Settings()
        settings.maxConnections = 60 + plan.workers * 45
        let server = try await PrivateCluster(binaries: binaries, settings: settings).start(holding: lock) {
            report($0)
        }
        let status: Int32
        do {
            status = try await UpSession(plan: plan, home: home, server: server, drain: drain).run()
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        Terminal.print("stopped; everything is kept in \(home.path)")
        _ = lock.home  // Held until here: nobody else may start on this data while the server runs.
        return status
    }

    private static func report(_ progress: PrivateCluster.Progress) {
        switch progress {
        case .creating: Terminal.print("making a private Postgres cluster")
        case .stoppingOrphan(let id): Terminal.print("stopping the server an earlier run left behind (pid \(id))")
        case .starting: Terminal.print("starting Postgres")
        case .waiting(let seconds) where seconds % 5 == 0: Terminal.print("waiting for Postgres (\(seconds) s)")
        case .waiting, .ready: break
        }
    }
}

/// What `up` was asked for, checked before anything is touched.
struct UpPlan: Sendable {
    let catalogue: InputFile
    let customers: InputFile
    let workers: Int
    let endsAfterSummary: Bool
    /// Nil: our sandbox.
    let stripeURL: String?
    let smtpURL: String?
    let stripeKey: String?
    let stripeMinimal: String
    let reconcileAfter: String

    init(_ arguments: Arguments) throws {
        catalogue = try InputFile(arguments, "--catalogue")
        customers = try InputFile(arguments, "--customers")
        workers = try arguments.integer("--workers", in: 1...32)
        endsAfterSummary = arguments.isOn("--exit")
        stripeURL = arguments.text("--stripe-url")
        smtpURL = arguments.text("--smtp-url")
        stripeKey = arguments.text("--stripe-key")
        stripeMinimal = try arguments.required("--stripe-minimal")
        _ = try arguments.duration("--reconcile-after")
        reconcileAfter = try arguments.required("--reconcile-after")
        if stripeURL != nil && stripeKey == nil {
            throw UsageError("--stripe-url needs a key: set STRIPE_SECRET_KEY or --stripe-key")
        }
        // Read now: a file or a setting with faults must not leave a half-made installation behind.
        try LoadCommand.check(catalogue, customers)
        try checkCrew()
    }

    /// The processes of the crew read the same environment, and would end at what is wrong there.
    private func checkCrew() throws {
        let words = [
            "--stripe-url", stripeURL ?? "http://127.0.0.1:1", "--stripe-key", stripeKey ?? Crew.sandboxKey,
            "--stripe-minimal", stripeMinimal, "--smtp-url", smtpURL ?? "smtp://127.0.0.1:1",
            "--reconcile-after", reconcileAfter,
        ]
        let crew = try Arguments(
            words, settings: Commands.Command.worker.settings, environment: ProcessInfo.processInfo.environment,
            file: Main.configurationFile())
        _ = try WorkerPlan(crew)
        _ = try crew.log("up")
        _ = try crew.duration("--database-wait")
    }
}
