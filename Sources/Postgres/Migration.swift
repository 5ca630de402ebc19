public import Dates

/// One numbered step of a component's schema: SQL that is applied once and never changed afterwards.
public struct Migration: Hashable, Sendable {
    /// Which part of the system it belongs to, e.g. `queue`. Each part counts from 1 on its own.
    public let component: String
    public let number: Int
    /// What it does, in a few words joined by underscores.
    public let name: String
    /// UTF-8 text of one or more statements that neither begin nor end a transaction.
    public let sql: [UInt8]

    public init(component: String, number: Int, name: String, sql: [UInt8]) {
        self.component = component
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// How errors name it.
    public var file: String { Self.file(component, number, name) }

    static func file(_ component: String, _ number: Int, _ name: String) -> String {
        let digits = String(number)
        return "\(component)/\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)_\(name).sql"
    }
}

/// A migration that this program has, the database has, or both.
public struct MigrationStatus: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case pending
        case applied(at: Instant)
        /// Applied, but its text has been changed since.
        case changed(appliedAt: Instant)
        /// Applied by a newer program: this one does not have it.
        case unknown(appliedAt: Instant)
    }

    public let component: String
    public let number: Int
    public let name: String
    public let state: State

    /// How errors name it.
    public var file: String { Migration.file(component, number, name) }

    /// Which migrations are to be applied, as indices; or why none may be.
    ///
    /// Statuses come in the program's order, then those the program does not have.
    static func plan(_ statuses: [MigrationStatus]) throws(MigrationError) -> [Int] {
        var latestApplied: [String: Int] = [:]
        for status in statuses {
            switch status.state {
            case .pending: continue
            case .changed: throw .changed(file: status.file)
            case .unknown: throw .unknown(file: status.file)
            case .applied: latestApplied[status.component] = max(latestApplied[status.component] ?? 0, status.number)
            }
        }
        var previous: [String: Int] = [:]
        var pending: [Int] = []
        for (index, status) in statuses.enumerated() {
            guard status.number == (previous[status.component] ?? 0) + 1 else {
                throw .outOfOrder(file: status.file, after: previous[status.component] ?? 0)
            }
            previous[status.component] = status.number
            guard status.state == .pending else { continue }
            if let latest = latestApplied[status.component], status.number < latest {
                throw .late(file: status.file, applied: latest)
            }
            pending.append(index)
        }
        return pending
    }
}

/// Why the schema was not brought up to date. What had been applied before stays applied.
public enum MigrationError: Error, Sendable {
    /// An applied migration's text was changed.
    case changed(file: String)
    /// The database has a migration which this program does not know: the program is older than the database.
    case unknown(file: String)
    /// A migration is missing before one that has been applied already.
    case late(file: String, applied: Int)
    /// The program's own list has a gap or a number twice.
    case outOfOrder(file: String, after: Int)
    /// Another program has been migrating all the time.
    case locked(after: Duration)
    /// The migration's text began or ended a transaction.
    case endedTransaction(file: String)
    /// The server refused a statement; all of this migration is rolled back. `line` counts from 1.
    case failed(file: String, line: Int?, error: PostgresError)
    /// The database could not be read.
    case database(PostgresError)
}

extension MigrationError: CustomStringConvertible {
    /// One line an operator can act on.
    public var description: String {
        switch self {
        case .changed(let file):
            "\(file) was changed after it was applied; restore its text and write the change as a new migration"
        case .unknown(let file):
            "the database has \(file), which this program does not: run the newer program, or restore an older database"
        case .late(let file, let applied):
            "\(file) is not applied, but number \(applied) of the same component is: give it a number after that"
        case .outOfOrder(let file, let after):
            "\(file) follows number \(after): each component counts 1, 2, 3, … in order"
        case .locked(let after):
            "another program has been migrating this database for \(after); try again when it is done"
        case .endedTransaction(let file): "\(file) begins or ends a transaction; leave that to the migrator"
        case .failed(let file, let line, let error): "\(file)\(line.map { ":\($0)" } ?? ""): \(error)"
        case .database(let error): error.description
        }
    }
}
