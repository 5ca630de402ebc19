/// Why the private Postgres cannot be had. Each case reads as one line that says what is wrong and how to mend it.
public enum LocalPostgresError: Error, Hashable, CustomStringConvertible {
    /// No server binaries; `looked` lists the places.
    case noBinaries(looked: [String])
    /// `BILLWRIGHT_PG_BIN` names a folder without them.
    case badBinariesFolder(String)
    /// The cluster was made by another major version than any that is installed.
    case wrongVersion(cluster: Int, folder: String)
    /// `BILLWRIGHT_HOME` cannot serve; `reason` says why.
    case badHome(String, reason: String)
    /// The folder belongs to somebody else.
    case notOurs(String, owner: String, expected: String)
    /// Another process works in this home.
    case inUse(String, processID: CInt?)
    /// One of the server's programs failed; the last lines it wrote.
    case programFailed(String, status: String, lines: [String])
    /// The server ended, or was not ready in time; the last lines of its log.
    case notStarted(reason: String, log: String, lines: [String])

    public var description: String {
        switch self {
        case .noBinaries(let looked):
            "no Postgres server is installed (looked in \(looked.joined(separator: ", "))); "
                + "install the Debian package `postgresql`, or set BILLWRIGHT_PG_BIN to the folder of its `initdb`"
        case .badBinariesFolder(let folder):
            "BILLWRIGHT_PG_BIN is \(folder), which does not hold both `initdb` and `postgres`"
        case .wrongVersion(let cluster, let folder):
            "\(folder) was made by Postgres \(cluster), which is not installed; "
                + "install the Debian package `postgresql-\(cluster)`"
        case .badHome(let path, let reason):
            "cannot keep data in \(path): \(reason); set BILLWRIGHT_HOME to another folder"
        case .notOurs(let path, let owner, let expected):
            "\(path) belongs to \(owner), not to \(expected); "
                + "start as its owner, or set BILLWRIGHT_HOME to another folder"
        case .inUse(let path, let processID):
            "\(path) is in use by \(processID.map { "process \($0)" } ?? "another process")"
        case .programFailed(let program, let status, let lines):
            "\(program) failed (\(status))" + Self.quoted(lines)
        case .notStarted(let reason, let log, let lines):
            "Postgres did not start: \(reason); its log is \(log)" + Self.quoted(lines)
        }
    }

    private static func quoted(_ lines: [String]) -> String {
        lines.map { "\n  | \($0)" }.joined()
    }
}
