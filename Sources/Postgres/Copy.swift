/// Rows for a binary COPY, encoded as they are appended; the fastest way to load a table.
///
/// The server converts nothing in this format: each value must have exactly the column's type.
public struct CopyRows: Sendable {
    private var bytes: [UInt8]
    /// How many values each row has.
    public let columnCount: Int
    /// How many rows have been appended.
    public private(set) var count = 0

    /// - Parameter columns: how many values each row has.
    public init(columns: Int) {
        columnCount = columns
        bytes = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
        bytes.append(bigEndian: Int32(0))  // Flags.
        bytes.append(bigEndian: Int32(0))  // The length of the header's extension.
    }

    /// Appends a row; its values stand in the order of the statement's columns.
    public mutating func append<each Value: PostgresEncodable>(_ values: repeat each Value) {
        var given = 0
        for _ in repeat each values { given += 1 }
        precondition(given == columnCount, "a row of \(given) values for \(columnCount) columns")
        bytes.append(bigEndian: Int16(columnCount))
        for value in repeat each values { bytes.appendWithLength(isNull: value.isNull) { value.encode(into: &$0) } }
        count += 1
    }

    /// Everything that is sent, with the trailer.
    func finished() -> [UInt8] {
        var bytes = bytes
        bytes.append(bigEndian: Int16(-1))
        return bytes
    }
}

extension PostgresConnection {
    /// Copies rows into a table; outside a transaction that is all or nothing by itself.
    /// - Parameter sql: a `COPY table (columns) FROM STDIN (FORMAT binary)` without values.
    /// - Returns: how many rows were copied.
    public func copyIn(
        _ sql: SQL, _ rows: CopyRows, deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> Int {
        try copyIn(sql, rows.finished(), deadline: deadline)
    }

    /// Copies rows that are already in the format `sql` names: text, CSV or binary.
    /// - Returns: how many rows were copied.
    public func copyIn(
        _ sql: SQL, _ bytes: [UInt8], deadline: ContinuousClock.Instant? = nil
    ) throws(PostgresError) -> Int {
        try copy(sql, bytes, handle.transactionStatus == .idle ? .statement : .transaction, deadline)
    }

    func copyIn(
        _ sql: SQL, _ bytes: [UInt8], in id: Transaction.ID, _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> Int {
        try sendPrelude(of: id, deadline)
        do throws(PostgresError) { return try copy(sql, bytes, .transaction, deadline) } catch {
            if case .server(let failure) = error { transaction?.failure = transaction?.failure ?? failure }
            throw error
        }
    }

    /// Runs several statements separated by semicolons, as a migration or a schema file has them. The server joins them
    /// into one transaction unless the text has its own. Results are dropped.
    ///
    /// The text is run as it stands: it must come from our own sources, never from outside.
    public func script(_ text: String, deadline: ContinuousClock.Instant? = nil) throws(PostgresError) {
        guard handle.isAlive else { throw .closed }
        let stake: Stake = handle.transactionStatus == .idle ? .statement : .transaction
        let deadline = deadline ?? .now + configuration.callTimeout
        guard handle.send(script: text) else { throw lost(handle.message, stake) }
        _ = try drain(stake, deadline)
    }

    private func copy(
        _ sql: SQL, _ bytes: [UInt8], _ stake: Stake, _ deadline: ContinuousClock.Instant?
    ) throws(PostgresError) -> Int {
        guard handle.isAlive else { throw .closed }
        precondition(sql.hasNoValues, "COPY takes no values")
        let deadline = deadline ?? .now + configuration.callTimeout
        guard handle.send(sql.text, [], PackedValues()) else { throw lost(handle.message, stake) }
        guard let first = try nextResult(stake, deadline) else { throw lost("COPY got no answer", stake) }
        guard first.status == .copyIn else {
            // A refused COPY, or a statement that is none.
            let failure = first.status == nil ? first.error : nil
            _ = try drain(stake, deadline)
            if let failure { throw .server(failure) }
            throw .decoding(.init(column: "*", expected: "COPY … FROM STDIN", found: sql.text, reason: "not a COPY"))
        }
        // A slice at a time: libpq would otherwise keep a second copy of everything.
        for start in stride(from: 0, to: bytes.count, by: 65536) {
            let chunk = bytes[start..<min(start + 65536, bytes.count)]
            try sendCopy(stake, deadline) { handle in handle.put(copy: chunk) }
        }
        try sendCopy(stake, deadline) { handle in handle.endCopy() }
        return try drain(stake, deadline)
    }

    /// Repeats `step` until libpq has taken it, waiting while its buffer is full, then sends the buffer.
    private func sendCopy(
        _ stake: Stake, _ deadline: ContinuousClock.Instant,
        _ step: (borrowing ConnectionHandle) -> ConnectionHandle.Progress
    ) throws(PostgresError) {
        var isTaken = false
        while true {
            var progress = isTaken ? handle.flush() : step(handle)
            if !isTaken, progress == .done {
                isTaken = true
                progress = handle.flush()
            }
            switch progress {
            case .done: return
            case .failed, .reading: throw lost(handle.message, stake)
            case .writing:
                let ready = Poll.wait(handle.socket, for: [.readable, .writable], until: deadline)
                guard ready != .late else { throw late(stake) }
                guard handle.consumeInput() else { throw lost(handle.message, stake) }
            }
        }
    }

    /// Reads every result, so that the connection is idle again; then throws the first error.
    private func drain(_ stake: Stake, _ deadline: ContinuousClock.Instant) throws(PostgresError) -> Int {
        var failure: PostgresError.ServerError?
        var affected = 0
        while let result = try nextResult(stake, deadline) {
            switch result.status {
            case nil:
                let error = result.error
                guard !error.sqlState.isEmpty else { throw lost(error.message, stake) }
                guard !error.isFatal else { throw ended(by: error, stake) }
                failure = failure ?? error
            case .rows, .command: affected += result.rows().affectedRows
            default: throw lost("COPY has its own call", stake)
            }
        }
        if let failure { throw .server(failure) }
        return affected
    }
}
