internal import Glibc
internal import Synchronization
internal import Threads

/// One session, on one thread of its own; a statement always runs whole.
///
/// The methods never suspend inside, so no other caller can slip in between sending a statement and reading its answer.
/// A statement that fails leaves the connection usable. A missed deadline or a broken socket closes it for good.
public actor PostgresConnection {
    private let executor: ThreadExecutor
    /// This actor's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    let configuration: PostgresConfiguration
    var handle = ConnectionHandle()
    var statements = StatementCache()
    var transaction: OpenTransaction?
    var lastTransactionID: Transaction.ID = 0
    /// How the last transaction ended: a body that hides the failure of its `finish` must not look committed.
    var lastEnd: (id: Transaction.ID, failure: PostgresError?)?

    private nonisolated let cancellation = Mutex(CancelHandle())
    /// The socket, or -1: lets the pool look at an idle connection without a hop to its thread.
    private nonisolated let descriptor = Atomic<CInt>(-1)

    private init(_ configuration: PostgresConfiguration) {
        self.configuration = configuration
        executor = ThreadExecutor(name: "postgres")
    }

    deinit { executor.stop() }

    /// Opens a session.
    /// - Parameter deadline: when to give up; without one the configuration's `connectTimeout` from now.
    /// - Throws: `.unreachable` with libpq's reason, which covers refused passwords and unknown databases too.
    public static func connect(
        _ configuration: PostgresConfiguration, deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = PostgresConnection(configuration)
        try await connection.open(by: deadline ?? .now + configuration.connectTimeout)
        return connection
    }

    /// Whether the connection has been closed, by us or because it broke. It never comes back.
    public var isBroken: Bool { !handle.isAlive }

    /// Ends the session. A transaction that is open is rolled back by the server.
    public func close() {
        descriptor.store(-1, ordering: .relaxed)
        cancellation.withLock { $0 = CancelHandle() }
        handle = ConnectionHandle()
    }

    /// Runs one statement. Outside a transaction it commits by itself.
    /// - Parameter deadline: when to give up and close the connection; default the configuration's `callTimeout`.
    public func query(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) throws(PostgresError) -> Rows {
        try pipeline([sql], deadline: deadline)[0]
    }

    /// Runs statements in order in one round trip, and all or nothing: the server joins them into one transaction.
    /// - Throws: the error of the first that failed; the others have not been done.
    public func pipeline(
        _ statements: [SQL], deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> [Rows] {
        try run(statements, stake: handle.transactionStatus == .idle ? .statement : .transaction, deadline)
    }

    /// Asks the server to stop the statement that runs now. Call it from any task while `query` waits.
    ///
    /// The statement then fails with 57014, unless it was faster. The request travels on a connection of its own made
    /// by
    /// a thread of its own; libpq 15 sends it without TLS (it holds a random key of the session, no data).
    public nonisolated func cancel() async throws(PostgresError) {
        if let reason = await Canceller().send(for: self) { throw .unreachable(reason) }
    }

    fileprivate nonisolated func sendCancel() -> String? { cancellation.withLock { $0.send() } }

    /// Whether something has arrived on an idle connection: nearly always that the server closed it.
    nonisolated var hasNews: Bool {
        let socket = descriptor.load(ordering: .relaxed)
        return socket < 0 || Poll.now(socket)
    }

    /// Reads what arrived on an idle connection and says whether it is still good.
    func isUsable() -> Bool {
        // The reason for an end comes first and the end itself behind it, so read until nothing is left.
        while handle.isAlive, Poll.now(handle.socket) {
            guard handle.consumeInput(), !handle.isBusy else { break }
        }
        if handle.isAlive, !Poll.now(handle.socket), handle.transactionStatus == .idle { return true }
        close()
        return false
    }

    private func open(by deadline: ContinuousClock.Instant) throws(PostgresError) {
        handle = ConnectionHandle(starting: configuration.connectionParameters)
        guard handle.isAlive else { throw closing(.unreachable(handle.message)) }
        // libpq asks for a wait for writing before the first look at the connection.
        var progress = ConnectionHandle.Progress.writing
        while progress != .done {
            guard progress != .failed else { throw closing(.unreachable(handle.message)) }
            let events: Poll.Events = progress == .reading ? .readable : .writable
            guard Poll.wait(handle.socket, for: events, until: deadline) != .late else {
                throw closing(.unreachable("\(configuration.redactedDescription) did not answer in time"))
            }
            progress = handle.connectProgress()
        }
        descriptor.store(handle.socket, ordering: .relaxed)
        cancellation.withLock { $0 = handle.makeCancelHandle() }
    }

    private func closing(_ error: PostgresError) -> PostgresError {
        close()
        return error
    }
}

/// Sends one cancellation from a thread of its own: it blocks until the server has taken it.
private actor Canceller {
    private let executor = ThreadExecutor(name: "postgres-cancel")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
    deinit { executor.stop() }

    func send(for connection: PostgresConnection) -> String? { connection.sendCancel() }
}
