internal import CPostgres
internal import Glibc

/// Owns one `PGconn` of libpq and is its only way in; ends the session when it is destroyed.
///
/// libpq allows one thread at a time: the connection actor's. Nothing here waits; the pointer never leaves this file.
@safe struct ConnectionHandle: ~Copyable {
    enum Progress { case reading, writing, done, failed }
    enum TransactionStatus { case idle, open, failed, other }

    private let raw: OpaquePointer?

    /// A connection that is closed.
    init() { unsafe raw = nil }

    /// Begins to connect; `connectProgress()` goes on. libpq looks the host up here, which may block.
    init(starting parameters: [(keyword: String, value: String)]) {
        var keywords = unsafe parameters.map { unsafe strdup($0.keyword) }.map { unsafe UnsafePointer($0) }
        var values = unsafe parameters.map { unsafe strdup($0.value) }.map { unsafe UnsafePointer($0) }
        defer { unsafe (keywords + values).forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        unsafe keywords.append(nil)
        unsafe values.append(nil)
        unsafe raw = PQconnectStartParams(keywords, values, 0)
        if unsafe raw != nil { unsafe billwright_silence_notices(raw) }
    }

    deinit { unsafe PQfinish(raw) }

    var socket: CInt { unsafe PQsocket(raw) }
    var isAlive: Bool { unsafe PQstatus(raw) != CONNECTION_BAD }
    var isBusy: Bool { unsafe PQisBusy(raw) == 1 }

    /// What libpq says about the last failure, on one line.
    var message: String {
        guard unsafe raw != nil, let text = unsafe PQerrorMessage(raw) else { return "the connection is closed" }
        let lines = unsafe String(cString: text).split(whereSeparator: \.isNewline)
        return lines.joined(separator: " ").replacing("\t", with: " ")
    }

    var transactionStatus: TransactionStatus {
        switch unsafe PQtransactionStatus(raw) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .other
        }
    }

    func connectProgress() -> Progress {
        switch unsafe PQconnectPoll(raw) {
        case PGRES_POLLING_OK: unsafe PQsetnonblocking(raw, 1) == 0 ? .done : .failed
        case PGRES_POLLING_READING: .reading
        case PGRES_POLLING_WRITING: .writing
        default: .failed
        }
    }

    /// Sends what is buffered: `.done`, `.writing` when the socket takes no more for now, or `.failed`.
    func flush() -> Progress {
        switch unsafe PQflush(raw) {
        case 0: .done
        case 1: .writing
        default: .failed
        }
    }

    func consumeInput() -> Bool { unsafe PQconsumeInput(raw) == 1 }
    func nextResult() -> ResultHandle? { unsafe ResultHandle(PQgetResult(raw)) }

    func enterPipeline() -> Bool { unsafe PQenterPipelineMode(raw) == 1 }
    func exitPipeline() -> Bool { unsafe PQexitPipelineMode(raw) == 1 }
    func sendSync() -> Bool { unsafe PQpipelineSync(raw) == 1 }

    /// Sends text that may hold several statements and has no values; results come as text.
    func send(script: String) -> Bool { unsafe PQsendQuery(raw, script) == 1 }

    func send(prepare name: String, _ text: String, _ types: [UInt32]) -> Bool {
        unsafe PQsendPrepare(raw, name, text, CInt(types.count), types) == 1
    }

    func send(prepared name: String, _ values: borrowing PackedValues) -> Bool {
        unsafe withPointers(to: values) { pointers, lengths, formats in
            unsafe PQsendQueryPrepared(raw, name, CInt(lengths.count), pointers, lengths, formats, 1) == 1
        }
    }

    func send(_ text: String, _ types: [UInt32], _ values: borrowing PackedValues) -> Bool {
        unsafe withPointers(to: values) { pointers, lengths, formats in
            unsafe PQsendQueryParams(raw, text, CInt(lengths.count), types, pointers, lengths, formats, 1) == 1
        }
    }

    /// Buffers rows of a COPY: `.done`, `.writing` when the buffer is full for now, or `.failed`.
    func put(copy chunk: ArraySlice<UInt8>) -> Progress {
        let status = unsafe chunk.withUnsafeBytes { buffer in
            unsafe PQputCopyData(raw, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), CInt(buffer.count))
        }
        return status == 1 ? .done : status == 0 ? .writing : .failed
    }

    /// Ends the rows of a COPY; with `abandon` the server rolls the COPY back for that reason.
    func endCopy(abandon reason: String? = nil) -> Progress {
        let status = unsafe PQputCopyEnd(raw, reason)
        return status == 1 ? .done : status == 0 ? .writing : .failed
    }

    /// A notification that has arrived, oldest first.
    func nextNotification() -> (channel: String, payload: String)? {
        guard let notification = unsafe PQnotifies(raw) else { return nil }
        defer { unsafe PQfreemem(notification) }
        return unsafe (
            String(cString: notification.pointee.relname),
            String(cString: notification.pointee.extra)
        )
    }

    func makeCancelHandle() -> CancelHandle { unsafe CancelHandle(PQgetCancel(raw)) }
}

