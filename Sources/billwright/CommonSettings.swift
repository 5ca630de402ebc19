internal import Commands
internal import FoundationEssentials
internal import HTTPServer
internal import Observability
internal import Postgres

// Settings that several commands share, and how they are read.
extension Setting {
    static let database = Setting(
        "--database", "URL", variable: "DATABASE_URL",
        help: "the database, as libpq takes it; the PG* variables fill in what it leaves out")
    static let logFormat = Setting(
        "--log-format", "FORMAT", variable: "BILLWRIGHT_LOG_FORMAT", default: "json", help: "json or text")
    static let logLevel = Setting(
        "--log-level", "LEVEL", variable: "BILLWRIGHT_LOG_LEVEL", default: "info",
        help: "debug, info, warning or error")
    static let health = Setting(
        "--health", "HOST:PORT", variable: "BILLWRIGHT_HEALTH",
        help: "serve /livez, /readyz and /metrics there; port 0 takes a free one")
    static let databaseWait = Setting(
        "--database-wait", "TIME", variable: "BILLWRIGHT_DATABASE_WAIT", default: "60s",
        help: "how long to wait at the start for a database that is away")
    static let drainGrace = Setting(
        "--drain-grace", "TIME", variable: "BILLWRIGHT_DRAIN_GRACE", default: "30s",
        help: "how long running jobs may finish after the first SIGTERM")
    static let json = Setting(switch: "--json", help: "print JSON")
}

enum LogFormat: String, CaseIterable { case json, text }
enum LogLevel: String, CaseIterable {
    case debug, info, warning, error

    var threshold: Log.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

extension Arguments {
    func log(_ component: String) throws(UsageError) -> Log {
        let format = try choice("--log-format", LogFormat.self)
        let level = try choice("--log-level", LogLevel.self)
        return Log(component: component, threshold: level.threshold, style: format == .json ? .json : .text)
    }

    /// What `--database`, the environment and the PG* variables say together.
    func database(application: String) throws(UsageError) -> PostgresConfiguration {
        do throws(PostgresError) {
            var configuration = try PostgresConfiguration(text("--database") ?? "", variable: "DATABASE_URL")
            configuration.applicationName = "billwright \(application)"
            return configuration
        } catch {
            throw UsageError("\(error)")
        }
    }

    /// Nil: not asked for.
    func listenSettings(_ flag: String) throws(UsageError) -> HTTPServer.Settings? {
        guard let text = text(flag) else { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { throw fault(flag, text, "an address and a port, such as 127.0.0.1:9464") }
        var settings = HTTPServer.Settings()
        settings.address = String(text[..<colon]).replacing("[", with: "").replacing("]", with: "")
        settings.port = port
        return settings
    }
}
