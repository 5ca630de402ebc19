/// A bounded number of connections, lent in the order asked for; what comes back is clean or closed.
///
/// A caller waits for a connection no longer than its deadline, also while the server is away: the pool tries again
/// with
/// growing pauses and the caller learns the last reason.
public actor PostgresPool {
    /// How many connections are where, for metrics.
    public struct Status: Hashable, Sendable {
        public let size: Int
        public let idle: Int
        public let leased: Int
        public let waiting: Int
    }

    private struct Waiter {
        let continuation: CheckedContinuation<PostgresConnection?, any Error>
        let timer: Task<Void, Never>
    }

    /// How the connections are made.
    public nonisolated let configuration: PostgresConfiguration
    private let leaseTimeout: Duration
    private var state: PoolState<PostgresConnection>
    private var waiters: [Int: Waiter] = [:]
    private var lastCaller = 0
    private var backoff = Backoff()
    private var nextAttempt: (at: ContinuousClock.Instant, reason: String)?
    private var drained: [CheckedContinuation<Void, Never>] = []

    /// Makes no connection yet: each is made when it is first needed.
    /// - Parameters:
    ///   - size: how many connections at most; each has a thread of its own.
    ///   - leaseTimeout: how long a caller without a deadline waits for a connection.
    public init(_ configuration: PostgresConfiguration, size: Int, leaseTimeout: Duration = .seconds(10)) {
        precondition(size > 0, "a pool has at least one connection")
        self.configuration = configuration
        self.leaseTimeout = leaseTimeout
        state = PoolState(size: size)
    }

    public var status: Status {
        Status(size: state.size, idle: state.idle.count, leased: state.leased, waiting: state.waiting.count)
    }

    /// Lends a connection to `body`. A transaction it leaves open is rolled back; other session state is its own to
    /// undo. The connection must not be used once `body` has returned: someone else has it then.
    /// - Parameter deadline: until when to wait for a connection.
    /// - Throws: what `body` throws; before it runs `.poolExhausted`, `.unreachable`, `.closed`, or
    /// `CancellationError`.
    public nonisolated(nonsending) func withConnection<Value>(
        deadline: ContinuousClock.Instant? = nil,
        body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await lease(until: deadline ?? .now + leaseTimeout)
        do {
            let value = try await body(connection)
            await giveBack(connection)
            return value
        } catch {
            await giveBack(connection)
            throw error
        }
    }

    /// Runs `body` in a transaction on a connection of the pool, as `PostgresConnection.transaction` does.
    /// - Parameter deadline: for the connection, for each statement without its own, and for the commit.
    public nonisolated(nonsending) func transaction<Value>(
        settings: [TransactionSetting] = [], isolation: Transaction.Isolation = .readCommitted, readOnly: Bool = false,
        deadline: ContinuousClock.Instant? = nil,
        body: nonisolated(nonsending) (Transaction) async throws -> Value
    ) async throws -> Value {
        try await withConnection(deadline: deadline) { connection in
            try await connection.transaction(
                settings: settings, isolation: isolation, readOnly: readOnly, deadline: deadline, body: body)
        }
    }

    /// Runs one statement on a connection of the pool.
    public func query(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> Rows {
        try await withConnection(deadline: deadline) { connection in try await connection.query(sql, deadline: deadline)
        }
    }

    /// Refuses new callers, and returns once every lent connection has come back and all are closed.
    public func close() async {
        let (callers, connections) = state.close()
        for caller in callers { resume(caller, throwing: PostgresError.closed) }
        for connection in connections { await connection.close() }
        guard !state.isDrained else { return }
        await withCheckedContinuation { drained.append($0) }
    }

    private func lease(until deadline: ContinuousClock.Instant) async throws -> PostgresConnection {
        try Task.checkCancellation()
        lastCaller += 1
        let caller = lastCaller
        let connection: PostgresConnection?
        switch state.lease(caller) {
        case .refused: throw PostgresError.closed
        case .granted(let idle): connection = idle
        case .queued: connection = try await wait(caller, until: deadline)
        }
        do {
            if let connection, await isUsable(connection) { return connection }
            return try await connect(until: deadline)
        } catch {
            give(nil)
            throw error
        }
    }

    private func giveBack(_ connection: PostgresConnection) async {
        give(await connection.settle() ? connection : nil)
    }

    private func give(_ connection: PostgresConnection?) {
        switch state.giveBack(connection) {
        case .resume(let caller, let connection): resume(caller, returning: connection)
        case .keep(let surplus): if let surplus { Task { await surplus.close() } }
        }
        guard state.isDrained else { return }
        for continuation in drained { continuation.resume() }
        drained = []
    }

    private func isUsable(_ connection: PostgresConnection) async -> Bool {
        guard connection.hasNews else { return true }
        return await connection.isUsable()
    }

    // MARK: Waiting

    private func wait(_ caller: Int, until deadline: ContinuousClock.Instant) async throws -> PostgresConnection? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let timer = Task {
                    // Cancelled when the caller got its connection.
                    guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
                    self.expire(caller)
                }
                waiters[caller] = Waiter(continuation: continuation, timer: timer)
            }
        } onCancel: {
            Task { await self.abandon(caller, CancellationError()) }
        }
    }

    private func expire(_ caller: Int) {
        abandon(caller, PostgresError.poolExhausted(size: state.size, waiting: state.waiting.count))
    }

    private func abandon(_ caller: Int, _ error: any Error) {
        guard state.forget(caller) else { return }
        resume(caller, throwing: error)
    }

    private func resume(_ caller: Int, returning connection: PostgresConnection?) {
        guard let waiter = waiters.removeValue(forKey: caller) else { return }
        waiter.timer.cancel()
        waiter.continuation.resume(returning: connection)
    }

    private func resume(_ caller: Int, throwing error: any Error) {
        guard let waiter = waiters.removeValue(forKey: caller) else { return }
        waiter.timer.cancel()
        waiter.continuation.resume(throwing: error)
    }

    // MARK: Connecting

    /// Connects, and while the server is away tries again after growing pauses which all callers of the pool share.
    private func connect(until deadline: ContinuousClock.Instant) async throws -> PostgresConnection {
        while true {
            if let nextAttempt, nextAttempt.at > .now {
                guard nextAttempt.at < deadline else { throw PostgresError.unreachable(nextAttempt.reason) }
                try await Task.sleep(until: nextAttempt.at, clock: .continuous)
            }
            let attemptDeadline = min(deadline, .now + configuration.connectTimeout)
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(configuration, deadline: attemptDeadline)
                backoff.reset()
                nextAttempt = nil
                return connection
            } catch {
                guard case .unreachable(let reason) = error else { throw error }
                nextAttempt = (.now + backoff.next(), reason)
            }
        }
    }
}
