/// Sending statements and reading their answers, for every call of the connection.
extension PostgresConnection {
    /// What a lost connection means for the work that was under way.
    enum Stake { case statement, transaction, commit }

    /// What was sent, in the order in which answers come.
    private enum Step {
        case deallocate(String)
        case prepare(StatementCache.Key, name: String)
        case execute
    }

    /// Sends all statements in one round trip and reads every answer.
    func run(
        _ batch: [SQL], stake: Stake, _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> [Rows] {
        guard handle.isAlive else { throw .closed }
        guard !batch.isEmpty else { return [] }
        let deadline = deadline ?? .now + configuration.callTimeout
        // Too late before anything was sent: no reason to lose the connection as well.
        guard deadline > .now else { throw .deadlineExceeded(rolledBack: true) }
        do throws(PostgresError) { return try attempt(batch, stake, deadline) } catch {
            guard case .server(let server) = error, server.sqlState == "26000" || server.isStalePlan else {
                throw error
            }
            if server.isStalePlan { statements.evictAll() } else { statements.forgetAll() }
            // Alone and outside a transaction nothing has happened yet; otherwise the caller has to begin again.
            guard batch.count == 1, stake == .statement else { throw error }
            return try attempt(batch, stake, deadline)
        }
    }

    private func attempt(
        _ batch: [SQL], _ stake: Stake, _ deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [Rows] {
        guard let steps = send(batch), handle.sendSync() else { throw lost(handle.message, stake) }
        var results: [Rows] = []
        results.reserveCapacity(batch.count)
        var failure: PostgresError.ServerError?
        for (index, step) in steps.enumerated() {
            // Once a step has failed the server skips the rest, a COMMIT too.
            let stake = failure != nil && stake == .commit ? .transaction : stake
            switch try answer(stake, deadline) {
            case .failure(let error) where error.isFatal:
                throw ended(by: error, index == steps.count - 1 || stake == .statement ? stake : .transaction)
            case .failure(let error): failure = failure ?? error
            case .success(let rows):
                guard failure == nil else { continue }
                if case .prepare(let key, let name) = step { statements.insert(key, name: name) }
                if case .deallocate(let name) = step { statements.deallocated(name) }
                if case .execute = step, let rows { results.append(rows) }
            }
        }
        let isCommitted = stake == .commit && results.count == batch.count
        do throws(PostgresError) { failure = try finishPipeline(stake, deadline) ?? failure } catch {
            guard isCommitted else { throw error }
        }
        if let failure { throw .server(failure) }
        return results
    }

    /// The server ended the session while a statement ran. It may do so after a commit and before its answer.
    func ended(by error: PostgresError.ServerError, _ stake: Stake) -> PostgresError {
        let lost = lost(error.description, stake)
        return stake == .transaction ? .server(error) : lost
    }

    /// Buffers the statements, preparing those that are new; nil when libpq refuses.
    private func send(_ batch: [SQL]) -> [Step]? {
        guard handle.enterPipeline() else { return nil }
        var steps: [Step] = []
        var underway: [StatementCache.Key: String] = [:]
        // A failed transaction accepts nothing but its end.
        for name in statements.evicted where handle.transactionStatus != .failed {
            guard handle.send("DEALLOCATE \(name)", [], PackedValues()) else { return nil }
            steps.append(.deallocate(name))
        }
        for sql in batch {
            let text = sql.text
            steps.reserveCapacity(steps.count + 2)
            if configuration.usesPreparedStatements {
                let key = StatementCache.Key(text: text, types: sql.types)
                var name = statements.name(for: key) ?? underway[key]
                if name == nil {
                    let new = statements.newName()
                    guard handle.send(prepare: new, text, sql.types) else { return nil }
                    steps.append(.prepare(key, name: new))
                    underway[key] = new
                    name = new
                }
                guard let name, handle.send(prepared: name, sql.values) else { return nil }
            } else {
                guard handle.send(text, sql.types, sql.values) else { return nil }
            }
            steps.append(.execute)
        }
        return steps
    }

    private enum Outcome {
        /// Nil rows: the step was skipped because an earlier one failed.
        case success(Rows?)
        case failure(PostgresError.ServerError)
    }

    /// The answer to one step, read to its end.
    private func answer(_ stake: Stake, _ deadline: ContinuousClock.Instant) throws(PostgresError) -> Outcome {
        var outcome = Outcome.success(nil)
        while let result = try nextResult(stake, deadline) {
            switch result.status {
            case nil:
                let error = result.error
                // Without a SQLSTATE it is libpq's own: the connection is gone.
                guard !error.sqlState.isEmpty else { throw lost(error.message, stake) }
                outcome = .failure(error)
                if error.isFatal { return outcome }
            case .rows, .command: outcome = .success(result.rows())
            case .aborted: break
            case .sync, .copyIn, .other: throw lost("this statement cannot be run here: COPY has its own call", stake)
            }
        }
        return outcome
    }

    /// Reads up to the end of the round trip. Outside a transaction that is where the server commits, so a deferred
    /// constraint fails only here.
    private func finishPipeline(
        _ stake: Stake, _ deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> PostgresError.ServerError? {
        var failure: PostgresError.ServerError?
        // libpq ends an error here with a nil before the end itself. More nils than that would be an endless loop.
        for _ in 0..<4 {
            guard let result = try nextResult(stake, deadline) else { continue }
            switch result.status {
            case .sync where handle.exitPipeline(): return failure
            case nil where !result.error.sqlState.isEmpty:
                failure = result.error
                if let failure, failure.isFatal { throw ended(by: failure, stake) }
            default: throw lost("the answers are out of step: \(handle.message)", stake)
            }
        }
        throw lost("the answers are out of step: \(handle.message)", stake)
    }

    /// The next result, or nil at the end of a statement's results. Sends what is still to be sent meanwhile.
    func nextResult(
        _ stake: Stake, _ deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> ResultHandle? {
        while true {
            let flushed = handle.flush()
            // When sending fails the server may have said why before it hung up, so read on.
            if flushed == .failed, !handle.consumeInput() { throw lost(handle.message, stake) }
            if !handle.isBusy { return handle.nextResult() }
            // Reading while writing: else both sides can wait for the other to take what they send.
            let events: Poll.Events = flushed == .writing ? [.readable, .writable] : .readable
            guard Poll.wait(handle.socket, for: events, until: deadline) != .late else { throw late(stake) }
            guard handle.consumeInput() else { throw lost(handle.message, stake) }
        }
    }

    /// Closes the connection and says what its loss means.
    func lost(_ reason: String, _ stake: Stake) -> PostgresError {
        close()
        return stake == .commit ? .commitUnknown(reason) : .connectionLost(reason, rolledBack: stake == .transaction)
    }

    /// Closes the connection, because an answer that comes late would be taken for the next one.
    func late(_ stake: Stake) -> PostgresError {
        close()
        return stake == .commit
            ? .commitUnknown("no answer before the deadline") : .deadlineExceeded(rolledBack: stake == .transaction)
    }
}
