internal import Foundation
public import Postgres

/// The Postgres server that tests use: one for all of them, a database of its own for each.
public enum TestCluster {
    /// The variable with the connection text of a superuser.
    public static let variable = "BILLWRIGHT_TEST_POSTGRES"

    /// Why there is no server for a test.
    public struct Missing: Error, CustomStringConvertible {
        public var description: String {
            "\(TestCluster.variable) is not set: run the tests with bin/test, which starts a Postgres for them"
        }
    }

    /// The server's maintenance database, as its superuser.
    public static func configuration() throws -> PostgresConfiguration {
        guard let text = ProcessInfo.processInfo.environment[variable] else { throw Missing() }
        return try PostgresConfiguration(text, variable: variable)
    }

    /// Connections for making and dropping databases. Few: `CREATE DATABASE` keeps the server's disk busy by itself.
    static let admin = Result {
        var settings = try configuration()
        // Each of its statements names another database, so none is worth keeping; and one that takes the place of
        // another is run with the end of that in one pipeline, where DROP DATABASE is refused.
        settings.usesPreparedStatements = false
        return PostgresPool(settings, size: 4, leaseTimeout: .seconds(600))
    }
}
