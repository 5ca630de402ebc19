/// Where the database is and how we talk to it; checked when it is made, and it never shows a password.
public struct PostgresConfiguration: Sendable {
    /// Limits the server itself enforces, so that a statement ends even when its client is gone.
    public struct SessionLimits: Hashable, Sendable {
        /// How long a statement may run. Below `callTimeout`, so that the server's own error comes first.
        public var statement: Duration
        /// How long a statement may wait for a lock.
        public var lock: Duration
        /// How long a transaction may sit between two statements, holding its locks.
        public var idleInTransaction: Duration

        public init(
            statement: Duration = .seconds(30), lock: Duration = .seconds(10),
            idleInTransaction: Duration = .seconds(60)
        ) {
            self.statement = statement
            self.lock = lock
            self.idleInTransaction = idleInTransaction
        }
    }

    /// What the connection text says; libpq adds the `PG*` variables and its defaults when it connects.
    private var options: [Conninfo.Option]

    /// Shown in `pg_stat_activity`, unless the connection text or `PGAPPNAME` names another.
    public var applicationName = "billwright"
    /// How long making a connection may take: name, socket, TLS and password together.
    public var connectTimeout: Duration = .seconds(5)
    /// How long a call without a deadline of its own may take before its connection is given up.
    public var callTimeout: Duration = .seconds(40)
    /// Sent when a session starts; nil sends none, for a PgBouncer that refuses start-up options.
    public var sessionLimits: SessionLimits? = SessionLimits()
    /// Whom a session acts as from its start, where that is not who logs in; who logs in must be a member.
    public var role: String?
    /// Whether statements are prepared once per session; false for a PgBouncer in transaction mode before 1.21.
    public var usesPreparedStatements = true

    /// Reads a URI (`postgres://user@host:port/database?sslmode=…`) or `key=value` text.
    /// - Parameter variable: what to call the text in errors.
    /// - Throws: `.configuration` naming the variable and the fault.
    public init(_ conninfo: String, variable: String = "connection text") throws(PostgresError) {
        options = try Conninfo.parse(conninfo, variable: variable)
        for option in options { try Self.check(option, named: "\(variable): \(option.keyword)") }
    }

    /// Reads `DATABASE_URL`; what it leaves open comes from the `PG*` variables of this process, as with every libpq
    /// program. Without `DATABASE_URL` the `PG*` variables say everything.
    /// - Throws: `.configuration` naming the variable and the fault.
    public init(environment: [String: String]) throws(PostgresError) {
        try self.init(environment["DATABASE_URL"] ?? "", variable: "DATABASE_URL")
        for option in Conninfo.defaults() {
            if let variable = option.variable { try Self.check(option, named: variable) }
        }
    }

    /// The same server for another role or database; one URL serves several roles.
    public func with(
        user: String? = nil, password: String? = nil, database: String? = nil
    ) -> PostgresConfiguration {
        var copy = self
        if let user { copy.set("user", user) }
        if let password { copy.set("password", password, isSecret: true) }
        if let database { copy.set("dbname", database) }
        return copy
    }

    /// Host, port, user and database as they will be used, and the TLS mode; no password.
    public var redactedDescription: String {
        ["host", "port", "user", "dbname", "sslmode"].compactMap { keyword in
            value(of: keyword).map { "\(keyword)=\($0)" }
        }.joined(separator: " ")
    }

    /// The database's name as it will be used; nil when the server decides (it takes the user's name).
    public var database: String? { value(of: "dbname") }

    /// The role as it will be used.
    public var user: String? { value(of: "user") }

    private func value(of keyword: String) -> String? {
        let set = options.first { $0.keyword == keyword } ?? Conninfo.defaults().first { $0.keyword == keyword }
        return set.flatMap { $0.isSecret ? nil : $0.value }
    }

    private mutating func set(_ keyword: String, _ value: String, isSecret: Bool = false) {
        options.removeAll { $0.keyword == keyword }
        options.append(.init(keyword: keyword, variable: nil, value: value, isSecret: isSecret))
    }

    /// What libpq is given. An option of the connection text stands before ours.
    var connectionParameters: [(keyword: String, value: String)] {
        var parameters: [String: String] = [
            "fallback_application_name": applicationName, "client_encoding": "UTF8",
            // A peer that vanished is noticed after 10 + 3 × 5 s of silence, unacknowledged data after 15 s.
            "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3",
            "tcp_user_timeout": "15000",
        ]
        for option in options { parameters[option.keyword] = option.value }
        // Ours stand first: an option given by the user wins.
        let startup = [sessionLimits?.startupOptions, role.map { "-c role=\($0)" }].compactMap(\.self)
        if !startup.isEmpty {
            parameters["options"] = (startup + [value(of: "options") ?? ""]).joined(separator: " ")
        }
        return parameters.map { (keyword: $0.key, value: $0.value) }
    }

    // What libpq would only find out when it connects.
    private static func check(_ option: Conninfo.Option, named name: String) throws(PostgresError) {
        let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        switch option.keyword {
        case "port":
            for port in option.value.split(separator: ",") where Int(port).map((1...65535).contains) != true {
                throw .configuration(variable: name, fault: "\"\(port)\" is not a port (1 to 65535)")
            }
        case "connect_timeout":
            guard Int(option.value) != nil else {
                throw .configuration(variable: name, fault: "\"\(option.value)\" is not a number of seconds")
            }
        case "sslmode":
            guard modes.contains(option.value) else {
                throw .configuration(
                    variable: name, fault: "\"\(option.value)\" is none of \(modes.joined(separator: ", "))")
            }
        default: break
        }
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomReflectable {
    public var description: String { redactedDescription }

    /// What `dump` and failed expectations print: not the options, which hold the password.
    public var customMirror: Mirror { Mirror(self, children: ["connection": redactedDescription]) }
}

extension PostgresConfiguration.SessionLimits {
    fileprivate var startupOptions: String {
        [
            ("statement_timeout", statement), ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", idleInTransaction),
        ].map { "-c \($0)=\($1.wholeMilliseconds)" }.joined(separator: " ")
    }
}

extension Duration {
    /// Rounded down, and at least zero, which Postgres takes for "no limit".
    var wholeMilliseconds: Int64 {
        max(0, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
