internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JobKit
internal import LocalPostgres
internal import Observability
internal import Postgres
internal import QueueStore
internal import Runtime

/// One run of `up` on a started server: prepare, load, start the crew, bill, tell, stop.
struct UpSession: Sendable {
    static let database = "billwright"

    let plan: UpPlan
    let home: Home
    let server: LocalServer
    let drain: Drain

    func run() async throws -> Int32 {
        try await prepareDatabase()
        let migrator = Migrator(try configuration(as: "billwright_owner"), Composition.migrations) {
            Terminal.print($0)
        }
        _ = try await migrator.migrate()
        let composition = try await Composition.connect(
            configuration(as: "billwright_worker"), connections: 4, wait: .seconds(10),
            log: Log(component: "up") { _ in })
        let status: Int32
        do {
            status = try await bill(composition)
        } catch {
            await composition.close()
            throw error
        }
        await composition.close()
        return status
    }

    /// The database and the three roles. The superuser is used here and nowhere else.
    private func prepareDatabase() async throws {
        let superuser = try PostgresConfiguration(
            server.connectionString(database: "postgres", user: PrivateCluster.superuser))
        let connection = try await PostgresConnection.connect(superuser)
        for role in ["billwright_owner", "billwright_worker", "billwright_web"] {
            let exists = try await connection.query("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = \(role))")
            if try exists.only(Bool.self) { continue }
            _ = try await connection.query("CREATE ROLE \(SQL.identifier(role)) LOGIN")
        }
        let exists = try await connection.query(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = \(UpSession.database))")
        if try !exists.only(Bool.self) {
            _ = try await connection.query("CREATE DATABASE billwright OWNER billwright_owner")
        }
        await connection.close()
    }

    private func configuration(as role: String) throws -> PostgresConfiguration {
        try PostgresConfiguration(server.connectionString(database: UpSession.database, user: role))
    }

    private func bill(_ composition: Composition) async throws -> Int32 {
        let sellers = try await LoadCommand.load(plan.catalogue, plan.customers, in: composition)
        let crew = Crew(home: home, server: server, plan: plan)
        do {
            try await crew.start()
            let started = ContinuousClock.now
            try await composition.booksStore.transaction(tenant: .all, now: composition.clock.now()) { work in
                for seller in sellers { try await work.enqueue(RenewSubscriptions(seller: seller)) }
            }
            let watch = BillingWatch(composition: composition, drain: drain, started: started)
            let report = try await watch.untilQuiet()
            if let report { tell(report, crew) }
            if !plan.endsAfterSummary && drain.stage == .running {
                Terminal.print("running; Ctrl-C drains and stops")
                await drain.wait(for: .draining)
            }
            if !plan.endsAfterSummary || report == nil { Terminal.print("draining") }
            await crew.stop(drain)
            return plan.endsAfterSummary ? (report?.isSettled == true ? 0 : 1) : 0
        } catch {
            await crew.stop(drain)
            throw error
        }
    }

    private func tell(_ report: BillingReport, _ crew: Crew) {
        Terminal.print("")
        for line in report.lines { Terminal.print("  " + line) }
        Terminal.print("")
        Terminal.print("where to look next:")
        for (what, place) in crew.places { Terminal.print("  \(what)  \(place)") }
    }
}
