public import Postgres

extension TestDatabase {
    /// Connects as one of the application's roles, which row-level security applies to; the superuser escapes it.
    ///
    /// Roles belong to the whole server, and changing one from two sessions at once is an error in Postgres: hence the lock.
    public func configuration(as role: String) async throws -> PostgresConfiguration {
        let admin = try TestCluster.admin.get()
        try await admin.transaction { transaction in
            _ = try await transaction.query("SELECT pg_advisory_xact_lock(hashtext('roles of tests'))")
            let mayLogIn = try await transaction.query(
                "SELECT rolcanlogin FROM pg_roles WHERE rolname = \(role)"
            ).only(Bool.self)
            if !mayLogIn { _ = try await transaction.query("ALTER ROLE \(SQL.identifier(role)) LOGIN") }
        }
        return configuration.with(user: role)
    }
}
