internal import Commands
internal import Dates
internal import Postgres

extension Command {
    static let migrate = Command(
        "migrate", "Brings the database's schema up to date, or says what is missing.",
        settings: [
            .database, Setting(switch: "--status", help: "print what is applied and what is not; change nothing"),
        ],
        discussion: """
            Connects as the role that owns the schema. Several may run at once: one works, the others wait. Each migration
            is applied once, in a transaction of its own, and refused when its text was changed afterwards.
            """,
        run: MigrateCommand.run)
}

enum MigrateCommand {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let configuration = try arguments.database(application: "migrate")
        let migrator = Migrator(configuration, Composition.migrations) { Terminal.print($0) }
        guard arguments.isOn("--status") else {
            let applied = try await migrator.migrate()
            if applied.isEmpty { Terminal.print("nothing to do: the schema is up to date") }
            return 0
        }
        let statuses = try await migrator.status()
        for status in statuses { Terminal.print("\(status.file)  \(describe(status.state))") }
        return statuses.allSatisfy { if case .applied = $0.state { true } else { false } } ? 0 : 1
    }

    private static func describe(_ state: MigrationStatus.State) -> String {
        switch state {
        case .pending: "pending"
        case .applied(let at): "applied \(at)"
        case .changed(let at): "applied \(at), CHANGED since"
        case .unknown(let at): "applied \(at) by a newer program"
        }
    }
}
