public import Processes

/// A private server that takes connections, until `stop` or the end of our process.
public struct LocalServer: Sendable {
    private let child: ChildProcess
    private let home: Home
    private let port: UInt16
    private let stopLimit: Duration

    init(child: ChildProcess, home: Home, port: UInt16, stopLimit: Duration) {
        self.child = child
        self.home = home
        self.port = port
        self.stopLimit = stopLimit
    }

    /// The id of the server's first process.
    public var processID: CInt { child.id }

    /// A libpq connection string through the socket. No password is asked for: only we can open the socket.
    public func connectionString(database: String, user: String) -> String {
        "host=\(Self.quoted(home.sockets)) port=\(port) "
            + "dbname=\(Self.quoted(database)) user=\(Self.quoted(user))"
    }

    /// Waits until the server has ended, for whatever reason.
    public func ended() async -> Ending {
        await child.exit()
    }

    /// Rolls back what is open, disconnects everybody and stops; after the limit at once, to recover at the next start.
    /// Finishes its work in a cancelled task too. Returns how it ended.
    @discardableResult
    public func stop() async -> Ending {
        await Task {
            child.send(.interrupt)
            if let status = await child.exit(within: stopLimit) { return status }
            return await child.stop(.quit, within: .seconds(10))
        }.value
    }

    /// Stops at once and saves nothing: for a server whose data nobody wants any more. Finishes in a cancelled task too.
    public func abandon() async {
        await Task { _ = await child.stop(.quit, within: .seconds(10)) }.value
    }

    /// libpq's quoting: in quotes, with a backslash before a quote or a backslash.
    static func quoted(_ value: String) -> String {
        let escaped = value.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "'" + String(escaped) + "'"
    }
}
