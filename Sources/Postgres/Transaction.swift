/// An open transaction, handed to the code that works in it; it ends when that code returns or throws.
///
/// `BEGIN` and the settings travel with the first statement, so they cost no round trip. The value may be passed
/// around,
/// but once the transaction has ended every call throws `.closed`.
public struct Transaction: Sendable {
    typealias ID = UInt64

    let connection: PostgresConnection
    let id: ID
    let deadline: ContinuousClock.Instant?

    /// What a transaction may see of others' work.
    public enum Isolation: Sendable { case readCommitted, repeatableRead, serializable }

    /// Runs one statement. An error aborts the transaction: nothing more can be done in it.
    public func query(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws(PostgresError) -> Rows {
        try await pipeline([sql], deadline: deadline)[0]
    }

    /// Runs statements in order in one round trip.
    /// - Throws: the error of the first that failed; the others have not been done.
    public func pipeline(
        _ statements: [SQL], deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [Rows] {
        try await connection.run(statements, in: id, deadline ?? self.deadline)
    }

    /// Copies rows into a table.
    /// - Parameter sql: a `COPY table (columns) FROM STDIN (FORMAT binary)` without values.
    /// - Returns: how many rows were copied.
    public func copyIn(
        _ sql: SQL, _ rows: CopyRows, deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> Int {
        try await connection.copyIn(sql, rows.finished(), in: id, deadline ?? self.deadline)
    }

    /// Runs the last statements and commits, in one round trip. If one fails, everything is rolled back.
    /// - Throws: the error of the first that failed, or as a commit does.
    @discardableResult
    public func finish(
        with statements: [SQL], deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> [Rows] {
        try await connection.commit(id, after: statements, deadline ?? self.deadline)
    }
}

/// A run-time setting that holds until the transaction ends, e.g. the seller on whose behalf rows may be seen.
public struct TransactionSetting: Hashable, Sendable {
    /// With a dot in it if it is the application's own: `billwright.seller_id`.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension PostgresConnection {
    struct OpenTransaction {
        let id: Transaction.ID
        /// Not yet sent: `BEGIN` and the settings.
        var prelude: [SQL]
        var failure: PostgresError.ServerError?
    }

    /// Runs `body` in a transaction, commits when it returns and rolls back when it throws.
    ///
    /// - Parameter deadline: for each statement without its own, and for the commit.
    /// - Throws: what `body` throws; `.rolledBack` when it returned although a statement had failed; `.commitUnknown`
    ///   when the connection broke between `COMMIT` and its answer.
    public nonisolated(nonsending) func transaction<Value>(
        settings: [TransactionSetting] = [], isolation: Transaction.Isolation = .readCommitted, readOnly: Bool = false,
        deadline: ContinuousClock.Instant? = nil,
        body: nonisolated(nonsending) (Transaction) async throws -> Value
    ) async throws -> Value {
        let id = await begin(settings, isolation, readOnly: readOnly)
        let value: Value
        do {
            value = try await body(Transaction(connection: self, id: id, deadline: deadline))
        } catch {
            await rollBack(id)
            throw error
        }
        try await commit(id, deadline)
        return value
    }

    private func begin(
        _ settings: [TransactionSetting], _ isolation: Transaction.Isolation, readOnly: Bool
    ) -> Transaction.ID {
        precondition(transaction == nil, "a connection has one transaction at a time")
        let level: SQL =
            switch isolation {
            case .readCommitted: "READ COMMITTED"
            case .repeatableRead: "REPEATABLE READ"
            case .serializable: "SERIALIZABLE"
            }
        let access: SQL = readOnly ? "READ ONLY" : "READ WRITE"
        var prelude: [SQL] = ["BEGIN ISOLATION LEVEL \(level) \(access)"]
        if !settings.isEmpty {
            let names = settings.map(\.name)
            let values = settings.map(\.value)
            prelude.append("SELECT set_config(name, value, true) FROM unnest(\(names), \(values)) AS s (name, value)")
        }
        lastTransactionID += 1
        transaction = OpenTransaction(id: lastTransactionID, prelude: prelude)
        return lastTransactionID
    }

    func run(
        _ batch: [SQL], in id: Transaction.ID, _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> [Rows] {
        try run(batch, in: id, stake: .transaction, deadline)
    }

    private func run(
        _ batch: [SQL], in id: Transaction.ID, stake: Stake, _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> [Rows] {
        let open = try current(id)
        guard !batch.isEmpty else { return [] }
        transaction?.prelude = []
        do throws(PostgresError) {
            return Array(try run(open.prelude + batch, stake: stake, deadline).dropFirst(open.prelude.count))
        } catch {
            if case .server(let failure) = error { transaction?.failure = open.failure ?? failure }
            throw error
        }
    }

    /// The transaction, if the server has it open too. When its `BEGIN` failed, or the body ended it by itself, each
    /// further statement would commit alone.
    private func current(_ id: Transaction.ID) throws(PostgresError) -> OpenTransaction {
        guard let open = transaction, open.id == id, handle.isAlive else { throw .closed }
        guard !open.prelude.isEmpty || handle.transactionStatus != .idle else { throw .rolledBack(cause: open.failure) }
        return open
    }

    /// Sends what has not been sent of the transaction's beginning, for calls that do not go through a pipeline.
    func sendPrelude(of id: Transaction.ID, _ deadline: ContinuousClock.Instant?) throws(PostgresError) {
        let open = try current(id)
        guard !open.prelude.isEmpty else { return }
        transaction?.prelude = []
        _ = try run(open.prelude, stake: .transaction, deadline)
    }

    /// Commits, after `statements` in the same round trip.
    func commit(
        _ id: Transaction.ID, after statements: [SQL], _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> [Rows] {
        do throws(PostgresError) {
            var results = try run(statements + ["COMMIT"], in: id, stake: .commit, deadline)
            guard results.removeLast().commandTag == "COMMIT" else {
                throw .rolledBack(cause: transaction?.failure)
            }
            end(id, failure: nil)
            return results
        } catch {
            rollBack(id, because: error)
            throw error
        }
    }

    /// Commits what is still open, or says how it ended.
    private func commit(_ id: Transaction.ID, _ deadline: ContinuousClock.Instant?) throws(PostgresError) {
        guard let open = transaction, open.id == id else {
            if let lastEnd, lastEnd.id == id, let failure = lastEnd.failure { throw failure }
            return
        }
        // Nothing was sent, so there is nothing to commit.
        guard open.prelude.isEmpty else { return end(id, failure: nil) }
        _ = try commit(id, after: [], deadline)
    }

    private func end(_ id: Transaction.ID, failure: PostgresError?) {
        transaction = nil
        lastEnd = (id, failure)
    }

    /// Ends the transaction without its work. What cannot be rolled back is closed, which rolls it back too.
    private func rollBack(_ id: Transaction.ID, because failure: PostgresError = .closed) {
        guard transaction?.id == id else { return }
        end(id, failure: failure)
        settle()
    }

    /// Leaves the session outside any transaction, or closed. Returns whether it may be used again.
    @discardableResult
    func settle() -> Bool {
        transaction = nil
        guard handle.isAlive else { return false }
        if handle.transactionStatus != .idle {
            let deadline = ContinuousClock.now + .seconds(5)
            let rollback = try? run(["ROLLBACK"], stake: .transaction, deadline)
            if rollback == nil || handle.transactionStatus != .idle { close() }
        }
        return handle.isAlive
    }
}
