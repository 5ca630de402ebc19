/// Everything that can go wrong between us and Postgres; it always answers whether the work may be tried again.
public enum PostgresError: Error, Sendable {
    /// No connection could be made; nothing was sent.
    case unreachable(String)
    /// Every connection of the pool was in use until the deadline; nothing was sent.
    case poolExhausted(size: Int, waiting: Int)
    /// The answer did not come in time, and the connection has been closed; or the time was up before anything was
    /// sent.
    /// `rolledBack`: none of it happened, because it was never sent or in a transaction that had not been committed.
    case deadlineExceeded(rolledBack: Bool)
    /// The connection broke while a statement ran. `rolledBack` as above.
    case connectionLost(String, rolledBack: Bool)
    /// `COMMIT` was sent and the connection broke before its answer: the work is either all done or not at all.
    case commitUnknown(String)
    /// The server refused a statement.
    case server(ServerError)
    /// The transaction is gone although the body goes on or returned: a statement had failed and its error was not
    /// passed
    /// on (`COMMIT` was then answered by `ROLLBACK`), or the body ended the transaction by itself.
    case rolledBack(cause: ServerError?)
    /// A result does not have the shape the code expects.
    case decoding(DecodingFailure)
    /// One row was expected.
    case unexpectedRowCount(Int)
    /// A name that Postgres would not take, or would cut short.
    case invalidIdentifier(String)
    /// A setting or environment variable is malformed. Never contains a password.
    case configuration(variable: String, fault: String)
    /// The connection, pool or transaction has ended before.
    case closed

    /// What the server reported.
    public struct ServerError: Hashable, Sendable {
        /// Five characters, e.g. `23505`; empty when the C library made the error itself.
        public let sqlState: String
        public let message: String
        public let detail: String?
        public let hint: String?
        public let constraint: String?
        public let table: String?
        public let column: String?
        /// The call stack in functions and triggers.
        public let context: String?
        /// Where in the statement's text, in characters from 1.
        public let position: Int?
        /// The server has ended the session with this.
        let isFatal: Bool
        /// The server's C function, which unlike the message is never translated.
        let routine: String?
    }

    /// Which column did not fit, and why.
    public struct DecodingFailure: Hashable, Sendable {
        public let column: String
        public let expected: String
        public let found: String
        public let reason: String
    }
}

/// Whether the same work may simply be done again.
public enum RetryAnswer: Hashable, Sendable {
    /// Nothing of it was done, and it may succeed next time.
    case yes
    /// It would fail in the same way.
    case no
    /// It may have been done: look before trying again.
    case outcomeUnknown
}

extension PostgresError {
    /// Whether the caller may do the same work again, in a new transaction.
    public var mayRetry: RetryAnswer {
        switch self {
        case .unreachable, .poolExhausted: .yes
        case .deadlineExceeded(let rolledBack), .connectionLost(_, let rolledBack): rolledBack ? .yes : .outcomeUnknown
        case .commitUnknown: .outcomeUnknown
        case .server(let error): error.mayRetry
        case .rolledBack(let cause): cause?.mayRetry ?? .no
        case .decoding, .unexpectedRowCount, .invalidIdentifier, .configuration, .closed: .no
        }
    }

    /// The five characters of the server's error; nil for errors that are not the server's.
    public var sqlState: String? {
        if case .server(let error) = self { error.sqlState } else { nil }
    }

    /// The constraint that a statement would have broken.
    public var constraint: String? {
        if case .server(let error) = self { error.constraint } else { nil }
    }
}

extension PostgresError.ServerError {
    /// `yes` for what passes by itself: the server answered, so the transaction is rolled back in every such case.
    ///
    /// - 40001 serialization failure, 40P01 deadlock, 55P03 lock not available (`lock_timeout`)
    /// - class 08 connection trouble, class 53 out of connections, memory or disk
    /// - 57P01 shutdown, 57P02 crash of another session, 57P03 starting up, 25P03 idle in transaction for too long
    /// - 26000 and a plan whose result type changed: the statement is prepared anew next time
    ///
    /// 57014 (cancelled, or `statement_timeout`) is `no`: the same statement would take as long again.
    public var mayRetry: RetryAnswer {
        switch sqlState {
        case "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25P03", "26000": .yes
        case "0A000" where isStalePlan: .yes
        default: sqlState.hasPrefix("08") || sqlState.hasPrefix("53") ? .yes : .no
        }
    }

    /// A prepared statement's result changed by DDL ("cached plan must not change result type").
    var isStalePlan: Bool { sqlState == "0A000" && routine == "RevalidateCachedQuery" }
}

extension PostgresError: CustomStringConvertible {
    /// One line an operator can act on.
    public var description: String {
        switch self {
        case .unreachable(let reason): "Postgres cannot be reached: \(reason)"
        case .poolExhausted(let size, let waiting):
            "the pool is exhausted: all \(size) connections stayed in use until the deadline, \(waiting) callers waiting"
        case .deadlineExceeded(let rolledBack):
            "Postgres did not answer before the deadline\(Self.outcome(rolledBack))"
        case .connectionLost(let reason, let rolledBack):
            "the connection to Postgres was lost: \(reason)\(Self.outcome(rolledBack))"
        case .commitUnknown(let reason):
            "the connection was lost after COMMIT was sent, so the work is either all done or not at all: \(reason)"
        case .server(let error): error.description
        case .rolledBack(let cause):
            "the transaction was rolled back, because a statement had failed before: \(cause?.description ?? "unknown")"
        case .decoding(let failure):
            "column \(failure.column): expected \(failure.expected), found \(failure.found): \(failure.reason)"
        case .unexpectedRowCount(let count): "one row was expected, \(count) came back"
        case .invalidIdentifier(let name): "\"\(name)\" cannot be a name: it must have 1 to 63 bytes and no NUL"
        case .configuration(let variable, let fault): "\(variable): \(fault)"
        case .closed: "this connection, pool or transaction has ended"
        }
    }

    private static func outcome(_ rolledBack: Bool) -> String {
        rolledBack ? " (none of it was done)" : " (whether the statement was done is unknown)"
    }
}

extension PostgresError.ServerError: CustomStringConvertible {
    public var description: String {
        var parts = [message]
        if let detail { parts.append(detail) }
        if let hint { parts.append("Hint: \(hint)") }
        if let context { parts.append("In: \(context)") }
        let text = parts.joined(separator: " ").split(whereSeparator: \.isNewline).joined(separator: " ")
        return sqlState.isEmpty ? text : "\(text) (SQLSTATE \(sqlState))"
    }
}