/// Owns one `PGcancel`: a copy of what is needed to ask the server to stop the session's statement.
///
/// Sendable unchecked because libpq documents it for use from any thread: it shares no memory with its connection, and
/// sending a cancellation only reads it.
@safe struct CancelHandle: ~Copyable, @unchecked Sendable {
    private let raw: OpaquePointer?

    fileprivate init(_ raw: OpaquePointer?) { unsafe self.raw = raw }
    init() { unsafe raw = nil }
    deinit { unsafe PQfreeCancel(raw) }

    /// Opens a connection of its own and waits for the server to close it. Nil when sent, else the reason.
    func send() -> String? {
        guard unsafe raw != nil else { return "the connection is closed" }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { reason in
            unsafe reason.initialize(repeating: 0)
            if unsafe PQcancel(raw, reason.baseAddress, 256) == 1 { return nil }
            return unsafe text(reason.baseAddress)
        }
    }
}

/// Owns one `PGresult`; everything wanted is copied out before it is freed.
@safe struct ResultHandle: ~Copyable {
    enum Status { case rows, command, sync, aborted, copyIn, other }

    private let raw: OpaquePointer

    fileprivate init?(_ raw: OpaquePointer?) {
        guard let raw = unsafe raw else { return nil }
        unsafe self.raw = raw
    }

    deinit { unsafe PQclear(raw) }

    /// Nil when the result is an error.
    var status: Status? {
        switch unsafe PQresultStatus(raw) {
        case PGRES_TUPLES_OK: .rows
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .command
        case PGRES_PIPELINE_SYNC: .sync
        case PGRES_PIPELINE_ABORTED: .aborted
        case PGRES_COPY_IN: .copyIn
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: nil
        default: .other
        }
    }

    func rows() -> Rows {
        let columnCount = unsafe PQnfields(raw)
        let columns = (0..<columnCount).map { column in
            unsafe Rows.Column(
                name: text(PQfname(raw, column)),
                type: PostgresType(oid: PQftype(raw, column)))
        }
        let count = unsafe Int(PQntuples(raw))
        var cells = PackedValues()
        cells.reserve(values: count * columns.count, bytes: unsafe PQresultMemorySize(raw))
        for row in 0..<CInt(count) {
            for column in 0..<columnCount {
                guard unsafe PQgetisnull(raw, row, column) == 0 else {
                    cells.appendNull()
                    continue
                }
                let value = unsafe UnsafeRawBufferPointer(
                    start: PQgetvalue(raw, row, column), count: Int(PQgetlength(raw, row, column)))
                cells.append { unsafe $0.append(contentsOf: value) }
            }
        }
        let tag = unsafe text(PQcmdStatus(raw))
        let affected = unsafe Int(text(PQcmdTuples(raw))) ?? 0
        return Rows(
            storage: .init(columns: columns, cells: cells, count: count, commandTag: tag, affectedRows: affected))
    }

    var error: PostgresError.ServerError {
        let severity = field(billwright_severity)
        let whole = unsafe text(PQresultErrorMessage(raw))
        return PostgresError.ServerError(
            sqlState: field(billwright_sqlstate) ?? "", message: field(billwright_message) ?? whole,
            detail: field(billwright_detail), hint: field(billwright_hint),
            constraint: field(billwright_constraint), table: field(billwright_table),
            column: field(billwright_column), context: field(billwright_context),
            position: field(billwright_position).flatMap { Int($0) },
            isFatal: severity == "FATAL" || severity == "PANIC", routine: field(billwright_routine))
    }

    private func field(_ field: billwright_error_field) -> String? {
        unsafe PQresultErrorField(raw, CInt(field.rawValue)).map { unsafe String(cString: $0) }
    }
}

@unsafe private func text(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer else { return "" }
    return unsafe String(cString: pointer)
}

/// The values as libpq takes them: pointers, lengths, formats.
@unsafe private func withPointers<Result>(
    to values: PackedValues,
    _ body: (_ pointers: [UnsafePointer<CChar>?], _ lengths: [CInt], _ formats: [CInt]) -> Result
) -> Result {
    // An empty array may have no address, and to libpq no address is NULL instead of an empty string.
    let bytes = values.bytes.isEmpty ? [0] : values.bytes
    return unsafe bytes.withUnsafeBytes { buffer in
        let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        var pointers = unsafe [UnsafePointer<CChar>?]()
        var lengths: [CInt] = []
        for index in 0..<values.count {
            let range = values.range(at: index)
            unsafe pointers.append(range.flatMap { range in unsafe base.map { unsafe $0 + range.lowerBound } })
            lengths.append(CInt(range?.count ?? 0))
        }
        return unsafe body(pointers, lengths, [CInt](repeating: 1, count: values.count))
    }
}
